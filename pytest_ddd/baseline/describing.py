"""What each key of a baseline means: the sentence that stands below it in the code."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache

from pydantic import BaseModel

_OURS = "pytest_ddd."


def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the sentence of each field that has one, also of fields that are inherited."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if owner.__module__.startswith(_OURS):
            found |= _of_module(owner.__module__).get(owner.__name__, {})
    return found


def models_by_name(names: Mapping[str, object]) -> dict[str, type[BaseModel]]:
    """Return the model behind each name of a schema that has one.

    Args:
        names: the definitions that pydantic made; of two models of one name it takes the module
            into the name.
    """
    known: dict[str, type[BaseModel]] = {}
    for model in _below(BaseModel):
        known[model.__name__] = known[long_name(model)] = model
    return {name: known[name] for name in names if name in known}


def long_name(model: type[BaseModel]) -> str:
    """Return what pydantic calls a model of whose name there are two."""
    return f"{model.__module__}.{model.__qualname__}".replace(".", "__")


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for one in model.__subclasses__():
        if one.__module__.startswith(_OURS):
            yield one
        yield from _below(one)


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Return class -> field -> sentence; pydantic's own reader reads a file once a class."""
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    return {one.name: dict(_said(one)) for one in tree.body if isinstance(one, ast.ClassDef)}


def _said(owner: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in zip(owner.body, owner.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(text.value.value).split())
