"""Hold the names of controls against the shipped frameworks and those of the site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from pytest_ddd.baseline.tree import Mistakes, Node, Path, nearest, shown, walk
from pytest_ddd.controls import catalogue
from pytest_ddd.controls.catalogue import Control

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline, Declaration
    from pytest_ddd.baseline.sections.controls import Regulation

_SECTION = "controls"


def check_controls(sections: Mapping[str, Node], mistakes: Mistakes) -> None:
    """Refuse frameworks and controls that nobody knows."""
    section = sections.get(_SECTION)
    frameworks = section.entries if section is not None else {}
    own = {f"{name} {one}" for name, node in frameworks.items() for one in _keys(node, "own")}
    for name, node in frameworks.items():
        _check_framework(name, node, mistakes)
    for title, whole in sections.items():
        if title != _SECTION:
            for path, node in walk(whole, (title,)):
                if path[-1] == "controls":
                    _check_names(node, path, own, mistakes)


def controls_of(declaration: Declaration[Regulation]) -> tuple[Control, ...]:
    """Return the controls of one framework: shipped and own ones, with all their checks."""
    model, name = declaration.model, declaration.key
    framework = catalogue.framework(name)
    shipped = framework.controls if framework is not None else {}
    own = {f"{name} {key}": Control(name=f"{name} {key}", words=w) for key, w in model.own.items()}
    return tuple(
        Control(
            name=one.name,
            words=one.words,
            every_days=one.every_days,
            checks=(*one.checks, *model.checks.get(one.name.partition(" ")[2], ())),
        )
        for one in {**shipped, **own}.values()
    )


def asked(baseline: Baseline) -> tuple[Control, ...]:
    """Return the controls of all frameworks that an environment is held against."""
    declared = baseline.for_environment.get(_SECTION, ())
    return tuple(
        control
        for each in cast("Iterable[Declaration[Regulation]]", declared)
        for control in controls_of(each)
    )


def _check_framework(name: str, node: Node, mistakes: Mistakes) -> None:
    path = (_SECTION, name)
    framework, own = catalogue.framework(name), _keys(node, "own")
    if framework is None and not own:
        near = nearest(name, catalogue.FRAMEWORKS)
        text = f"no framework {shown(name)!r}{near}; one of your own needs `own:` with its controls"
        mistakes.add(node.origin, path, text)
        return
    known = [*own, *(each.partition(" ")[2] for each in (framework.controls if framework else ()))]
    for key in ("checks", "out_of_scope"):
        for identifier in _keys(node, key):
            if identifier not in known:
                at = node.entries[key].entries[identifier].origin
                text = f"no control {shown(identifier)!r} of {name}{nearest(identifier, known)}"
                mistakes.add(at, (*path, key), text)


def _check_names(node: Node, path: Path, own: Iterable[str], mistakes: Mistakes) -> None:
    for item in node.items:
        if isinstance(item.value, str) and (wrong := catalogue.mistake(item.value, own)):
            mistakes.add(item.origin, path, wrong)


def _keys(node: Node, key: str) -> tuple[str, ...]:
    found = node.entries.get(key)
    return tuple(found.entries) if found is not None else ()
