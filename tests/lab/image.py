"""Build the Debian root file system all lab hosts share, once, and keep it in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "nginx-light", "cron", "logrotate",
    "iproute2", "procps", "iputils-ping", "curl", "ca-certificates", "sudo", "needrestart", "unattended-upgrades",
    "debian-archive-keyring", "tcsh", "fish", "busybox", "restic", "borgbackup", "nftables",
)  # fmt: skip
SUDO_PASSWORD = "lab-sudo-password"
BUILD_TIMEOUT_S = 900
CUSTOMIZE = Path(__file__).with_name("customize.sh")


class BuildError(Exception):
    """The image could not be built; carries the end of the build log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A finished image: the read-only root and the key its users accept."""

    path: Path

    @property
    def root(self) -> Path:
        """The lower directory of every lab host's overlay."""
        return self.path / "root"

    @property
    def key(self) -> Path:
        """Private ssh key; the public half is in the image, so they are one cache entry."""
        return self.path / "id_ed25519"


def cache_dir() -> Path:
    """Where images are kept: $XDG_CACHE_HOME, else /var/cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "pytest-ddd-lab"


def image_id() -> str:
    """Name of the cache entry: changes with the package list and with how the image is made."""
    recipe = [SUITE, *PACKAGES, CUSTOMIZE.read_text(encoding="utf-8"), SUDO_PASSWORD]
    return f"{SUITE}-{hashlib.sha256(chr(0).join(recipe).encode()).hexdigest()[:12]}"


def cached() -> bool:
    """Whether a finished image of this recipe is there."""
    return (cache_dir() / image_id()).exists()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def debian_mirror() -> str | None:
    """The mirror this machine's own apt uses for the suite, if it runs Debian; else mmdebstrap's default."""
    if mirror := os.environ.get("DDD_LAB_MIRROR"):
        return mirror
    form = "$(ORIGIN)|$(CODENAME)|$(SUITE)|$(LABEL)|$(REPO_URI)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        origin, codename, _, label, uri = line.split("|", 4)
        if (origin, codename, label) == ("Debian", SUITE, "Debian"):
            return uri
    return None


def _mmdebstrap(target: Path) -> list[str]:
    no_docs = [
        f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "info", "locale")
    ]
    mirror = debian_mirror()
    return [
        "unshare", "-m", "mmdebstrap", "--quiet", "--mode=root", "--format=directory", "--variant=apt",
        "--dpkgopt=force-unsafe-io", *no_docs, '--aptopt=APT::Install-Recommends "false"',
        f"--include={','.join(PACKAGES)}", SUITE, str(target), *([mirror] if mirror else []),
    ]  # fmt: skip


def _run(argv: list[str], log: Path, **environment: str) -> None:
    with log.open("ab") as sink:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, check=False, timeout=BUILD_TIMEOUT_S,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment},
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:])
        raise BuildError(f"{argv[:3]}: exit {done.returncode}\n{tail}")


def _build(target: Path) -> None:
    log = target / "build.log"
    key = target / "id_ed25519"
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key)], log)
    root = target / "root"
    _run(_mmdebstrap(root), log)
    public = key.with_suffix(".pub").read_text(encoding="utf-8")
    _run(
        ["sh", "-eu", str(CUSTOMIZE), str(root)],
        log,
        LAB_KEY=public,
        LAB_SUDO_PASSWORD=SUDO_PASSWORD,
    )


def ensure() -> Image:
    """Give the image, building it first if no finished one is in the cache (35 to 60 s, once a machine)."""
    base = cache_dir()
    final = base / image_id()
    with _locked(base / f"{image_id()}.lock"):
        if not final.exists():
            for stale in base.glob(f"{image_id()}.tmp*"):
                shutil.rmtree(stale)
            target = base / f"{image_id()}.tmp"
            target.mkdir(mode=0o755)
            _build(target)
            target.rename(final)
    return Image(path=final)


def main() -> int:
    """Command line: build the image and say how long it took."""
    start = time.monotonic()
    image = ensure()
    print(f"lab image {image.path}: {time.monotonic() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
