"""Texts of /proc and /etc: one cat for all files that are printed whole.

Between two files stands the id of the boot, which the kernel prints too: so each of them is told
to the byte, also one that does not end its last line, and without a file of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_ddd.connections.families.interface import WORD, Answers, Family

_BOOT = "/proc/sys/kernel/random/boot_id"
_PATH = rf"(?!{_BOOT})/(?:proc|etc)/{WORD}"
_IF_THERE = rf"\{{ cat {_PATH} 2>/dev/null \|\| true; \}}"
_PART = rf"cat {_PATH}|{_IF_THERE}|echo '(?!-[neE])[\w .-]*'"


def _ask(found: Sequence[re.Match[str]]) -> str:
    """Return what names the files that can be read, those that are not there, and reads."""
    paths = dict.fromkeys(path for match in found for path in re.findall(_PATH, match[0]))
    return (
        f"{{ set -- {_BOOT}; for p in {' '.join(paths)}; do"
        f' if [ -f $p ] && [ -r $p ]; then echo $p; set -- "$@" $p {_BOOT};'
        " elif ! [ -e $p ]; then echo -$p; fi;"
        ' done; echo; cat "$@" && echo all; }'
    )


def _tell(found: Sequence[re.Match[str]], text: str) -> Answers:
    """Yield the commands whose files were all read; none when one file was not, or only half."""
    contents = _contents(text)
    for match in found:
        parts = list(_parts(match[0], contents))
        if None not in parts:
            yield match[0], 0, "".join(part or "" for part in parts)


def _contents(text: str) -> Mapping[str, str]:
    """Return what is in the files by their paths; `-PATH` for one that is not there."""
    names, _, body = text.partition("\n\n")
    boot, line_end, _ = body.partition("\n")
    before, *contents = body.split(boot + line_end) if boot and line_end else [""]
    gone = dict.fromkeys((name for name in names.split("\n") if name.startswith("-")), "")
    paths = [name for name in names.split("\n") if name not in gone]
    if before or len(contents) != len(paths) + 1 or contents[-1] != "all\n":
        return {}
    return {**dict(zip(paths, contents, strict=False)), **gone}


def _parts(command: str, contents: Mapping[str, str]) -> Iterator[str | None]:
    """Yield what each part of a command prints; None when that is not known."""
    for part in command.split(" && "):
        path = re.search(_PATH, part)
        if path is None:
            yield part.removeprefix("echo '").removesuffix("'") + "\n"
        elif part.startswith("{"):
            yield contents.get(path[0], contents.get(f"-{path[0]}"))
        else:
            yield contents.get(path[0])


TEXTS = Family(
    pattern=re.compile(rf"(?=.*cat)(?:{_PART})(?: && (?:{_PART}))*"),
    where=f"[ -r {_BOOT} ]",
    ask=_ask,
    tell=_tell,
)
