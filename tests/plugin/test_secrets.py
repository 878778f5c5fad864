"""A secret does not leave the process, whichever way it tries."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from tests.plugin.conftest import Site

CANARY = "c4nary/W1th+0dd=chars"
FORMS = {
    CANARY,
    quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode(),
}
HOSTS = """
    hosts:
      web1: {connection: "local://", sudo_password: {env: CANARY}}
"""
LEAKS = """
    import logging, base64
    from urllib.parse import quote
    from pytest_ddd import clock, redaction

    SECRET = __import__("os").environ["CANARY"]
    redaction.DEFAULT.register(SECRET)
    ENCODED = base64.b64encode(SECRET.encode()).decode()

    def test_in_output(host):
        print(SECRET, quote(SECRET, safe=""))
        logging.getLogger("site").warning("login with %s", SECRET)
        host.run("echo %s", ENCODED)

    def test_in_a_reason(judge, attach):
        attach("note", "password is " + SECRET)
        judge(Reading(name=SECRET, value=95, source=SECRET, at=clock.now(), detail=SECRET),
              Threshold(crit=Limit(value=1)))
        assert not SECRET, SECRET

    def test_in_an_error():
        raise OSError("cannot log in with " + SECRET)

    def test_in_captured(capsys):
        print("before"); assert False, f"halves {SECRET[:10]}\\n{SECRET[10:]}"
"""


@pytest.mark.parametrize("verbosity", [(), ("-vv",)])
def test_no_channel_leaks(
    site: Site, plugin_args: tuple[str, ...], verbosity: tuple[str, ...]
) -> None:
    """Terminal, JUnit, pytest-html, report, record and log file hold no form of it."""
    site.baseline("prod", hosts=HOSTS)
    site.check(LEAKS)
    channels = ("--junitxml=junit.xml", "--html=page.html", "--self-contained-html")

    done = site.run(
        "--host=prod",
        "-rA",
        "--log-file=log.txt",
        *channels,
        *verbosity,
        *plugin_args,
        env={"CANARY": CANARY},
    )

    files = [
        path
        for path in site.root.rglob("*")
        if path.is_file() and path.suffix in (".xml", ".html", ".jsonl", ".txt")
    ]
    texts = {str(path): path.read_text(errors="replace") for path in files} | {
        "terminal": done.text
    }
    assert len(texts) >= 6
    for where, text in texts.items():
        for form in FORMS:
            assert form not in text, where
    assert len(done.results) == 5


def test_secret_in_an_id_is_refused(site: Site, plugin_args: tuple[str, ...]) -> None:
    """An id is shown in too many places: the run does not begin."""
    site.check(
        """
        from pytest_ddd import redaction
        redaction.DEFAULT.register("c4nary-in-an-id")

        @pytest.mark.parametrize("name", ["c4nary-in-an-id"])
        def test_it(name):
            pass
        """
    )

    done = site.run(*plugin_args)

    assert done.status == 4
    assert "holds a secret" in done.text
    assert "c4nary-in-an-id" not in done.text


LEARNT_LATE = """
    from pytest_ddd import redaction

    @pytest.fixture
    def late():
        yield
        redaction.DEFAULT.register("plover-xyzzy")

    def test_one(late):
        assert False, "it says plover-xyzzy"
"""


def test_a_secret_learnt_while_a_check_is_taken_down_is_in_no_property(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """JUnit takes the properties from the last report of a check."""
    site.check(LEARNT_LATE)
    site.run(*plugin_args, "--junitxml=junit.xml")
    properties = (site.root / "junit.xml").read_text().partition("</properties>")[0]
    assert 'name="reason"' in properties
    assert "plover" not in properties
