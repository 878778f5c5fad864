"""Templates: escaping, strictness, streaming."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from pytest_ddd import templating
from pytest_ddd.errors import UsageError


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Templates by name, in place of the packaged ones."""
    sources: dict[str, str] = {}
    monkeypatch.setattr(templating, "_source", lambda name: sources[name])
    templating._environment.cache_clear()
    yield sources
    templating._environment.cache_clear()


@pytest.fixture
def kept(template: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own for compiled templates."""
    bytecode = templating._bytecode
    monkeypatch.setattr(templating, "_bytecode", lambda _: bytecode(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


def test_a_template_is_compiled_once_for_many_processes(
    template: dict[str, str], kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template["x/a.html.j2"] = "<p>{{ name }}</p>"
    templating.render("x/a.html.j2", {"name": "1"})
    templating._environment.cache_clear()  # as another process has none
    monkeypatch.setattr(jinja2.Environment, "compile", None)
    assert templating.render("x/a.html.j2", {"name": "<2>"}) == "<p>&lt;2&gt;</p>"


def test_a_template_that_was_changed_is_compiled_again(
    template: dict[str, str], kept: Path
) -> None:
    for text in ("one", "two"):
        template["x/a.html.j2"] = text
        assert templating.render("x/a.html.j2", {}) == text
        templating._environment.cache_clear()
    assert len(list(kept.iterdir())) == 1


def test_what_was_kept_and_is_damaged_is_compiled_again(
    template: dict[str, str], kept: Path
) -> None:
    template["x/a.html.j2"] = "whole"
    templating.render("x/a.html.j2", {})
    (file,) = kept.iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    templating._environment.cache_clear()
    assert templating.render("x/a.html.j2", {}) == "whole"


def test_templates_are_rendered_where_nothing_can_be_kept(
    template: dict[str, str], kept: Path
) -> None:
    template["x/a.html.j2"] = "whole"
    templating._environment()
    kept.rmdir()
    assert templating.render("x/a.html.j2", {}) == "whole"


def test_html_is_escaped(template: dict[str, str]) -> None:
    template["x/a.html.j2"] = "<p>{{ name }}</p>"
    assert templating.render("x/a.html.j2", {"name": "<b>"}) == "<p>&lt;b&gt;</p>"


def test_markdown_is_left_alone(template: dict[str, str]) -> None:
    template["x/a.md.j2"] = "{{ name }}"
    assert templating.render("x/a.md.j2", {"name": "<b>"}) == "<b>"


def test_a_template_of_an_unknown_kind_is_escaped(template: dict[str, str]) -> None:
    template["x/a"] = "{{ name }}"
    assert templating.render("x/a", {"name": "<b>"}) == "&lt;b&gt;"


def test_a_name_that_is_not_there_is_an_error(template: dict[str, str]) -> None:
    template["x/a.html.j2"] = "{{ nmae }}"
    with pytest.raises(jinja2.UndefinedError, match="nmae"):
        templating.render("x/a.html.j2", {"name": 1})


def test_output_is_written_while_the_rows_are_still_coming(template: dict[str, str]) -> None:
    template["x/a.html.j2"] = "{% for row in rows %}{{ row }}\n{% endfor %}"
    file = io.StringIO()
    written_at_row: list[int] = []

    def rows() -> Iterator[int]:
        for number in range(10_000):
            written_at_row.append(file.tell())
            yield number

    templating.render_to(file, "x/a.html.j2", {"rows": rows()})

    assert 0 < written_at_row[5_000] < written_at_row[9_999]


def test_a_missing_template_is_named() -> None:
    with pytest.raises(UsageError, match=r"evidence/nothing.html.j2"):
        templating.render("evidence/nothing.html.j2", {})
