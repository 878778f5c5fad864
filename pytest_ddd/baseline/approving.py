"""Read who may approve, and files in which somebody does."""

from __future__ import annotations

from pathlib import Path

from pytest_ddd.baseline.declarations import Place, declared
from pytest_ddd.baseline.document import read_document
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.rules import check_scenario
from pytest_ddd.baseline.sections.approvals import Approval, Approvals
from pytest_ddd.baseline.tree import Mistakes, Node, named_entries
from pytest_ddd.baseline.wording import checked
from pytest_ddd.errors import BaselineError


def read_approvals(section: Node | None, mistakes: Mistakes) -> dict[str, Declaration[Approvals]]:
    """Return who may approve, by scenario."""
    found: dict[str, Declaration[Approvals]] = {}
    for name, node in named_entries(section, ("approvals",), mistakes):
        path = ("approvals", name)
        check_scenario(name, node, path, mistakes)
        place = Place(section="approvals", key=name, path=path)
        if (approvals := declared(Approvals, node, place, mistakes)) is not None:
            found[name] = approvals
    return found


def read_approval(path: Path) -> Approval:
    """Return what a file of approval says; whose signature it carries is another question.

    Raises:
        BaselineError: there is no such file, or it has mistakes: all of them.
    """
    mistakes = Mistakes()
    root = read_document(path, str(path), mistakes).root
    found = checked(Approval, root, (), mistakes) if root is not None else None
    if found is None:
        raise BaselineError(
            mistakes.lines(), hint=f"correct the file, and have it signed again: {path}"
        )
    return found
