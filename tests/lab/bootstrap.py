"""Install Debian packages with one apt-get call: `python -m tests.lab.bootstrap core`, or `all`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.demand import Missing, catalogue, missing

EXIT_USAGE = 4
POLICY_PATH = Path("/usr/sbin/policy-rc.d")
# 101 = "action forbidden": the maintainer scripts then start no daemon.
POLICY_TEXT = "#!/bin/sh\n# put here by the test lab for one apt-get call\nexit 101\n"
# Package lists older than this may name versions that the mirror no longer has.
LISTS_MAX_AGE_S = 12 * 3600
APT_TIMEOUT_S = 900


class RefusedError(Exception):
    """The machine lacks something and this run may not put it there."""


@contextmanager
def no_daemons(policy: Path = POLICY_PATH) -> Iterator[None]:
    """Keep apt from starting services, unless the machine already has a policy of its own."""
    ours = not policy.exists() or policy.read_text(encoding="utf-8") == POLICY_TEXT
    if ours:
        policy.write_text(POLICY_TEXT, encoding="utf-8")
        policy.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def _lists_are_old() -> bool:
    lists = [path.stat().st_mtime for path in Path("/var/lib/apt/lists").glob("*Packages*")]
    stamp = Path("/var/lib/apt/lists/partial")
    newest = max([*lists, stamp.stat().st_mtime if stamp.exists() else 0.0])
    return not lists or _age_s(newest) > LISTS_MAX_AGE_S


def _age_s(changed: float) -> float:
    # File times are the machine's own clock, so compare with that one.
    return time.time() - changed  # noqa: TID251


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    command = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *arguments]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=APT_TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise RefusedError(f"{' '.join(command)}: exit {done.returncode}\n{tail}")


def install(lack: Missing) -> float:
    """Install what is missing in one call; give the seconds it took."""
    if os.geteuid() != 0:
        raise RefusedError(
            f"{lack}\nnot root: run `sudo {sys.executable} -m tests.lab.bootstrap core`"
        )
    start = time.monotonic()
    if _lists_are_old():
        _apt("update")
    with no_daemons():
        _apt(
            "install", "--no-install-recommends", "-o", "Dpkg::Options::=--force-unsafe-io",
            "-o", "Dpkg::Options::=--force-confold", *lack.apt_packages,
        )  # fmt: skip
    return time.monotonic() - start


def provide(names: Sequence[str]) -> float | None:
    """Make sure everything behind the names is installed; None when nothing was missing."""
    lack = missing(names)
    if not lack:
        return None
    seconds = install(lack)
    still = missing(names)
    if still:
        raise RefusedError(f"installed, and still {still}")
    return seconds


def main(argv: Sequence[str]) -> int:
    """Command line: the names of groups or binaries, or `all`; default is `core`."""
    names = sorted(catalogue().packages) if list(argv) == ["all"] else list(argv) or ["core"]
    try:
        seconds = provide(names)
    except (KeyError, RefusedError) as error:
        print(error.args[0], file=sys.stderr)
        return EXIT_USAGE
    said = "everything is there" if seconds is None else f"installed in {seconds:.1f} s"
    print(f"lab {' '.join(names)}: {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
