"""--host and everything that it can collide with."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Site

OWNER = """
def pytest_addoption(parser):
    parser.addoption("--host", action="store", dest="their_host", default="theirs")
"""
CHECK = "def test_it(host):\n    assert host.run('true').rc == 0\n"
PROD = """
    hosts:
      web1: {connection: "local://", groups: [web]}
      web2: {connection: "local://", groups: [web]}
      db1: {connection: "local://", groups: [db]}
    groups: {web: {}, db: {}}
"""


@pytest.fixture
def prod(site: Site) -> Site:
    """A site with an environment `prod` of three hosts."""
    site.baseline("prod", hosts=PROD)
    site.check(CHECK)
    return site


@pytest.mark.parametrize(
    ("args", "targets"),
    [
        (("--host", "prod"), {"web1", "web2", "db1"}),
        (("--host=prod",), {"web1", "web2", "db1"}),
        (("--ddd-host", "web"), {"web1", "web2"}),
        (("--host=web1,db1",), {"web1", "db1"}),
        (("--host", "web1", "--host", "db1"), {"web1", "db1"}),
        (("--host=web*",), {"web1", "web2"}),
        (("--host=prod,!web1",), {"web2", "db1"}),
        ((), {"localhost"}),
    ],
)
def test_selection(prod: Site, args: tuple[str, ...], targets: set[str]) -> None:
    """Environment, group, host, glob and !not choose the hosts."""
    done = prod.run("-m", "daily", *args)

    assert {one.target for one in done.results} == targets
    assert done.status == 0


def test_same_hosts_with_workers(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """Workers see the same hosts."""
    done = prod.run("--host=web", *plugin_args)

    assert set(done.outcomes()) == {"web1/it", "web2/it", "web1/reachable", "web2/reachable"}


def test_environment_variable_and_ini(prod: Site) -> None:
    """DDD_HOST and ddd_host say the same; the command line wins over both."""
    prod.write("pyproject.toml", "[tool.pytest]\ntestpaths = ['checks']\nddd_host = ['db']\n")

    by_ini = prod.run()
    by_environment = prod.run(env={"DDD_HOST": "web1"})
    by_command_line = prod.run("--host=web2")

    assert {one.target for one in by_ini.results} == {"db1"}
    assert {one.target for one in by_environment.results} == {"web1"}
    assert {one.target for one in by_command_line.results} == {"web2"}


def test_plugin_owns_host(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """Another plugin's --host stays theirs, and --ddd-host works beside it."""
    prod.write("theirs.py", OWNER)

    done = prod.run("-p", "theirs", "--host=whatever", "--ddd-host=web1", *plugin_args)

    assert {one.target for one in done.results} == {"web1"}
    assert done.status == 0


def test_conftest_owns_host(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """A conftest's --host stays theirs, and the run says which spelling is left."""
    prod.write("conftest.py", OWNER)

    done = prod.run("--host=whatever", "--ddd-host=web1", *plugin_args)

    assert {one.target for one in done.results} == {"web1"}
    if "-n2" not in plugin_args:
        assert "use --ddd-host" in done.text


def test_both_host_and_hosts(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """Testinfra's --hosts beside --host is a mistake, not a silent winner."""
    done = prod.run("--host=web1", "--hosts=local://", *plugin_args)

    assert done.status == 4
    assert "--hosts" in done.text
    assert "leave one out" in done.text


def test_directory_of_that_name(prod: Site) -> None:
    """A directory ./prod is warned of, and the run goes on."""
    prod.write("prod/notes.txt", "")

    done = prod.run("-m", "daily", "--host", "prod")

    assert done.status == 0
    assert "write --host=prod" in done.text
    assert {one.target for one in done.results} == {"web1", "web2", "db1"}


def test_unknown_name(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """An unknown name is a mistake with the nearest right one, and nothing runs."""
    done = prod.run("--host=prood", *plugin_args)

    assert done.status == 4
    assert "prod" in done.text
    assert "Traceback" not in done.text
    assert "INTERNALERROR" not in done.text
    assert done.results == ()


def test_empty_set(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """A selection that leaves no host is a mistake."""
    done = prod.run("--host=web1,!web", *plugin_args)

    assert done.status == 4
    assert done.results == ()


def test_conftest_host_fixture_wins(prod: Site) -> None:
    """A conftest that defines `host` keeps it."""
    prod.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def host():
            return "mine"
        """,
    )
    prod.check("def test_it(host):\n    assert host == 'mine'\n")

    done = prod.run("--host=web1")

    assert done.status == 0


def test_wide_fixture_may_use_host(prod: Site) -> None:
    """`host` has session scope, so that a site's own facts can be read once a host."""
    prod.check(
        """
        @pytest.fixture(scope="session")
        def kernel(host):
            return host.run("uname -s").stdout.strip()

        def test_it(kernel):
            assert kernel == "Linux"
        """
    )

    done = prod.run("--host=web")

    assert set(done.outcomes()) >= {"web1/it", "web2/it"}
    assert done.status == 0


def test_holidays_that_nobody_knows_are_a_mistake(prod: Site, plugin_args: tuple[str, ...]) -> None:
    """Told before anything runs: at the end it would keep the results from being told."""
    due = '{morning-health-check: {due: {at: "07:30", days: business}}}'
    prod.baseline("prod", environment="environment: {holidays: {country: XX}}")
    prod.baseline("prod", scenarios=f"scenarios: {due}")

    done = prod.run("--host=prod", *plugin_args)

    assert done.status == 4, done.text
    assert "no holidays are known for 'XX'" in done.text
    assert "INTERNALERROR" not in done.text
