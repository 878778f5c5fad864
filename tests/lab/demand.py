"""Work out which packages and kernel features the names in `needs(...)` marks stand for."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CATALOGUE_PATH = Path(__file__).with_name("packages.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The content of packages.toml."""

    packages: dict[str, str]
    groups: dict[str, list[str]]
    extra: dict[str, list[str]]
    kernel: dict[str, list[str]]

    def binaries(self, names: Iterable[str]) -> frozenset[str]:
        """All binaries behind the names; an unknown name is a mistake in the test."""
        found: set[str] = set()
        for name in names:
            if name in self.groups:
                found.update(self.groups[name])
            elif name in self.packages:
                found.add(name)
            else:
                raise KeyError(f"needs({name!r}): not in {CATALOGUE_PATH.name}")
        return frozenset(found)

    def features(self, names: Iterable[str]) -> frozenset[str]:
        """All kernel features (and "root") behind the names."""
        return frozenset(feature for name in names for feature in self.kernel.get(name, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What is not there: binary -> package, as a list for a person."""

    packages: dict[str, str]

    @property
    def apt_packages(self) -> list[str]:
        """The packages to install, each once."""
        return sorted(set(self.packages.values()))

    def __bool__(self) -> bool:
        return bool(self.packages)

    def __str__(self) -> str:
        lines = [
            f"  {binary}: package {package}" for binary, package in sorted(self.packages.items())
        ]
        command = "apt-get install --no-install-recommends " + " ".join(self.apt_packages)
        return "\n".join(["missing:", *lines, f"install: {command}"])


@cache
def catalogue() -> Catalogue:
    """Read packages.toml once."""
    data = tomllib.loads(CATALOGUE_PATH.read_text(encoding="utf-8"))
    return Catalogue(
        packages=data["packages"], groups=data["groups"], extra=data["extra"], kernel=data["kernel"]
    )


def which(binary: str) -> str | None:
    """Where a binary is; what a plain user's PATH leaves out counts too."""
    return shutil.which(binary) or shutil.which(
        binary, path=":".join(["/usr/local/sbin:/usr/sbin:/sbin:/lib/systemd", *_of_postgresql()])
    )


def _of_postgresql() -> list[str]:
    """Debian keeps the programs of each version in a folder of its own, outside of every PATH."""
    return [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def package_there(package: str) -> bool:
    """Whether dpkg has unpacked the package (its file list is there)."""
    return any(Path("/var/lib/dpkg/info").glob(f"{package}[.:]*list"))


def missing(names: Iterable[str], find: Callable[[str], str | None] = which) -> Missing:
    """What of the names' binaries and packages this machine does not have."""
    names = list(names)
    table = catalogue()
    packages = {name: table.packages[name] for name in table.binaries(names) if find(name) is None}
    extra = {package for name in names for package in table.extra.get(name, ())}
    packages |= {package: package for package in extra if not package_there(package)}
    return Missing(packages=packages)
