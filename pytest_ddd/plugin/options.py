"""Command line, environment and ini options, read once into Settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest

from pytest_ddd import units
from pytest_ddd.plugin import remembering
from pytest_ddd.plugin.completing import HostNames

SETTINGS_KEY = pytest.StashKey["Settings"]()

_EXAMPLE = "pytest -m daily --host=prod"
_HOST_HELP = (
    "What to look at: an environment, group, host, glob or !not; comma-separated, repeatable. "
    "Or a hostspec such as ssh://ops@10.0.0.1. Default: the environment `local`."
)

_TWIN = "What holds where the command line and the environment (DDD_…) are silent: "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One option: on the command line, in the environment (DDD_…) and in the ini file (ddd_…)."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    metavar: str = ""
    has_twins: bool = True
    """False for what a person has to say anew each time: it is on the command line only."""


ESCALATE = ("off", "dry-run", "on")
PROPOSALS = ("show", "run")

_OPTIONS = (
    _Option(name="baselines", metavar="DIR", help="Where the baselines are (default: baselines)."),
    _Option(name="scenario", metavar="NAME", help="Only the checks of this scenario."),
    _Option(
        name="evidence",
        metavar="DIR",
        help="Where reports are written, or `off` (default: evidence).",
    ),
    _Option(
        name="sign",
        metavar="KEY",
        help="Sign the evidence with this SSH key; of a public key an agent holds the other half.",
    ),
    _Option(
        name="operator",
        metavar="NAME",
        help="Who runs this, as the evidence is to say it (default: the login name).",
        has_twins=False,
    ),
    _Option(name="change", metavar="ID", help="The change or ticket that this run belongs to."),
    _Option(
        name="history",
        metavar="URL",
        help="Where runs are remembered: sqlite:///FILE, postgresql://…, or `off` "
        "(default: .pytest-ddd/history.db).",
    ),
    _Option(
        name="escalate",
        choices=ESCALATE,
        help="Whether people are told: off, dry-run (decide and say, send nothing), on "
        "(default: dry-run).",
    ),
    _Option(
        name="proposals",
        choices=PROPOSALS,
        help="Whether proposed commands that the baseline allows are run (default: show).",
    ),
    _Option(
        name="textfile",
        metavar="FILE",
        help="Also write metrics, for node_exporter's textfile collector.",
    ),
    _Option(
        name="fail-on",
        choices=("red", "yellow"),
        help="From which outcome on the exit status is 1 (default: red; UNKNOWN always is).",
    ),
    _Option(
        name="profile",
        choices=("day", "night"),
        help="Which limits hold (default: by the clock and the environment's night).",
    ),
    _Option(
        name="recheck",
        metavar="DURATION",
        help="Look at all yellows again, after the last step, until green or this long: 5m.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user asked for."""

    hosts: tuple[str, ...]
    baselines: Path
    scenario: str
    evidence: Path | None
    sign: Path | None
    operator: str
    change: str
    history: str | None
    """URL of the history; None for no history."""
    textfile: Path | None
    """Where metrics are written for node_exporter; None for nowhere."""
    scheduled_at: datetime | None
    """When this run was due, when a schedule asked for it."""
    escalate: str
    """`off`, `dry-run` or `on`."""
    run_proposals: bool
    fail_on: Literal["red", "yellow"]
    profile: Literal["day", "night"] | None
    recheck_s: float
    host_is_ours: bool
    """Whether `--host` reaches us; False when another plugin or a conftest owns it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register `--ddd-…`; `--host` waits until it is known whether it is free."""
    group = parser.getgroup("ddd", f"routine maintenance (pytest-ddd), such as {_EXAMPLE}")
    group.addoption(
        "--ddd-host",
        action=HostNames,
        dest="ddd_host",
        metavar="NAME",
        help=f"{_HOST_HELP} Written --host where no other plugin owns that name.",
    )
    parser.addini("ddd_host", f"{_TWIN}--ddd-host", type="args", default=[])
    for option in _OPTIONS:
        dest = "ddd_" + option.name.replace("-", "_")
        if option.has_twins:
            parser.addini(dest, f"{_TWIN}--ddd-{option.name}", type="string", default="")
        if option.choices:
            group.addoption(
                f"--ddd-{option.name}", dest=dest, choices=option.choices, help=option.help
            )
        else:
            group.addoption(
                f"--ddd-{option.name}", dest=dest, metavar=option.metavar, help=option.help
            )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Iterator[None]:
    """Take `--host` if neither another plugin nor a conftest has taken it."""
    yield
    if not owners(parser, "--host"):
        group = parser.getgroup("ddd")
        group.addoption(
            "--host", action=HostNames, dest="ddd_host", metavar="NAME", help="Same as --ddd-host."
        )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read all options once."""
    config.stash[SETTINGS_KEY] = _read(config)


def owners(parser: pytest.Parser, name: str) -> list[str]:
    """Return the dest of each option of that name."""
    return [dest for names, dest in _registered(parser) if name in names]


def option_names(parser: pytest.Parser) -> list[str]:
    """Return the names of all options on the command line."""
    return [name for names, _ in _registered(parser) for name in names]


def _registered(parser: pytest.Parser) -> Iterator[tuple[list[str], str]]:
    """Yield names and dest of each option; pytest has no public list of them."""
    groups = [*getattr(parser, "_groups", ()), getattr(parser, "_anonymous", None)]
    for group in groups:
        for option in getattr(group, "options", ()):
            yield option.names(), option.dest


def _read(config: pytest.Config) -> Settings:
    hosts = config.getoption("ddd_host") or _from_environment("host").split(",")
    hosts = [name for name in hosts if name] or config.getini("ddd_host")
    testinfra_hosts = getattr(config.option, "hosts", None)
    if hosts and testinfra_hosts:
        raise pytest.UsageError(
            f"--host={','.join(hosts)} and --hosts={testinfra_hosts} were both given: "
            "--host names hosts of a baseline, --hosts is testinfra's own; leave one out"
        )
    evidence = _value(config, "evidence") or "evidence"
    history = remembering.history_url(_value(config, "history"), config.rootpath)
    escalate = _choice(config, "escalate", ESCALATE) or "dry-run"
    if escalate == "on" and history is None:
        raise pytest.UsageError(
            "--ddd-escalate=on needs a history: messages wait in it until they have arrived; "
            "remove --ddd-history=off"
        )
    return Settings(
        hosts=tuple(hosts),
        baselines=config.rootpath / (_value(config, "baselines") or "baselines"),
        scenario=_value(config, "scenario"),
        evidence=None if evidence == "off" else config.rootpath / evidence,
        sign=_key(config),
        operator=str(config.getoption("ddd_operator") or ""),
        change=_value(config, "change"),
        history=history,
        textfile=_path(config, "textfile"),
        scheduled_at=remembering.scheduled_at(_from_environment("scheduled")),
        escalate=escalate,
        run_proposals=_choice(config, "proposals", PROPOSALS) == "run",
        fail_on="yellow" if _choice(config, "fail-on", ("red", "yellow")) == "yellow" else "red",
        profile=_profile(_choice(config, "profile", ("day", "night"))),
        recheck_s=_duration(config, "recheck"),
        host_is_ours=_owns_host(config),
    )


def _path(config: pytest.Config, name: str) -> Path | None:
    value = _value(config, name)
    return config.rootpath / value if value else None


def _value(config: pytest.Config, name: str) -> str:
    dest = "ddd_" + name.replace("-", "_")
    given = config.getoption(dest) or _from_environment(name) or config.getini(dest)
    return str(given or "")


def _key(config: pytest.Config) -> Path | None:
    """Return the key to sign with; a name in the ini file is taken from where that file is."""
    value = _value(config, "sign")
    if not value:
        return None
    typed = config.getoption("ddd_sign") or _from_environment("sign")
    start = config.invocation_params.dir if typed else config.rootpath
    return start / Path(value).expanduser()


def _from_environment(name: str) -> str:
    return os.environ.get("DDD_" + name.replace("-", "_").upper(), "")


def _choice(config: pytest.Config, name: str, choices: tuple[str, ...]) -> str:
    value = _value(config, name)
    if value and value not in choices:
        raise pytest.UsageError(f"--ddd-{name}: {value!r} is none of {', '.join(choices)}")
    return value


def _profile(value: str) -> Literal["day", "night"] | None:
    if value == "day":
        return "day"
    return "night" if value == "night" else None


def _duration(config: pytest.Config, name: str) -> float:
    value = _value(config, name)
    try:
        return units.parse_duration(value) if value else 0.0
    except ValueError as mistake:
        raise pytest.UsageError(f"--ddd-{name}: {mistake}") from None


def _owns_host(config: pytest.Config) -> bool:
    # Our spelling shares the dest with --ddd-host, so a foreign owner shows as a foreign dest.
    return owners(config._parser, "--host") == ["ddd_host"]  # noqa: SLF001 - no public way
