"""Gathers what is known of a run before its first result: who, where, when, with what."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import login, redaction
from pytest_ddd.plugin import complying, escalating, narrowing, planning, site

if TYPE_CHECKING:
    from pytest_ddd.evidence.facts import Plan, Provenance
    from pytest_ddd.run import Circumstances

_TOOLS = ("pytest-ddd", "pytest", "pytest-testinfra", "pytest-xdist", "pytest-html")


def circumstances(config: pytest.Config, here: site.Site) -> Circumstances:
    """Return the circumstances of the run of this session."""
    from pytest_ddd.run import Circumstances

    arguments = shlex.join(["pytest", *config.invocation_params.args])
    settings = here.settings
    plans = planning.plans(config, here.scope.hosts, len(here.baseline.hosts))
    return Circumstances(
        run_id=site.run_id(config),
        started_at=site.run_started_at(config),
        operator=settings.operator or login.name(),
        controller=platform.node(),
        command_line=redaction.DEFAULT.scrub(arguments),
        versions={
            "Python": platform.python_version(),
            **{tool: version(tool) for tool in _TOOLS},
            "platform": f"{sys.platform} {platform.release()}",
        },
        baseline=here.baseline,
        profile=here.scope.profile,
        evidence=settings.evidence,
        root=config.rootpath,
        history=settings.history,
        kind=narrowing.kind(config, is_scheduled=settings.scheduled_at is not None),
        due_at=settings.scheduled_at,
        escalate=escalating.teller(config, here),
        provenance=_provenance(config, here, plans),
        plans=plans,
        key=settings.sign,
        completed=partial(complying.completed, config),
    )


def _provenance(config: pytest.Config, here: site.Site, plans: dict[str, Plan]) -> Provenance:
    """Return who, when and with which files; asks nothing when no evidence is kept."""
    from pytest_ddd.evidence import provenance
    from pytest_ddd.evidence.facts import Provenance

    settings = here.settings
    if settings.evidence is None:
        return Provenance()
    commit, dirty = provenance.commit(config.rootpath)
    checks = (nodeid for plan in plans.values() for nodeid in plan.checks)
    return Provenance(
        login=login.name(),
        uid=os.getuid(),
        key=here.key,
        change=settings.change,
        clock=provenance.clock_state(),
        commit=commit,
        dirty=dirty,
        check_files=provenance.check_files(config.rootpath, checks),
        automation=provenance.automation(),
    )
