"""Says what to type when pytest was meant to run checks and has none to run."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import pytest

from pytest_ddd.plugin.frequencies import FORGOTTEN_KEY, FREQUENCIES, mistyped
from pytest_ddd.plugin.options import SETTINGS_KEY, option_names, owners
from pytest_ddd.plugin.planning import PLANNED_KEY
from pytest_ddd.plugin.session import CONTROLLER_KEY


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> Iterator[None]:
    """Refuse an option of ours that does not exist, with the nearest that does."""
    yield
    for name in (arg.partition("=")[0] for arg in args):
        if name.startswith("--ddd-") and not owners(parser, name):
            near = difflib.get_close_matches(name, option_names(parser), n=1, cutoff=0.7)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise pytest.UsageError(
                f"no option {name}{meant}\n  hint: pytest --help | grep -A2 -e --ddd-"
            )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Say why no check ran, where the command line shows that checks were meant."""
    controller = config.stash.get(CONTROLLER_KEY, None)
    if exitstatus != pytest.ExitCode.NO_TESTS_COLLECTED or controller is None or controller.run:
        return
    for line in _advice(config):
        terminalreporter.write_line(line, yellow=True)


def _advice(config: pytest.Config) -> list[str]:
    wanted = str(config.getoption("markexpr", "") or "")
    named = [word for word in FREQUENCIES if word in wanted]
    meant = mistyped(wanted)
    if not (meant or named or config.stash[SETTINGS_KEY].hosts):
        return []  # somebody's own tests: none of our business
    if meant and not named:
        return [
            f"no check ran: -m {wanted!r} selects none; did you mean -m {meant[0][1]}?",
            f"  hint: the frequencies are {', '.join(FREQUENCIES)}",
        ]
    if not (config.rootpath / "checks").is_dir():
        return [
            f"no check ran: there is no checks/ in {config.rootpath}",
            "  hint: cd to your site, or make one here: pytest-ddd init",
        ]
    if config.invocation_params.dir != config.rootpath:
        return [
            f"no check ran: none is in {config.invocation_params.dir}",
            f"  hint: cd {config.rootpath}",
        ]
    if config.stash[FORGOTTEN_KEY]:
        return ["no check ran"]  # what is said of these says the rest
    there = ", ".join(sorted(config.stash[PLANNED_KEY].left_out))
    found = f"; there is: {there}" if there else ""
    what = f" for -m {wanted!r}" if wanted else ""
    return [
        f"no check ran: none was found{what}{found}",
        "  hint: pytest --collect-only -q checks   # a check is a function test_… with a frequency",
    ]
