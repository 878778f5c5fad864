"""Probes that a conftest registers: asked as the baseline says, judged as everything else."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Site

CONFTEST = """
    from pytest_ddd.errors import CannotLookError

    def number(host, options):
        if "fail" in options:
            raise CannotLookError("the sensor is unplugged", hint="plug it in")
        if "raw" in options:
            return options["raw"]
        return float(host.check_output("echo %s", options["of"])), "as echo says"

    def here(host, options):
        assert host is None
        return len(options["secret"])

    def pytest_ddd_register_probes(probes):
        probes["number"] = number
        probes["here"] = here
"""
CHECK = """
    def test_probes(probe, judge):
        \"\"\"Each is within its limits.\"\"\"
        judge(probe.read().reading, probe.threshold)
"""


@pytest.fixture
def own(site: Site) -> Site:
    """A site with two kinds of probes, and a check that judges all."""
    site.write("conftest.py", CONFTEST)
    site.check(CHECK)
    return site


def test_each_answer_has_its_outcome(own: Site, plugin_args: tuple[str, ...]) -> None:
    """Within, past a limit on either side, nothing to see, no number, and no host."""
    own.baseline(
        "local",
        probes="""
            probes:
              fine: {kind: number, options: {of: "1"}, warn: 2, crit: 3, applies_to: [localhost]}
              high: {kind: number, options: {of: "2"}, warn: 2, crit: 3, applies_to: [localhost]}
              low: {kind: number, options: {of: "1"}, crit: 1, worse: below, applies_to: [localhost]}
              blind: {kind: number, options: {fail: true}, crit: 1, applies_to: [localhost]}
              text: {kind: number, options: {raw: "three"}, crit: 1, applies_to: [localhost]}
              truth: {kind: number, options: {raw: true}, crit: 1, applies_to: [localhost]}
              away: {kind: here, options: {secret: {env: OWN_SECRET}}, crit: 100}
        """,
    )

    run = own.run(*plugin_args, env={"OWN_SECRET": "hush-hush-hush"})

    found = {one.entry: one for one in run.results}
    assert {key: one.outcome.value for key, one in found.items() if key} == {
        "fine": "GREEN", "high": "YELLOW", "low": "RED", "blind": "UNKNOWN",
        "text": "UNKNOWN", "truth": "UNKNOWN", "away": "GREEN",
    }, run.text  # fmt: skip
    assert "low 1 <= crit 1 (baselines/local/probes.yaml:5)" in found["low"].reason
    assert "the sensor is unplugged" in found["blind"].reason
    assert "gave 'three', which is no number" in found["text"].reason
    assert found["fine"].readings[0].detail == "as echo says"
    assert found["fine"].readings[0].source.endswith("conftest.number")
    assert "hush-hush-hush" not in run.text + str(run.results)
    assert "Traceback" not in run.text


def test_an_unknown_kind_is_refused_with_its_line(own: Site) -> None:
    """Exit status 4, the line, the nearest name and what to type; nothing is looked at."""
    own.baseline("local", probes="probes:\n  p: {kind: nunber, crit: 1, applies_to: [localhost]}\n")

    run = own.run()

    assert run.status == 4
    told = "baselines/local/probes.yaml:2: probes.p.kind: no conftest registers a probe 'nunber'"
    assert told in run.text
    assert "number" in run.text.split(told)[1]
    assert "pytest_ddd_register_probes" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("{kind: number}", "needs warn, crit or both"),
        ("{kind: number, warn: 3, crit: 2}", "warn 3 would never be seen"),
        ("{kind: number, warn: 2, crit: 3, worse: below}", "warn 2 would never be seen"),
        ("{kind: number, crit: .nan}", "crit"),
        ('{kind: number, crit: "3"}', "crit"),
        ("{crit: 3}", "kind"),
    ],
)
def test_mistakes_in_an_entry(own: Site, entry: str, told: str) -> None:
    """A limit that can never be reached, or is none, is told with its line."""
    own.baseline("local", probes=f"probes:\n  p: {entry}\n")

    done = own.command("pytest-ddd", "validate", "local")

    assert done.returncode == 4
    assert "baselines/local/probes.yaml:2" in done.stdout + done.stderr
    assert told in done.stdout + done.stderr
