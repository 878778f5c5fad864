"""A FUSE daemon that hangs: it mounts what it is told, says so, and never answers about it.

Arguments: mount point, and how it hangs: `deaf` never reads, `silent` takes the question and
does not answer it (whoever asked cannot be killed then).
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time

_INIT = 26
_HEADER = struct.Struct("<IIQQIIII")


def main(mount: str, how: str) -> None:
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    subprocess.run(
        ["mount", "-i", "-t", "fuse", "-o", options, "silent", mount], pass_fds=[device], check=True
    )
    print("ready", flush=True)
    while how == "silent":
        request = os.read(device, 1 << 17)
        _length, opcode, unique, *_rest = _HEADER.unpack_from(request)
        if opcode == _INIT:
            body = struct.pack("<IIIIHHI", 7, 23, 0, 0, 0, 0, 4096).ljust(24, b"\0")
            os.write(device, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
    time.sleep(600)


main(*sys.argv[1:])
