"""Controls: the frameworks that an environment is held against, and the site's own ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Text


class Regulation(Entry):
    """One framework. Lives in the environment.

    `PCI: {}` takes a shipped one; any other name is a framework of your own, with `title` and
    `own`. A name of a control is the framework's and an identifier: `PCI 10.4.1`.
    """

    title: str = ""
    own: dict[str, Text] = Field(default_factory=dict)
    """Identifier -> your words for a control of your own."""
    checks: dict[str, Annotated[list[Text], Field(min_length=1)]] = Field(default_factory=dict)
    """Identifier -> checks that give evidence for it, beside the shipped ones; globs allowed."""
    out_of_scope: dict[str, Text] = Field(default_factory=dict)
    """Identifier -> why nothing is asked of it here."""
    window: Duration = 31 * 86400.0
    """How far back evidence counts."""

    @model_validator(mode="after")
    def _lives_in_the_environment(self) -> Regulation:
        if self.applies_to:
            raise ValueError("applies_to has no meaning here: a framework is asked of it all")
        return self
