"""Resources that are not measured but asked for: a Prometheus query, or a command with a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.thresholds import Query, Resource, Table
from pytest_ddd.probes.commands import blind
from pytest_ddd.probes.commands import look as run
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.metering.prometheus import Prometheus
from pytest_ddd.probes.usage import tables
from pytest_ddd.probes.usage.disks import Usage
from pytest_ddd.probes.usage.measures import Measure, Writer
from pytest_ddd.probes.web.ask import Caller

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections, ConnectionSpec


def look(model: Resource, host: str, connections: Connections, writer: Writer, name: str) -> Usage:
    """Ask; `name` is what people call the resource.

    Raises:
        CannotLookError: no answer, or none that could be judged.
    """
    spec = connections.spec(host)
    if model.prometheus is not None:
        return _queried(model.prometheus, spec, connections, writer, name)
    assert model.table is not None  # the rules of the section see to that
    return _tabled(model.table, spec, connections, writer)


def _queried(
    query: Query, spec: ConnectionSpec, connections: Connections, writer: Writer, name: str
) -> Usage:
    session = connections.session(spec.name) if query.from_ == "host" else None
    caller = Caller.of(query, url_for_host(query.url, spec), session)
    prometheus = Prometheus(caller=caller, max_age_s=query.max_age)
    found = prometheus.instant(url_for_host(query.query, spec))
    measure = Measure(
        value=found.of("value"),
        unit=writer.threshold.unit,
        source=found.source,
        detail=found.note,
    )
    return Usage(readings=(writer.reading(name, measure),))


def _tabled(table: Table, spec: ConnectionSpec, connections: Connections, writer: Writer) -> Usage:
    here = table.from_ == "controller"
    session = connections.controller if here else connections.session(spec.name)
    command = url_for_host(table.command, spec)
    done = run(session, command, shown=command, timeout_s=table.timeout)
    if not done.ok:
        raise blind(session, command, done)
    where = f"{session.spec.label}: {command}"
    unit, readings = writer.threshold.unit, []
    for row in tables.rows(done.text, table.column, table.name, where, done.said):
        name = f"{row.name} {table.column}"
        try:
            value = tables.amount(row.cell, unit)
        except ValueError as mistake:
            readings.append(writer.blind(name, source=where, error=str(mistake)))
            continue
        measure = Measure(value=value, unit=unit, source=where, detail=row.line)
        readings.append(writer.reading(name, measure))
    return Usage(readings=tuple(readings))
