"""The same twenty checks a host, as each tool says them: files, and a command to run there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from textwrap import dedent

from benchmarks.fleet.hosts import Fleet

SERVICES = ("ssh", "cron", "nginx", "rsyslog", "dbus")
PORTS = (22, 80, 443)
FILES = ("/etc/passwd", "/etc/group", "/etc/fstab", "/etc/login.defs")
PACKAGES = ("bash", "coreutils", "openssh-server")
SYSCTLS = {"net.ipv4.ip_forward": "0", "net.ipv4.tcp_syncookies": "1"}

PEERS = Path("/var/cache/pytest-ddd-bench/venv")
"""Where `python -m benchmarks.fleet --install` puts paramiko and pyinfra."""

TESTINFRA = f"""
import pytest

@pytest.mark.parametrize("name", {SERVICES})
def test_service(host, name):
    assert host.service(name).is_running

@pytest.mark.parametrize("port", {PORTS})
def test_port(host, port):
    assert host.socket(f"tcp://0.0.0.0:{{port}}").is_listening

@pytest.mark.parametrize("path", {FILES})
def test_file(host, path):
    file = host.file(path)
    assert file.user == "root"
    assert file.mode == 0o644
    assert file.sha256sum

@pytest.mark.parametrize("name", {PACKAGES})
def test_package(host, name):
    package = host.package(name)
    assert package.is_installed
    assert package.version

def test_disk(host):
    assert int(host.check_output("df -P / | awk 'NR==2 {{print $5+0}}'")) <= 100

def test_memory(host):
    assert "MemAvailable" in host.check_output("cat /proc/meminfo")

def test_load(host):
    assert float(host.check_output("cat /proc/loadavg").split()[0]) < 1000

@pytest.mark.parametrize(("key", "value"), {list(SYSCTLS.items())})
def test_sysctl(host, key, value):
    assert str(host.sysctl(key)) == value
"""

SCRIPT = "\n".join(
    [
        *(f"systemctl is-active {name}" for name in SERVICES),
        *(f"ss -ltnH 'sport = :{port}'" for port in PORTS),
        *(f"stat -Lc %U {path}; stat -Lc %a {path}" for path in FILES),
        *(f"sha256sum {path} | cut -d ' ' -f 1" for path in FILES),
        *(f"dpkg-query -f '${{Status}}' -W {name}" for name in PACKAGES),
        *(f"dpkg-query -f '${{Status}} ${{Version}}' -W {name}" for name in PACKAGES),
        "df -P /; cat /proc/meminfo; cat /proc/loadavg; nproc",
        *(f"sysctl -n {key}" for key in SYSCTLS),
    ]
)
"""The floor: 36 processes, as many as testinfra needs, and nobody looks at what they say."""

CHECKS = """
    import pytest

    pytestmark = pytest.mark.daily

    def test_drift(drift_item):
        assert drift_item.read().problems == ()

    def test_usage(resource, judge):
        usage = resource.read()
        for reading in usage.readings:
            judge(reading, resource.threshold)
        assert usage.problems == ()
"""

SERVERSPEC = f"""
require 'serverspec'
require 'net/ssh'
host = ENV['TARGET_HOST']
options = Net::SSH::Config.for(host, [ENV['SSH_CONFIG']])
options.delete(:identity_agent)  # Debian's net-ssh reads it, and does not take it
options[:user] = 'root'
set :backend, :ssh
set :host, host
set :ssh_options, options
%w[{" ".join(SERVICES)}].each do |name|
  describe service(name) do it {{ should be_running }} end
end
[{", ".join(map(str, PORTS))}].each do |number|
  describe port(number) do it {{ should be_listening }} end
end
%w[{" ".join(FILES)}].each do |path|
  describe file(path) do
    it {{ should be_owned_by('root') }}
    it {{ should be_mode 644 }}
    its(:sha256sum) {{ should_not be_empty }}
  end
end
%w[{" ".join(PACKAGES)}].each do |name|
  describe package(name) do it {{ should be_installed }} end
end
describe command('df -P /') do its(:stdout) {{ should_not be_empty }} end
describe command('cat /proc/meminfo') do its(:stdout) {{ should match(/MemAvailable/) }} end
describe command('cat /proc/loadavg') do its(:stdout) {{ should_not be_empty }} end
""" + "\n".join(
    f"describe linux_kernel_parameter('{key}') do its(:value) {{ should eq {value} }} end"
    for key, value in SYSCTLS.items()
)

PLAYBOOK = f"""
- hosts: all
  gather_facts: false
  tasks:
    - command: "systemctl is-active {{{{ item }}}}"
      loop: {list(SERVICES)}
      changed_when: false
    - {{wait_for: {{port: "{{{{ item }}}}", timeout: 5}}, loop: {list(PORTS)}}}
    - stat: {{path: "{{{{ item }}}}", checksum_algorithm: sha256}}
      loop: {list(FILES)}
      register: files
    - assert:
        that: item.stat.pw_name == "root" and item.stat.mode == "0644"
        quiet: true
      loop: "{{{{ files.results }}}}"
      loop_control: {{label: "{{{{ item.item }}}}"}}
    - {{package_facts: }}
    - {{assert: {{that: item in packages, quiet: true}}, loop: {list(PACKAGES)}}}
    - {{command: df -P /, changed_when: false}}
    - {{command: cat /proc/meminfo, changed_when: false}}
    - {{command: cat /proc/loadavg, changed_when: false}}
    - {{command: "sysctl -n {{{{ item }}}}", loop: {list(SYSCTLS)}, changed_when: false}}
"""

PYINFRA = f"""
from pyinfra import host
from pyinfra.facts.deb import DebPackage
from pyinfra.facts.files import File, Sha256File
from pyinfra.facts.server import Command

for name in {SERVICES}:
    assert host.get_fact(Command, f"systemctl is-active {{name}}") == "active"
assert host.get_fact(Command, "ss -ltnH")
for path in {FILES}:
    assert host.get_fact(File, path)["user"] == "root"
    assert host.get_fact(Sha256File, path)
for name in {PACKAGES}:
    assert host.get_fact(DebPackage, name)
for command in ("df -P /", "cat /proc/meminfo", "cat /proc/loadavg"):
    assert host.get_fact(Command, command)
for key in {list(SYSCTLS)}:
    assert host.get_fact(Command, f"sysctl -n {{key}}")
"""


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def _sh(script: str) -> list[str]:
    return ["sh", "-c", script]


def _baseline(fleet: Fleet, names: Sequence[str]) -> str:
    digests = {path: sha256(Path(path).read_bytes()).hexdigest() for path in FILES}
    hosts = "\n".join(
        f"  {name}: {{connection: 'ssh://root@{name}', ssh_config: {fleet.config}}}"
        for name in names
    )
    files = "\n".join(
        f'    {path}: {{owner: root, mode: "0644", sha256: "{digest}"}}'
        for path, digest in digests.items()
    )
    return f"""version: 1
hosts:
{hosts}
configuration:
  services: {{{", ".join(f"{name}: {{running: true}}" for name in SERVICES)}}}
  listeners: {{{", ".join(f'"tcp:{port}": {{}}' for port in PORTS)}}}
  packages: {{{", ".join(f'{name}: {{version: "*"}}' for name in PACKAGES)}}}
  sysctl: {{{", ".join(f"{key}: {{value: {value}}}" for key, value in SYSCTLS.items())}}}
  files:
{files}
thresholds:
  "disk:/": {{warn: 99%, crit: 100%}}
  memory: {{warn: 99%, crit: 100%}}
  load: {{warn: 500, crit: 1000}}
"""


def ours(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """The plugin, with its record and its report."""
    folder = fleet.base / f"ours{len(names)}"
    _write(folder, {"pyproject.toml": "[tool.pytest]\n", "checks/test_fleet.py": CHECKS})
    _write(folder, {"baselines/fleet.yaml": _baseline(fleet, names)})
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:hypothesispytest",
        "checks",
    ]
    return folder, [*pytest, "-m", "daily", "--host=fleet"]


def floor(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """One ssh a host, sixteen at a time, and a script on its stdin."""
    folder = _write(fleet.base / "floor", {"script": SCRIPT})
    ssh = f'xargs -P16 -I@ sh -c "ssh -F {fleet.config} @ sh <script >@.out"'
    return folder, _sh(f"printf '%s\\n' {' '.join(names)} | {ssh}")


def _testinfra(
    fleet: Fleet, names: Sequence[str], kind: str, config: Path
) -> tuple[Path, list[str]]:
    folder = _write(fleet.base / "testinfra", {"test_hosts.py": TESTINFRA})
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:ddd"]
    if kind == "paramiko":
        pytest[0] = str(PEERS / "bin" / "python")
        pytest = pytest[:-2]
    hosts = ",".join(f"{kind}://root@{name}" for name in names)
    return folder, [*pytest, f"--hosts={hosts}", f"--ssh-config={config}", "test_hosts.py"]


def testinfra(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """Testinfra's ssh backend as it is: no ControlPath, so a login a command."""
    return _testinfra(fleet, names, "ssh", fleet.config)


def testinfra_mux(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """Testinfra's ssh backend with a ControlPath in ssh_config; masters end with the run."""
    config = fleet.base / "mux_config"
    config.write_text(f"{fleet.config.read_text()}  ControlPath {fleet.base}/mux-%C\n")
    folder, command = _testinfra(fleet, names, "ssh", config)
    quoted = " ".join(command)
    leave = f"for h in {' '.join(names)}; do ssh -F {config} -O exit $h; done"
    return folder, _sh(f"{quoted}; {leave}")


def paramiko(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """Testinfra's paramiko backend."""
    return _testinfra(fleet, names, "paramiko", fleet.config)


def serverspec(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """Serverspec, host after host, as its Rakefile does."""
    folder = _write(fleet.base / "serverspec", {"hosts_spec.rb": SERVERSPEC})
    one = f"TARGET_HOST=$h SSH_CONFIG={fleet.config} rspec hosts_spec.rb"
    return folder, _sh(f"s=0; for h in {' '.join(names)}; do {one} || s=1; done; exit $s")


def ansible(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """ansible-core with pipelining and twenty forks."""
    python = "ansible_python_interpreter=/usr/bin/python3 ansible_user=root"
    files = {
        "ansible.cfg": "[defaults]\nforks = 20\n[ssh_connection]\npipelining = true\n"
        f"ssh_args = -F {fleet.config} -o ControlMaster=auto -o ControlPersist=5s\n",
        "play.yml": PLAYBOOK,
        f"inventory{len(names)}": "\n".join(f"{name} {python}" for name in names),
    }
    folder = _write(fleet.base / "ansible", files)
    return folder, ["ansible-playbook", "-i", f"inventory{len(names)}", "play.yml"]


def pyinfra(fleet: Fleet, names: Sequence[str]) -> tuple[Path, list[str]]:
    """Facts of pyinfra, all hosts at once."""
    options = f"{{'ssh_user': 'root', 'ssh_config_file': '{fleet.config}'}}"
    inventory = f"hosts = [(name, {options}) for name in {list(names)}]\n"
    files = {"facts.py": PYINFRA, f"inventory{len(names)}.py": inventory}
    folder = _write(fleet.base / "pyinfra", files)
    command = [str(PEERS / "bin" / "pyinfra"), "-y", f"inventory{len(names)}.py", "facts.py"]
    return folder, command


Tool = Callable[[Fleet, Sequence[str]], tuple[Path, list[str]]]

TOOLS: Mapping[str, Tool] = {
    "pytest-ddd": ours,
    "bare ssh, xargs -P16": floor,
    "testinfra ssh + ControlPath": testinfra_mux,
    "testinfra paramiko": paramiko,
    "testinfra ssh": testinfra,
    "serverspec": serverspec,
    "ansible-core": ansible,
    "pyinfra facts": pyinfra,
}
