"""What `pytest-ddd init` writes that is no copy: answers, a schema for editors, settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from pytest_ddd.cli.questions import Question, machine_zone


def _known_zone(answer: str) -> None:
    from pytest_ddd.baseline.sections.environment import known_zone

    known_zone(answer)


def _known_window(answer: str) -> None:
    from pytest_ddd.baseline.sections.scenarios import known_window

    known_window(answer)


QUESTIONS = (
    Question(
        name="owner", words="Who answers for these hosts, a team or a person?", example="Web team"
    ),
    Question(
        name="on-call",
        words="Where is somebody reached at night, a channel or a number?",
        example="#web-ops",
    ),
    Question(
        name="timezone",
        words="In which time zone is it night?",
        example="Europe/Berlin",
        proposal=machine_zone,
        check=_known_zone,
    ),
    Question(
        name="window",
        words="When may patches be applied, such as Tue 02:00-04:00?",
        example="Tue 02:00-04:00",
        check=_known_window,
    ),
)

SCHEMA = "baselines/.schema.json"
"""What the first line of each baseline file points editors to."""

MODELINE = "# yaml-language-server: $schema=../.schema.json\n"
ENVIRONMENT = "baselines/local/environment.yaml"
"""The copied file that takes answers."""

PYPROJECT = """\
[tool.pytest]
minversion = "9.0"
strict = true            # a mistyped marker is a mistake, not a check that never runs
testpaths = ["checks"]   # `pytest` alone runs the checks and nothing else
addopts = ["-ra", "--import-mode=importlib"]
# Options that always hold, without having to be typed:
# ddd_host = ["prod"]
# ddd_fail_on = "yellow"
"""


def with_answers(text: str, answers: Mapping[str, str]) -> str:
    """Return environment.yaml with the answers in the place of what is shipped."""
    for name, answer in answers.items():
        value = json.dumps(answer, ensure_ascii=False)
        key = name.replace("-", "_")
        place = rf'^(  {key}: )(?:"[^"]*"|\S+)'
        text = re.sub(place, r"\g<1>" + value.replace("\\", r"\\"), text, flags=re.MULTILINE)
    return text


def generated(answers: Mapping[str, str]) -> dict[str, str]:
    """Return the files that are made, not copied, by their place in the site."""
    from pytest_ddd.baseline.schema import baseline_schema

    files = {SCHEMA: json.dumps(baseline_schema(), indent=2) + "\n"}
    if window := answers.get("window"):
        files["baselines/local/scenarios.yaml"] = (
            f"{MODELINE}# When patches may be applied, in the environment's time zone. "
            "`budget` and `due` stand here too.\n"
            f"scenarios:\n  security-patch-tuesday: {{window: {json.dumps(window)}}}\n"
        )
    return files
