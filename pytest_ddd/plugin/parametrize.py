"""Parametrizes checks over the hosts and the baseline entries that apply to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from pytest_ddd.plugin import logging_in, markers
from pytest_ddd.plugin.site import MISTAKE_KEY, NOUNS, Site, site_of
from pytest_ddd.probes.entry import AnyEntry, Entry

HOST_PARAM = "_ddd_host"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDeclared:
    """Stands for a step whose baseline section is empty: reported, never silently absent."""

    section: str
    where: str
    elsewhere: bool
    """Whether the section has entries, only none for what was selected."""

    @property
    def reason(self) -> str:
        """What would switch the step on."""
        if self.elsewhere:
            return f"nothing to look at: the entries under `{self.section}:` are for other targets"
        return f"nothing to look at: add entries under `{self.section}:` in {self.where}"


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each check one item for each host or entry."""
    if not markers.is_check(metafunc.definition):
        return
    site = site_of(metafunc.config)
    if site is None:
        return
    nouns = [noun for noun in NOUNS if noun in metafunc.fixturenames]
    if len(nouns) > 1:
        names = " and ".join(nouns)
        mistake = f"{metafunc.definition.nodeid}: one noun a check, not {names}"
        metafunc.config.stash[MISTAKE_KEY] = mistake
        return
    with_host = HOST_PARAM in metafunc.fixturenames  # not when a conftest has its own `host`
    if nouns:
        _over_entries(metafunc, site, nouns[0], with_host=with_host)
    elif with_host:
        hosts = site.scope.hosts
        metafunc.parametrize(HOST_PARAM, hosts, ids=hosts, indirect=True, scope="session")
        logging_in.begin(metafunc, site, hosts)


def _over_entries(metafunc: pytest.Metafunc, site: Site, noun: str, *, with_host: bool) -> None:
    entries = [one for one in site.entries(noun) if _host_of(one, site) or not with_host]
    ids = [_id(entry, site) for entry in entries]
    section = NOUNS[noun][1]
    if not entries:
        missing = NotDeclared(
            section=section, where=site.file_of(section), elsewhere=site.declares(section)
        )
        metafunc.parametrize(noun, [missing], ids=["not declared"], indirect=True)
    elif with_host:
        pairs = [(_host_of(entry, site), entry) for entry in entries]
        metafunc.parametrize((HOST_PARAM, noun), pairs, ids=ids, indirect=True)
    else:
        metafunc.parametrize(noun, entries, ids=ids, indirect=True)
    logging_in.begin(metafunc, site, (entry.host for entry in entries if entry.host))


def _host_of(entry: AnyEntry, site: Site) -> str:
    """Return the host that an entry is about, also of one that is read from here."""
    return entry.host or (entry.target if entry.target in site.scope.hosts else "")


def _id(entry: AnyEntry, site: Site) -> str:
    """Return `web1-disk:/var`, or the key alone when there is no host to name."""
    return f"{entry.target}-{entry.key}" if entry.target in site.scope.hosts else entry.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What one item looks at: its target, entry and, if it needs one, its host."""

    target: str
    key: str
    host: str
    entry: AnyEntry | None


_SUBJECT = pytest.StashKey[Subject]()


def subject(item: pytest.Item, environment: str) -> Subject:
    """Return what a check looks at."""
    found = item.stash.get(_SUBJECT, None)
    if found is None:
        found = item.stash[_SUBJECT] = _subject(item, environment)
    return found


def _subject(item: pytest.Item, environment: str) -> Subject:
    callspec = getattr(item, "callspec", None)
    params: dict[str, object] = dict(getattr(callspec, "params", {}))
    host = str(params.pop(HOST_PARAM, ""))
    entry = next((one for one in params.values() if isinstance(one, Entry)), None)
    own = [f"{k}={v}" for k, v in params.items() if not isinstance(v, Entry | NotDeclared)]
    if entry is None:
        return Subject(target=host or environment, key=_joined(own), host=host, entry=None)
    key = _joined([entry.key, *own])
    return Subject(target=entry.target, key=key, host=entry.host or host, entry=entry)


def is_missing(item: pytest.Item) -> bool:
    """Whether a check stands for a step about which the baseline says nothing."""
    callspec = getattr(item, "callspec", None)
    return any(isinstance(one, NotDeclared) for one in getattr(callspec, "params", {}).values())


def _joined(parts: Sequence[str]) -> str:
    return ",".join(parts)
