"""The parser gives the same frames for any bytes, however they are chopped up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.connections.frames import Answer, Frame, FrameError, FrameParser, NoRoom, Ready

MARKER = b"z0123456789abcdef0123456789abcdef"

contents = st.one_of(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\n", MARKER[:-1], MARKER[:32] + b"\n", MARKER[1:], b"\0" * 100]),
).filter(lambda data: MARKER not in data)
answers = st.builds(
    Answer,
    job_id=st.integers(0, 10**9),
    exit_status=st.integers(0, 255),
    flag=st.sampled_from("0TOFIL"),
    stdout=contents,
    stderr=contents,
)


def written(answer: Answer) -> bytes:
    """Return the bytes the dispatcher writes for an answer."""
    head = b"%s A %d %d %s\n" % (MARKER, answer.job_id, answer.exit_status, answer.flag.encode())
    return b"".join((head, answer.stdout, MARKER, b" E\n", answer.stderr, MARKER, b" Z 0\n"))


def fed(parser: FrameParser, stream: bytes, cuts: list[int]) -> list[Frame]:
    """Feed the stream in pieces that end at `cuts`."""
    ends = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [
        frame for start, end in itertools.pairwise(ends) for frame in parser.feed(stream[start:end])
    ]


@given(st.lists(answers, max_size=5), st.lists(st.integers(0, 10**6), max_size=30), contents)
def test_any_answers_in_any_pieces(expected: list[Answer], cuts: list[int], noise: bytes) -> None:
    # Noise that ends like a marker begins would make a longer marker: a newline keeps them apart.
    stream = b"".join(noise + b"\n" + written(answer) for answer in expected)
    assert fed(FrameParser(MARKER), stream, cuts) == expected


@given(st.lists(answers, min_size=1, max_size=3))
def test_byte_by_byte(expected: list[Answer]) -> None:
    stream = b"".join(written(answer) for answer in expected)
    assert fed(FrameParser(MARKER), stream, list(range(len(stream)))) == expected


@given(st.binary(max_size=400), st.lists(st.integers(0, 10**6), max_size=10))
def test_noise_makes_no_frame(noise: bytes, cuts: list[int]) -> None:
    assert fed(FrameParser(MARKER), noise.replace(MARKER, b""), cuts) == []


@given(answers, st.integers(0, 10**6))
def test_half_an_answer_is_none(answer: Answer, cut: int) -> None:
    stream = written(answer)
    assert FrameParser(MARKER).feed(stream[: cut % len(stream)]) == []


def test_ready_and_no_room() -> None:
    stream = b"%s R /dev/shm/a b\n%s X /tmp /var/tmp\n" % (MARKER, MARKER)
    assert FrameParser(MARKER).feed(stream) == [
        Ready(directory="/dev/shm/a b"),
        NoRoom(tried="/tmp /var/tmp"),
    ]


def test_trouble_at_the_end_of_an_answer_is_kept() -> None:
    stream = b"%s A 1 0 0\nx%s E\n%s Z F\n" % (MARKER, MARKER, MARKER)
    (answer,) = FrameParser(MARKER).feed(stream)
    assert isinstance(answer, Answer)
    assert answer.flag == "F"


def test_noise_is_not_held() -> None:
    parser = FrameParser(MARKER)
    for _ in range(100):
        parser.feed(b"x" * 10_000)
    assert len(parser._held) < 100


@pytest.mark.parametrize(
    "lines",
    [b"E", b"Z 0", b"A 1 0 0\n%s A 2 0 0" % MARKER, b"A 1 0 0\n%s Z 0" % MARKER, b"A x 0 0", b"?"],
)
def test_wrong_order_is_an_error(lines: bytes) -> None:
    with pytest.raises(FrameError):
        FrameParser(MARKER).feed(MARKER + b" " + lines + b"\n")


def test_answer_over_the_limit_is_an_error() -> None:
    parser = FrameParser(MARKER, limit_bytes=1000)
    with pytest.raises(FrameError, match="longer than 1000 bytes"):
        parser.feed(b"%s A 1 0 0\n%s" % (MARKER, b"x" * 1100))


def test_endless_line_is_an_error() -> None:
    with pytest.raises(FrameError, match="does not end"):
        FrameParser(MARKER).feed(MARKER + b" " + b"x" * 10_000)
