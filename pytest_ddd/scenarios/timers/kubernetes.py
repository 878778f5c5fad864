"""Write jobs as CronJobs of Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pytest_ddd.errors import UsageError
from pytest_ddd.plain import Json
from pytest_ddd.scenarios.timers.cron import expressions
from pytest_ddd.scenarios.timers.job import HEADER, File, Job, Site

NEXT_STEPS = """\
kubectl apply --dry-run=server -f {out}
kubectl apply -f {out}"""

_LONGEST_NAME = 52
"""The controller appends 11 characters to the name of a CronJob for its jobs, which have 63."""

_TICK_EVERY = "*/5 * * * *"
_TICK_LIMIT_S = 300
_TICK_DEADLINE_S = 240


def files(jobs: Sequence[Job], site: Site) -> list[File]:
    """Return one file of CronJobs for each job and one for the tick.

    The program starts again in an empty container each time, so `.pytest-ddd` and `evidence`
    lie on a volume claim `pytest-ddd`; with the history in PostgreSQL only evidence needs it.
    """
    if not site.image:
        raise UsageError(
            "kubernetes needs an image with your site and pytest-ddd in it",
            hint="add --image REGISTRY/NAME:TAG",
        )
    found = [_file(job.name, list(_cron_jobs(job, site))) for job in jobs]
    tick = _cron_job(
        site.tick_name,
        _TICK_EVERY,
        {"startingDeadlineSeconds": _TICK_DEADLINE_S},
        _pod(site, site.tick_words, _TICK_LIMIT_S),
    )
    return [*found, _file(site.tick_name, [tick])]


def _cron_jobs(job: Job, site: Site) -> Iterator[dict[str, Json]]:
    every = expressions(job.schedule)
    for number, expression in enumerate(every, start=1):
        name = job.name if len(every) == 1 else f"{job.name}-{number}"
        timing: dict[str, Json] = {
            "timeZone": job.schedule.zone.key,
            "startingDeadlineSeconds": int(job.schedule.grace.total_seconds()),
        }
        yield _cron_job(name, expression, timing, _pod(site, job.words, job.limit_s))


def _cron_job(
    name: str, expression: str, timing: dict[str, Json], pod: dict[str, Json]
) -> dict[str, Json]:
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"{name}: too long for a CronJob, which takes {_LONGEST_NAME} characters",
            hint="give the environment a shorter name",
        )
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "pytest-ddd"}},
        "spec": {
            "schedule": expression,
            **timing,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"backoffLimit": 0, **pod}},
        },
    }


def _pod(site: Site, words: Sequence[str], limit_s: int) -> dict[str, Json]:
    container: dict[str, Json] = {
        "name": "pytest-ddd",
        "image": site.image,
        "workingDir": site.directory,
        "command": ["pytest-ddd", *words],
        "env": [{"name": "DDD_ESCALATE", "value": "on"}],
        "volumeMounts": [
            {"name": "kept", "mountPath": f"{site.directory}/.pytest-ddd", "subPath": "state"},
            {"name": "kept", "mountPath": f"{site.directory}/evidence", "subPath": "evidence"},
        ],
    }
    return {
        "activeDeadlineSeconds": limit_s,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [container],
                "volumes": [{"name": "kept", "persistentVolumeClaim": {"claimName": "pytest-ddd"}}],
            }
        },
    }


def _file(name: str, documents: Sequence[dict[str, Json]]) -> File:
    """Return documents as YAML. Every JSON text is YAML too, so nothing can be misquoted."""
    body = "".join(f"---\n{json.dumps(each, indent=2)}\n" for each in documents)
    return File(name=f"{name}.yaml", text=f"# {HEADER}\n{body}")
