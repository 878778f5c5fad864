"""Logging in while pytest collects: only to hosts of checks that are certain to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.conftest import Site
from tests.support.sshd import SERVER, Sshd, running, sshd

pytestmark = SERVER

HOSTS = 2
CHECK = "def test_it(host): assert host.run('true').rc == 0\n"
NOTING = """
import time
import pytest
from pathlib import Path
from pytest_ddd.plugin.site import SITE_KEY

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config):
    connections = config.stash[SITE_KEY].connections
    until = time.monotonic() + {patience}
    log = Path("{log}")
    while log.read_text().count("Accepted publickey") < {hosts} and time.monotonic() < until:
        time.sleep(0.02)
    Path("begun").write_text(str(len(connections._sessions)))
    Path("accepted").write_text(str(log.read_text().count("Accepted publickey")))
"""


@pytest.fixture
def server(site: Site, tmp_path: Path) -> Iterator[Sshd]:
    """An sshd that is the whole of `prod`."""
    with sshd(tmp_path / "sshd") as made:
        site.fleet(made, HOSTS)
        site.check(CHECK)
        yield made


def _note(site: Site, server: Sshd, *, patience_s: float) -> None:
    """Note at the end of collection how many logins have begun, and how many were accepted."""
    log = server.base / "sshd.log"
    site.write("conftest.py", NOTING.format(log=log, hosts=HOSTS, patience=patience_s))


def _noted(site: Site, what: str) -> int:
    return int((site.root / what).read_text())


def test_hosts_are_logged_in_to_before_collection_ends(site: Site, server: Sshd) -> None:
    """A collection that waits for the logins comes to its end; each host is logged in to once."""
    _note(site, server, patience_s=180.0)

    done = site.run("-m", "daily", "--host", "prod")

    assert done.status == 0, done.text
    assert _noted(site, "accepted") == HOSTS
    assert server.handshakes == HOSTS


@pytest.mark.parametrize(
    "narrowed",
    [
        ("-m", "daily", "-k", "web0"),
        ("-m", "daily and not weekly"),
        ("-m", "daily", "--deselect", "checks/daily/test_own.py::test_it[web1]"),
        ("-m", "daily", "checks/daily/test_own.py::test_it[web0]"),
        ("-m", "daily", "--ddd-scenario", "daily-checks"),
        ("-m", "weekly"),
        ("-m", "daily", "-n", "2"),
    ],
    ids=["k", "and", "deselect", "id", "scenario", "none", "workers"],
)
def test_a_narrowed_run_logs_in_when_its_checks_begin(
    site: Site, server: Sshd, narrowed: tuple[str, ...]
) -> None:
    """Not before it is known which checks are left."""
    _note(site, server, patience_s=0.0)

    done = site.run(*narrowed, "--host", "prod")

    assert done.status == (5 if narrowed == ("-m", "weekly") else 0), done.text
    assert _noted(site, "begun") == 0


@pytest.mark.parametrize("shown", ["--collect-only", "--fixtures", "--fixtures-per-test"])
def test_what_only_shows_logs_in_nowhere(site: Site, server: Sshd, shown: str) -> None:
    """Whoever looks at what there is reaches no host."""
    done = site.run("-m", "daily", "--host", "prod", shown)

    assert done.status == 0, done.text
    assert server.handshakes == 0


def test_a_collection_that_fails_leaves_no_connection(site: Site, server: Sshd) -> None:
    """Another file cannot be imported: nothing is run, and no ssh is left."""
    site.write("checks/test_zzz_broken.py", "import nothing_of_that_name\n")

    done = site.run("-m", "daily", "--host", "prod")

    assert done.status == 2, done.text
    assert "nothing_of_that_name" in done.text
    assert done.results == ()
    assert running(str(server.base / "ssh_config")) == []
