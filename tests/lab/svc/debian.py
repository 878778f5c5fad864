"""A Debian archive of the lab's own: a small service in several versions, good and broken."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.net import answers

PORT = 8077
UNIT = """[Unit]
Description=The lab's application
[Service]
ExecStart=/usr/bin/labapp
[Install]
WantedBy=multi-user.target
"""
START = "#!/bin/sh\nexec busybox httpd -f -p 8080 -h /usr/share/labapp\n"
POSTINST = """#!/bin/sh
{before}
[ "$1" = configure ] || exit 0
systemctl daemon-reload
systemctl enable -q labapp
systemctl restart labapp || true
"""
PRERM = '#!/bin/sh\n[ "$1" = remove ] && systemctl stop labapp\nexit 0\n'
HEALTH = "busybox wget -q -O - http://127.0.0.1:8080/version"


class Archive:
    """An archive that hosts reach by HTTP; each suite is a flat directory."""

    def __init__(self, lab: Lab, root: Path) -> None:
        """Serve an empty archive."""
        self._lab, self._root = lab, root
        self._debs = root / "debs"
        self._debs.mkdir(parents=True)
        gateway = lab.net.gateway
        self._url = f"http://{gateway}:{PORT}"
        command = [sys.executable, "-m", "http.server", str(PORT), "--bind", gateway]
        self._server = lab.popen(command, name="archive", cwd=root)
        self._server.ready(lambda: answers(gateway, PORT, lab.net.ctl, b""))

    def close(self) -> None:
        """Serve no more."""
        self._server.stop()

    def deb(
        self, version: str, *, name: str = "labapp", start: str = START, postinst: str = ""
    ) -> Path:
        """Build a version of the application."""
        with tempfile.TemporaryDirectory() as place:
            tree = Path(place)
            files = {
                "DEBIAN/control": f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
                "Maintainer: The lab <lab@example.org>\nDescription: An application of the lab\n",
                f"usr/share/{name}/version": f"{version}\n",
            }
            if name == "labapp":
                files |= {
                    "DEBIAN/postinst": POSTINST.format(before=postinst),
                    "DEBIAN/prerm": PRERM,
                    "usr/bin/labapp": start,
                    "lib/systemd/system/labapp.service": UNIT,
                }
            for path, text in files.items():
                file = tree / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
                file.chmod(0o755 if path.endswith(("inst", "rm", "bin/labapp")) else 0o644)
            target = self._debs / f"{name}_{version.replace(':', '%3a')}_all.deb"
            command = ["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(target)]
            subprocess.run(command, check=True, capture_output=True)
        return target

    def publish(self, suite: str, debs: Sequence[Path], *, label: str = "Lab") -> None:
        """Write the index of a suite, in place of what it had."""
        folder = self._root / suite
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        index = "".join(self._stanza(deb, folder) for deb in debs).encode()
        (folder / "Packages").write_bytes(index)
        (folder / "Release").write_text(
            f"Origin: Lab\nLabel: {label}\nSuite: {suite}\nCodename: {suite}\n"
            f"Date: Tue, 24 Nov 2026 00:00:00 UTC\nSHA256:\n"
            f" {hashlib.sha256(index).hexdigest()} {len(index)} Packages\n",
            encoding="utf-8",
        )

    def _stanza(self, deb: Path, folder: Path) -> str:
        (folder / deb.name).hardlink_to(deb)
        control = subprocess.run(
            ["dpkg-deb", "-f", str(deb)], check=True, capture_output=True, text=True
        ).stdout
        data = deb.read_bytes()
        return (
            f"{control}Filename: ./{deb.name}\nSize: {len(data)}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n"
        )

    def use(self, host: LabHost, *suites: str) -> None:
        """Let a host know these suites and nothing else."""
        lines = [f"deb [trusted=yes] {self._url}/{suite}/ ./" for suite in suites]
        host.run("rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*", check=True)
        host.write("/etc/apt/sources.list", "\n".join([*lines, ""]))
        host.run("apt-get -q update", check=True)


def version(host: LabHost, name: str = "labapp") -> str:
    """Return the version of a package that is installed and whole; else dpkg's state."""
    form = "${db:Status-Abbrev}${Version}"
    said = host.run(["dpkg-query", "-W", f"-f={form}", name]).stdout
    return said.removeprefix("ii ")


def served(host: LabHost) -> str:
    """Return the version that the running application says it is."""
    return host.run(HEALTH).stdout.strip()
