"""What drift uses of a host: testinfra's Host and one shell, as types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_ddd.connections.answers import Completed


class Shell(Protocol):
    """Runs one command on the host; the exit status is part of the answer."""

    def run(self, command: str, *, timeout_s: float, repeatable: bool = ...) -> Completed:
        """Run a command line of sh."""


class FileModule(Protocol):
    """`host.file(path)`."""

    exists: bool
    is_file: bool
    is_directory: bool
    is_symlink: bool
    is_pipe: bool
    is_socket: bool
    user: str
    uid: int
    group: str
    gid: int
    mode: int
    size: int
    sha256sum: str
    linked_to: str
    content: bytes


class PackageModule(Protocol):
    """`host.package(name)`."""

    is_installed: bool
    version: str
    release: str


class ServiceModule(Protocol):
    """`host.service(name)`."""

    is_running: bool
    is_enabled: bool
    systemd_properties: dict[str, str]


class UserModule(Protocol):
    """`host.user(name)`."""

    exists: bool
    uid: int
    gid: int
    group: str
    groups: list[str]
    home: str
    shell: str


class GroupModule(Protocol):
    """`host.group(name)`."""

    exists: bool
    gid: int
    members: list[str]


class MountModule(Protocol):
    """`host.mount_point(path)`."""

    path: str
    device: str
    filesystem: str
    options: list[str]


class FileWay(Protocol):
    """`host.file`."""

    def __call__(self, path: str) -> FileModule:
        """Choose a path."""


class PackageWay(Protocol):
    """`host.package`."""

    def __call__(self, name: str) -> PackageModule:
        """Choose a package."""


class ServiceWay(Protocol):
    """`host.service`."""

    def __call__(self, name: str) -> ServiceModule:
        """Choose a service."""


class UserWay(Protocol):
    """`host.user`."""

    def __call__(self, name: str) -> UserModule:
        """Choose an account."""


class GroupWay(Protocol):
    """`host.group`."""

    def __call__(self, name: str) -> GroupModule:
        """Choose a group."""


class MountWay(Protocol):
    """`host.mount_point`."""

    def get_mountpoints(self) -> Sequence[MountModule]:
        """List all mounts, in the order in which they were mounted."""


class SocketWay(Protocol):
    """`host.socket`."""

    def get_listening_sockets(self) -> Sequence[str]:
        """List listening sockets as `tcp://0.0.0.0:22`."""


class SysctlWay(Protocol):
    """`host.sysctl`."""

    def __call__(self, name: str) -> str | int:
        """Read a kernel setting."""


class SystemInfo(Protocol):
    """`host.system_info`."""

    distribution: str | None


class TestedHost(Protocol):
    """testinfra's Host, as far as drift needs it."""

    @property
    def file(self) -> FileWay: ...  # noqa: D102  # its type says it
    @property
    def package(self) -> PackageWay: ...  # noqa: D102  # its type says it
    @property
    def service(self) -> ServiceWay: ...  # noqa: D102  # its type says it
    @property
    def user(self) -> UserWay: ...  # noqa: D102  # its type says it
    @property
    def group(self) -> GroupWay: ...  # noqa: D102  # its type says it
    @property
    def mount_point(self) -> MountWay: ...  # noqa: D102  # its type says it
    @property
    def socket(self) -> SocketWay: ...  # noqa: D102  # its type says it
    @property
    def sysctl(self) -> SysctlWay: ...  # noqa: D102  # its type says it
    @property
    def system_info(self) -> SystemInfo: ...  # noqa: D102  # its type says it


class Ways(Protocol):
    """What drift uses of the connections: both ways to each host, by its inventory name."""

    def reading_host(self, name: str, /) -> TestedHost:
        """Return testinfra's Host, on a connection that may repeat a read."""

    def session(self, name: str, /) -> Shell:
        """Return the shell of the host."""
