"""Metrics: one number or many samples, held against what is usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import metrics as section
from pytest_ddd.baseline.servers import HostServer
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.metering import json_number, sql_numbers
from pytest_ddd.probes.metering.prometheus import Prometheus, range_of
from pytest_ddd.probes.metering.samples import Samples, Statistic
from pytest_ddd.probes.sql import Databases
from pytest_ddd.probes.web.ask import Caller
from pytest_ddd.results import Limit, Problem, Reading, Threshold
from pytest_ddd.units import format_quantity

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.scope import Scope

__all__ = ["Measured", "Metric", "entries"]

SECTION = "metrics"
_STATISTICS: tuple[Statistic, ...] = ("value", "mean", "p95")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One reading for each number that the baseline names: `value`, `mean`, `p95`."""

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


class Asked(Protocol):
    """What a metric takes of its scope."""

    @property
    def connections(self) -> Connections:
        """The way to hosts."""

    @property
    def databases(self) -> Databases:
        """The way to databases."""


class Metric(Entry[Measured]):
    """One metric, asked from the controller or by its host.

    Attributes:
        threshold: the limits of each reading, by its name.
    """

    def __init__(
        self,
        declaration: Declaration[section.Metric],
        *,
        target: str,
        scope: Asked,
        spec: ConnectionSpec | None = None,
    ) -> None:
        # Asked from the controller, it works while the connection to the host does not.
        server = declaration.model.prometheus or declaration.model.json_
        host = target if server is not None and server.from_ == "host" else ""
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        self._declaration = declaration
        self._scope, self._spec = scope, spec
        usual = {one: getattr(declaration.model.baseline, one) for one in _STATISTICS}
        self._usual = {one: value for one, value in usual.items() if value is not None}
        self.threshold = {self._name(one): self._limits(one) for one in self._usual}

    def look(self) -> Measured:
        """Ask, again as often as the entry allows when it could not be looked at.

        Raises:
            CannotLookError: there is no number that could be judged.
        """
        measured, _before = until_good(self._declaration.model.attempts, self._look_once)
        return measured

    def _look_once(self, attempt: int) -> Measured:
        started = clock.monotonic()
        try:
            samples = self._samples()
            values = {one: samples.of(one) for one in self._usual}
        except CannotLookError as failure:
            origin = self._declaration.origin()
            where = f" ({origin})" if origin else ""
            message = f"{self.key}: {failure.message}{where}"
            raise CannotLookError(message, hint=failure.hint) from failure
        took_s = clock.monotonic() - started
        return Measured(
            readings=tuple(
                Reading(
                    name=self._name(one),
                    value=value,
                    unit=self._declaration.model.unit,
                    source=samples.source,
                    at=clock.now(),
                    took_s=took_s,
                    attempt=attempt,
                    expected=self._expected(one),
                    detail=samples.note,
                    origin=self._declaration.origin("baseline", one),
                )
                for one, value in values.items()
            )
        )

    def _samples(self) -> Samples:
        model = self._declaration.model
        if (query := model.prometheus) is not None:
            caller = self._caller(query)
            prometheus = Prometheus(caller=caller, max_age_s=query.max_age)
            text = self._filled(query.query)
            if query.over is None:
                return prometheus.instant(text)
            return prometheus.over(text, range_of(query.over, query.step, query.coverage))
        if model.sql is not None:
            return sql_numbers.samples(self._scope.databases, model.sql)
        assert model.json_ is not None
        return json_number.samples(self._caller(model.json_), model.json_.at)

    def _caller(self, server: HostServer) -> Caller:
        session = self._scope.connections.session(self.host) if self.host else None
        return Caller.of(server, self._filled(server.url), session)

    def _filled(self, text: str) -> str:
        return text if self._spec is None else url_for_host(text, self._spec)

    def _name(self, statistic: Statistic) -> str:
        return self.key if statistic == "value" else f"{self.key} {statistic}"

    def _limits(self, statistic: Statistic) -> Threshold:
        model = self._declaration.model
        return Threshold(
            warn=self._limit(statistic, model.tolerance.warn),
            crit=self._limit(statistic, model.tolerance.crit),
            unit=model.unit,
            bad=model.worse,
        )

    def _limit(self, statistic: Statistic, allowance: str | float | None) -> Limit | None:
        if allowance is None:
            return None
        usual = self._usual[statistic]
        amount = section.amount_of(usual, allowance)
        return Limit(
            value=usual + amount if self._worse == "above" else usual - amount,
            origin=self._declaration.origin("baseline", statistic),
        )

    @property
    def _worse(self) -> Literal["above", "below"]:
        return self._declaration.model.worse

    def _expected(self, statistic: Statistic) -> str:
        model = self._declaration.model
        usual = format_quantity(self._usual[statistic], model.unit)
        way = "more" if model.worse == "above" else "less"
        first = model.tolerance.warn if model.tolerance.warn is not None else model.tolerance.crit
        red = f" (red from {_shown(model.tolerance.crit, model.unit)})"
        both = model.tolerance.warn is not None and model.tolerance.crit is not None
        return f"{usual}, less than {_shown(first, model.unit)} {way}{red if both else ''}"


def entries(scope: Scope) -> list[Metric]:
    """Return the metrics of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Metric]", declaration)
        found.append(Metric(ours, target=scope.baseline.name, scope=scope))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Metric]", declaration)
        spec = scope.connections.spec(host)
        found.append(Metric(ours, target=host, scope=scope, spec=spec))
    return found


def _shown(allowance: str | float | None, unit: str) -> str:
    if isinstance(allowance, str):
        return allowance.replace("%", " %").replace("  ", " ")
    return format_quantity(allowance, unit)
