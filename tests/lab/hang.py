"""Mount a file system that never answers into another process's namespaces; it hangs while this script runs.

Arguments: the process whose namespaces are meant, the mount point as that process sees it. Run as a script.
It is a FUSE file system without a server behind it, so nothing is lost: when the script is gone, all who wait get
an error.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

CLONE_NEWNS = 0x00020000


def _check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), what)


def main(pid: str, point: str) -> None:
    """Mount, then keep the connection open and unanswered."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Opened out here: a container need not have the device.
    device = os.open("/dev/fuse", os.O_RDWR)
    root = os.open(f"/proc/{pid}/root", os.O_RDONLY)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    _check(libc.setns(namespace, CLONE_NEWNS), "setns")
    os.fchdir(root)
    os.chroot(".")
    Path(point).mkdir(parents=True, exist_ok=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    _check(libc.mount(b"lab", point.encode(), b"fuse", 0, options.encode()), "mount")
    print("hangs", flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
