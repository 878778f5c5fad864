"""Resources by a Prometheus query and by the table of a command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections
from pytest_ddd.errors import BaselineError, CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.usage.tables import amount, rows
from tests.lab.reap import Ledger
from tests.lab.svc.prometheus import Exporter, Prometheus
from tests.unit.probes.resource_site import check, local, named, resource

TOP_PODS = """\
NAME                     CPU(cores)   MEMORY(bytes)
web-6d4cf56db6-8xk2p     {cpu}         64Mi
db-0                     250m         1843Mi
"""
KUBECTL = """#!/bin/sh
# A stand-in that is as strict as it can be: `kubectl top pods` of one namespace, nothing else.
[ "$*" = "top pods -n shop" ] || { echo "error: unknown command \\"$*\\"" >&2; exit 1; }
cat "$(dirname "$0")/answer"
"""


@pytest.fixture
def connections() -> Iterator[Connections]:
    made = local()
    yield made
    made.close()


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """A directory with the command and its answer."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "answer").write_text(TOP_PODS.format(cpu="12m"))
    return tmp_path


def pods(connections: Connections, at: Path, column: str = "CPU(cores)", **keys: object):
    table = {"command": f"{at}/kubectl top pods -n shop", "column": column}
    keys = {"warn": 0.5, "crit": 1.0, **keys}
    return check(resource(connections, "table:pods", profile="day", table=table, **keys))


def test_pods_turn_red_and_heal(connections, kubectl):
    healthy, usage = pods(connections, kubectl)
    (kubectl / "answer").write_text(TOP_PODS.format(cpu="1200m"))
    busy, busy_usage = pods(connections, kubectl)
    (kubectl / "answer").write_text(TOP_PODS.format(cpu="12m"))
    healed, _ = pods(connections, kubectl)

    assert (healthy, busy, healed) == (Outcome.GREEN, Outcome.RED, Outcome.GREEN)
    assert [one.name for one in usage.readings] == [
        "web-6d4cf56db6-8xk2p CPU(cores)",
        "db-0 CPU(cores)",
    ]
    assert named(busy_usage, "web-6d4cf56db6-8xk2p CPU(cores)").value == 1.2


def test_memory_in_bytes(connections, kubectl):
    outcome, usage = pods(connections, kubectl, "MEMORY(bytes)", warn="1GiB", crit="2GiB")

    assert outcome is Outcome.YELLOW
    assert named(usage, "db-0 MEMORY(bytes)").shown == "db-0 MEMORY(bytes) 1.8 GiB"


def test_a_cell_that_is_no_number_is_unknown(connections, kubectl):
    (kubectl / "answer").write_text(TOP_PODS.format(cpu="<unknown>"))
    outcome, usage = pods(connections, kubectl)

    assert outcome is Outcome.UNKNOWN
    assert named(usage, "web-6d4cf56db6-8xk2p CPU(cores)").error == "'<unknown>' is not a number"


BLIND = {
    "no table": ("No resources found in shop namespace.\n", "more than one|no column"),
    "nothing": ("", "prints no table"),
    "headings only": ("NAME   CPU(cores)   MEMORY(bytes)\n", "headings and no line"),
    "short line": (
        "NAME   CPU(cores)   MEMORY(bytes)\nweb-1   12m\n",
        "2 columns below 3 headings",
    ),
    "twice": ("NAME   CPU(cores)   CPU(cores)\nweb-1   1m   2m\n", "more than one column"),
}


@pytest.mark.parametrize("name", BLIND)
def test_what_is_no_such_table_is_unknown(connections, kubectl, name):
    answer, words = BLIND[name]
    (kubectl / "answer").write_text(answer)

    with pytest.raises(CannotLookError, match=words):
        pods(connections, kubectl)


def test_a_command_that_fails_is_unknown(connections, kubectl):
    table = {"command": f"{kubectl}/kubectl top nodes", "column": "CPU%", "from": "controller"}
    one = resource(connections, "table:nodes", table=table, warn="80%")

    assert one.host == ""  # it works while the host does not answer
    with pytest.raises(CannotLookError, match='unknown command "top nodes"'):
        one.read()


def test_columns_parted_by_one_blank_or_with_blanks_in_them():
    plain = rows("PID CPU\n7 12.5\n", "CPU", "", "here", "")
    docker = rows(
        "NAME     CPU %     MEM %\nweb 1     0.5%      2.00%\n", "CPU %", "NAME", "here", ""
    )

    assert [(row.name, row.cell) for row in (*plain, *docker)] == [("7", "12.5"), ("web 1", "0.5%")]


@pytest.mark.parametrize(
    ("cell", "unit", "expected"),
    [("250m", "", 0.25), ("3", "", 3), ("15%", "%", 15), ("64Mi", "bytes", 64 * 1024**2),
     ("1.5GiB", "bytes", 1.5 * 1024**3), ("2k", "bytes", 2000), ("128", "bytes", 128), ("5B", "bytes", 5)],
)  # fmt: skip
def test_amounts(cell, unit, expected):
    assert amount(cell, unit) == expected


@pytest.mark.parametrize(
    ("cell", "unit"), [("15%", ""), ("15", "%"), ("250m", "bytes"), ("-1", ""), ("1e3", "")]
)
def test_amounts_of_another_unit_are_refused(cell, unit):
    with pytest.raises(ValueError, match=r"not a number|cannot be compared"):
        amount(cell, unit)


@pytest.mark.needs("prometheus")
def test_a_prometheus_query_of_a_host(ledger: Ledger, connections):
    exporter = Exporter({'busy_percent{host="here"}': 42.0})
    with Prometheus(ledger, scrape=exporter.port) as server:
        server.until("busy_percent")

        def look(**keys: object):
            query = {
                "url": server.url,
                "query": 'busy_percent{host="{host}"}',
                "deadline": "15s",
                **keys,
            }
            return check(
                resource(connections, "prometheus:cpu", prometheus=query, warn="80%", crit="90%")
            )

        healthy, usage = look()
        exporter.values['busy_percent{host="here"}'] = 97.0
        server.until("busy_percent==97")
        busy, _ = look()
        with pytest.raises(CannotLookError, match="has no series"):
            look(query='busy_percent{host="other"}')
        with server.frozen(), pytest.raises(CannotLookError, match="no answer within 300 ms"):
            look(deadline="300ms")
    exporter.stop()

    assert (healthy, busy) == (Outcome.GREEN, Outcome.RED)
    assert usage.readings[0].shown == "cpu 42 %"


REFUSED = {
    '"prometheus:": {warn: 80%, prometheus: {url: "http://a", query: up}}': "needs a name: write prometheus:NAME",
    '"table:pods": {warn: 80%}': "needs a mapping `table:`",
    '"table:pods": {warn: 80%, table: {command: x, column: y}, sample: 1s}': "sample has no meaning",
    "cpu: {warn: 80%, table: {command: x, column: y}}": "has no meaning for cpu",
    "memory: {warn: 2GiB}": "memory is a share of what there is: write 80%, found 2GiB",
    '"table:pods": {warn: 80%, crit: 2GiB, table: {command: x, column: y}}': "all limits of one resource",
}


@pytest.mark.parametrize("entry", REFUSED)
def test_entries_that_make_no_sense_are_refused(tmp_path, entry):
    text = f"hosts: {{web1: {{connection: 'local://'}}}}\nthresholds:\n  {entry}\n"
    (tmp_path / "prod.yaml").write_text(text)

    with pytest.raises(BaselineError, match=REFUSED[entry]):
        load_baseline(tmp_path, "prod")
