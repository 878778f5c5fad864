"""What is in the baseline and nobody looks at is told."""

from __future__ import annotations

from tests.plugin.conftest import Site

MEMORY = "thresholds: {memory: {warn: 98%, crit: 99%, applies_to: [web]}}"
HOSTS = """
hosts:
  web1: {connection: 'local://', groups: [web]}
  spare: {connection: 'local://'}
groups: {web: {}, db: {}}
"""


def test_host_without_entries_is_told(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A host to which nothing applies is named at the end, as it has no line of its own."""
    site.baseline("local", hosts=HOSTS, thresholds=MEMORY)
    site.check("def test_it(resource):\n    resource.read()\n")

    done = site.run(*plugin_args)

    assert "warning: nobody looks at spare: nothing in the baseline applies to it" in done.text
    assert "nobody looks at web1" not in done.text


def test_host_of_a_check_of_its_own_is_not_told(site: Site) -> None:
    """A check that takes `host` looks at all of them."""
    site.baseline("local", hosts=HOSTS, thresholds=MEMORY)
    site.check("def test_it(host):\n    assert host.run('true').rc == 0\n")

    assert "nobody looks at" not in site.run().text


def test_entry_of_an_empty_group_is_told(site: Site) -> None:
    """An entry that applies to nobody would be missing without a word."""
    swap = MEMORY.replace("memory", "swap").replace("web", "db")
    site.baseline("local", hosts=HOSTS, thresholds=swap)
    site.check("def test_it(host):\n    assert host.run('true').rc == 0\n")

    done = site.run()

    assert "warning: nobody looks at thresholds.swap" in done.text
    assert "baselines/local/thresholds.yaml:1" in done.text


def test_entries_of_other_targets_are_not_called_missing(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """With one host selected, an endpoint of the environment is declared, but not for it."""
    site.baseline("local", hosts=HOSTS, endpoints="endpoints: {shop: {url: 'tcp://127.0.0.1:1'}}")
    site.check("def test_it(endpoint):\n    endpoint.read()\n")

    done = site.run(*plugin_args, "--ddd-host", "web1")

    assert done.status == 5
    assert "the entries under `endpoints:` are for other targets" in done.text


def test_entry_read_from_here_goes_with_its_host(site: Site) -> None:
    """A check may take `host` beside an endpoint that is asked for each host."""
    site.baseline(
        "local",
        hosts=HOSTS,
        endpoints="endpoints: {app: {url: 'tcp://{address}:1', applies_to: [web]}}",
    )
    site.check("def test_it(host, endpoint):\n    assert host.run('true').rc == 0\n")

    assert site.run().outcomes()["web1/app"] == "GREEN"
