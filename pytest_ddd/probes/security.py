"""Safeguards: sshd, passwords, TLS and the firewall, as they are really in force."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.security import Safeguard as Model
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.drift.comparison import Comparison, Drift
from pytest_ddd.probes.drift.ways import Ways
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.hardening import ON_HOST, tls

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Scope

SECTION = "security"


class Safeguard(Entry[Drift]):
    """One entry of the section `security`, on one host or as seen from the controller."""

    def __init__(
        self,
        declaration: Declaration[Model],
        *,
        target: str,
        host: str,
        connections: Ways,
        address: str = "",
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        self.declaration = declaration
        self._connections = connections
        self._address = address

    def look(self) -> Drift:
        """Look until all is well or the attempts are used up; all attempts are kept."""
        found, before = until_good(
            self.declaration.model.attempts, self._look_once, lambda one: not one.problems
        )
        seen = [one.readings for one in before if isinstance(one, Drift)]
        return replace(found, readings=tuple(chain(*seen, found.readings)))

    def _look_once(self, attempt: int) -> Drift:
        model = self.declaration.model
        if model.kind == "tls":
            found = self._handshakes()
            readings = tuple(replace(one, attempt=attempt) for one in found.readings)
            return replace(found, readings=readings)
        comparison = Comparison(
            declaration=replace(self.declaration, key=f"{model.kind}:{self.key}"),
            host=self._connections.reading_host(self.host),
            shell=self._connections.session(self.host),
            attempt=attempt,
        )
        ON_HOST[model.kind](comparison)
        return comparison.finish()

    def _handshakes(self) -> Drift:
        try:
            return tls.look(self.declaration, self._address)
        except CannotLookError as failure:
            raise CannotLookError(
                f"{self._address}: {failure.message}", hint=failure.hint
            ) from None


def entries(scope: Scope) -> list[Safeguard]:
    """Return the safeguards of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[Model]", declaration)
        found.append(
            Safeguard(
                ours, target=f"tls:{ours.key}", host="",
                connections=scope.connections, address=ours.model.address,
            )
        )  # fmt: skip
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[Model]", declaration)
        is_tls = ours.model.kind == "tls"
        address = url_for_host(ours.model.address, scope.connections.spec(host)) if is_tls else ""
        found.append(
            Safeguard(
                ours, target=host, host="" if is_tls else host,
                connections=scope.connections, address=address,
            )
        )  # fmt: skip
    return found
