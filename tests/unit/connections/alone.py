"""Hold what is asked together against what each command says alone."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field

from pytest_ddd.connections import Completed
from pytest_ddd.connections.together import together


@dataclass
class Root:
    """Runs commands as a session does, on another root or with another environment."""

    prefix: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)

    def run(
        self, command: str, *, timeout_s: float, stdin: bytes = b"", repeatable: bool = True
    ) -> Completed:
        done = subprocess.run(
            [*self.prefix, "/bin/sh", "-c", command],
            input=stdin,
            capture_output=True,
            timeout=timeout_s,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", **self.env},
        )
        return Completed(
            command=command,
            exit_status=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
            took_s=0.0,
        )


def same(root: Root, commands: list[str]) -> set[str]:
    """Hold what is asked together against what each says alone; return what was answered."""
    answers = together(root, commands)
    for command, answer in answers.items():
        alone = root.run(command, timeout_s=30.0)
        assert (answer.exit_status, answer.stdout, answer.stderr) == (
            alone.exit_status,
            alone.stdout,
            alone.stderr,
        ), command
    return set(answers)
