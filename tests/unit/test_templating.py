"""Templates: escaping, strictness, streaming."""

from __future__ import annotations

import io
from collections.abc import Iterator

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
