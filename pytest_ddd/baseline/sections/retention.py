"""How long records are kept: logs, files and tables."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Moment
from pytest_ddd.baseline.sources import Query
from pytest_ddd.controls import catalogue

_NEEDS = {"log": "files", "files": "files", "sql": "sql"}
_DAY_S = 86400.0


def _known_rule(name: str) -> str:
    rules = catalogue.retention_rules()
    if name not in rules:
        near = catalogue.nearest(name, rules) or f" (there is: {', '.join(rules)})"
        raise ValueError(f"no retention rule {name!r}{near}")
    return name


class Retention(Entry):
    """One kind of records. Lives in the environment (sql) or on the hosts of `applies_to`."""

    kind: Literal["log", "files", "sql"]
    """`log`: lines with a time, in a file and its rotated siblings; `files`: each file is one
    record, as old as its last change; `sql`: the answer of a query."""
    files: str = ""
    """A glob over whole paths: `/var/log/auth.log*`."""
    sql: Query | None = None
    """One column: the time, or the day, of each record or of each day that has one."""
    rule: Annotated[str, AfterValidator(_known_rule)] = ""
    """A shipped retention rule: its time counts where `keep` is absent, and it is cited."""
    keep: Duration | None = None
    """The oldest record is at least as old as this."""
    maximum: Duration | None = None
    """No record is older than this."""
    gap: Duration | None = None
    """Between two records is no more than this; in whole days."""
    started: Moment | None = None
    """Since when there are records at all: a young system has no old ones."""
    timeout: Duration = 300.0

    @model_validator(mode="after")
    def _complete(self) -> Retention:
        needed = _NEEDS[self.kind]
        for name in ("files", "sql"):
            if bool(getattr(self, name)) != (name == needed):
                raise ValueError(f"{self.kind} needs {needed}, and nothing else to look at")
        if self.files and not self.files.startswith("/"):
            raise ValueError("files needs the whole path from /")
        if self.kind != "sql" and not self.applies_to:
            raise ValueError(f"{self.kind} needs applies_to: which hosts? (all = every host)")
        if self.keep is None and not self.rule and self.maximum is None:
            raise ValueError("needs keep, rule or maximum: without one nothing can turn red")
        if self.maximum is not None and self.maximum < self.least_s:
            raise ValueError("maximum is shorter than what has to be kept: nothing can fit both")
        if self.gap is not None and self.gap < _DAY_S:
            raise ValueError("gap is at least 1d: records are counted by days")
        return self

    @property
    def least_s(self) -> float:
        """How long has to be kept: `keep`, else what the rule says; 0 when neither says it."""
        if self.keep is not None:
            return self.keep
        return catalogue.retention_rules()[self.rule].keep_days * _DAY_S if self.rule else 0.0
