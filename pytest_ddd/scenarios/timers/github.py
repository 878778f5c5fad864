"""Write jobs as workflows of GitHub Actions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from pytest_ddd.scenarios.timers.cron import expressions
from pytest_ddd.scenarios.timers.job import HEADER, File, Job, Site

NEXT_STEPS = """\
mkdir -p .github/workflows && cp {out}/*.yml .github/workflows/
gh secret set DDD_HISTORY    # a PostgreSQL URL: a runner forgets everything else"""

_WORKFLOW = """\
# {header}
# GitHub starts schedules late or not at all when it is busy, and stops them in a repository that
# is quiet for 60 days: never without a dead-man ping (`due: {{ping: …}}` in the baseline).
name: {name}
on:
  schedule:
{crons}
permissions:
  contents: read
concurrency:
  group: {group}
  cancel-in-progress: false
jobs:
  run:
    runs-on: ubuntu-latest  # one that reaches your hosts
    timeout-minutes: {minutes}
    env:
      DDD_ESCALATE: "on"
      DDD_HISTORY: ${{{{ secrets.DDD_HISTORY }}}}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install -r requirements.txt  # pytest-ddd, and what your checks need
      - run: {run}
      - run: {tick}
        if: always()
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: evidence
          path: evidence/
          if-no-files-found: ignore
"""


def files(jobs: Sequence[Job], site: Site) -> list[File]:
    """Return one workflow a job; the tick is its last step, because five minutes are the least."""
    return [File(name=f"{job.name}.yml", text=_workflow(job, site)) for job in jobs]


def _workflow(job: Job, site: Site) -> str:
    crons = "\n".join(
        f"    - cron: {json.dumps(each)}\n      timezone: {json.dumps(job.schedule.zone.key)}"
        for each in expressions(job.schedule)
    )
    return _WORKFLOW.format(
        header=HEADER,
        name=json.dumps(f"{job.environment}: {job.title}", ensure_ascii=False),
        crons=crons,
        group=job.name,
        minutes=-(-job.limit_s // 60),
        run=json.dumps(_command(job)),
        tick=json.dumps(shlex.join(("pytest-ddd", *site.tick_words))),
    )


def _command(job: Job) -> str:
    """Return the command; here a red check shall make the workflow red."""
    return shlex.join(("pytest-ddd", *(word for word in job.words if word != "--red-ok")))
