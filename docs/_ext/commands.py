"""The verbs of `pytest-ddd`, from the parser that reads what people type."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator

from _ext.markdown import block, cell, code, table
from pytest_ddd.cli import main

_WIDTH = "88"
"""Columns of a usage line, whatever the terminal of whoever builds this."""


def commands() -> str:
    """Return a chapter for each verb."""
    os.environ["COLUMNS"] = _WIDTH
    parser = main._parser()
    return "\n".join(part for verb in _verbs(parser) for part in _chapter(*verb))


def _verbs(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str, int]]:
    """Yield each parser below one, its summary and its depth."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {one.dest: one.help or "" for one in action._choices_actions}
            for name, child in action.choices.items():
                depth = len(child.prog.split())
                yield child, summaries.get(name, ""), depth
                yield from _verbs(child)


def _chapter(parser: argparse.ArgumentParser, summary: str, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {parser.prog}\n"
    yield f"{summary[:1].upper()}{summary[1:]}.\n"
    if any(isinstance(one, argparse._SubParsersAction) for one in parser._actions):
        return
    yield block(parser.format_usage().removeprefix("usage: "))
    rows = [_row(one) for one in parser._actions if not isinstance(one, argparse._HelpAction)]
    if rows:
        yield table(("argument", "meaning"), rows)


def _row(action: argparse.Action) -> tuple[str, str]:
    value = action.metavar if isinstance(action.metavar, str) else (action.dest or "").upper()
    if action.choices is not None:
        value = "|".join(str(one) for one in action.choices)
    if not action.option_strings:
        return code(value), _said(action)
    takes = "" if action.nargs == 0 else f" {value}"
    return ", ".join(code(f"{one}{takes}") for one in action.option_strings), _said(action)


def _said(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    needed = action.required and bool(action.option_strings)
    return cell(f"{text}{' ' if text and needed else ''}{'**needed**' if needed else ''}")
