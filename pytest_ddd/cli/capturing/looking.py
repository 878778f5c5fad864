"""Look at hosts for what a baseline could say of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from pytest_ddd import redaction
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.cli.capturing.faults import faults
from pytest_ddd.cli.capturing.wanted import CONFIGURATION, SECTIONS, Wanted
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes import configuration
from pytest_ddd.probes.capture.asking import ask
from pytest_ddd.probes.capture.interface import Candidate, LeftOut, Search
from pytest_ddd.probes.capture.names import DISCOVER, look_at
from pytest_ddd.probes.capture.sections import FINDERS, Known
from pytest_ddd.probes.scope import Scope

HOSTS_AT_ONCE = 32


@dataclass(kw_only=True)
class Catch:
    """What was found: what a baseline shall say, what it says already, and what is left out."""

    statements: list[Statement] = field(default_factory=list)
    right: list[tuple[str, str]] = field(default_factory=list)
    """Host and name of entries of the baseline that hold as they are."""
    left_out: list[LeftOut] = field(default_factory=list)


def look(scope: Scope, hosts: Sequence[str], wanted: Wanted) -> Catch:
    """Return what there is on some hosts, which can be reached."""
    catch = Catch()
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        for one in pool.map(partial(_look_at_host, scope, wanted), hosts):
            catch.statements += one.statements
            catch.right += one.right
            catch.left_out += one.left_out
    catch.statements = sorted(without_secrets(catch), key=_in_order)
    return catch


def _look_at_host(scope: Scope, wanted: Wanted, host: str) -> Catch:
    catch = Catch()
    candidates = _named(wanted)
    try:
        for kind in wanted.kinds:
            if kind in CONFIGURATION:
                candidates += _discovered(scope, host, kind, catch)
        _ask(scope, host, candidates, catch)
        for section in SECTIONS:
            _propose(scope, host, section, wanted, catch)
    except UnreachableError as lost:
        catch.statements.clear()
        catch.left_out = [LeftOut(host=host, name="all", why=lost.message, hint=lost.hint)]
    return catch


def _named(wanted: Wanted) -> list[Candidate]:
    return [Candidate(kind=kind, name=name) for kind, name in wanted.named if kind in CONFIGURATION]


def _discovered(scope: Scope, host: str, kind: str, catch: Catch) -> list[Candidate]:
    found: list[Candidate] = []
    try:
        found.extend(DISCOVER[kind](look_at(scope.connections, host)))
    except UnreachableError:
        raise
    except CannotLookError as failure:
        catch.left_out.append(LeftOut(host=host, name=kind, why=failure.message, hint=failure.hint))
    return found


def _propose(scope: Scope, host: str, section: str, wanted: Wanted, catch: Catch) -> None:
    """Find what a section besides `configuration` would say; what it says already stays."""
    named = {name for kind, name in wanted.named if kind == section}
    every = section in wanted.kinds
    if not every and not named:
        return
    known = Known(scope=scope, host=host, section=section)
    search = Search(scope=scope, host=host, names=frozenset() if every else frozenset(named))
    seen: set[str] = set()
    for one in _found(search, section):
        key = one.name.partition(":")[2]
        seen.add(key)
        if key and not search.wants(key):
            continue
        if isinstance(one, LeftOut):
            catch.left_out.append(one)
        elif known.has(one):
            catch.right.append((host, one.name))
        else:
            catch.statements.append(known.renamed(one))
    for name in sorted(named - seen):
        hint = f"see what there is: pytest-ddd capture --discover {section}"
        why = "nothing of that name was found"
        catch.left_out.append(LeftOut(host=host, name=f"{section}:{name}", why=why, hint=hint))


def _found(search: Search, section: str) -> list[Statement | LeftOut]:
    found: list[Statement | LeftOut] = []
    try:
        found.extend(FINDERS[section](search))
    except UnreachableError:
        raise
    except CannotLookError as failure:
        host = search.host
        found.append(LeftOut(host=host, name=section, why=failure.message, hint=failure.hint))
    return found


def _ask(scope: Scope, host: str, candidates: Iterable[Candidate], catch: Catch) -> None:
    """Ask about all that the baseline does not say rightly already."""
    declared = {item.key: item for item in configuration.entries(scope) if item.host == host}
    unknown: dict[tuple[str, str], Candidate] = {}
    for about in candidates:
        item = declared.get(about.key)
        if item is not None and not faults(item):
            catch.right.append((host, f"{about.kind}:{about.name}"))
        else:
            unknown[about.kind, about.name] = about
    found, left_out = ask(scope.connections, host, unknown.values())
    catch.statements += found
    catch.left_out += left_out


def _in_order(one: Statement) -> tuple[int, tuple[str, ...]]:
    """Sort as the documentation lists kinds, then by name."""
    kind = one.path[1] if one.path[0] == "configuration" else ""
    return (CONFIGURATION.index(kind) if kind else 0), one.path


def without_secrets(catch: Catch) -> Iterable[Statement]:
    """Yield what may stand in a file; what looks like a secret is left out, and said to be."""
    for one in catch.statements:
        if redaction.DEFAULT.scrub(_texts(one.values)) == _texts(one.values):
            yield one
        else:
            why = "it holds what looks like a secret, which belongs into no file"
            catch.left_out.append(LeftOut(host=one.host, name=one.name, why=why))


def _texts(values: object) -> list[str]:
    if isinstance(values, dict):
        return [text for value in values.values() for text in _texts(value)]
    if isinstance(values, list):
        return [text for value in values for text in _texts(value)]
    return [values] if isinstance(values, str) else []
