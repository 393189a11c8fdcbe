"""A log as numbered lines that can be searched, whatever its bytes are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.submission import logtext
from golfcheck.submission.bounded import UnreadableError
from golfcheck.submission.logtext import LogText

LINES = st.lists(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=20), max_size=20)


@given(lines=LINES)
def test_each_line_of_a_log_can_be_read_by_its_number(lines: list[str]):
    text = LogText("".join(f"|{line}\n" for line in lines).encode())
    assert [text.line(number) for number in range(1, len(text) + 1)] == [f"|{line}" for line in lines]


@given(lines=LINES.filter(bool), words=st.sampled_from(["a", "STEP", "é", "|"]), after=st.integers(1, 20))
def test_searching_wraps_around_and_visits_every_line_with_the_words(lines: list[str], words: str, after: int):
    lines = [line + " Step a" if number % 3 else line for number, line in enumerate(lines)]
    text = LogText("\n".join(f"|{line}" for line in lines).encode())
    lowered = [f"|{line}".encode().lower() for line in lines]
    holding = {number for number, line in enumerate(lowered, 1) if words.encode().lower() in line}
    for backwards in (False, True):
        result, here = set(), min(after, len(text))
        for _ in holding:
            here = text.find(words, here, backwards=backwards) or 0
            result.add(here)
        assert result == holding
    assert holding or text.find(words, min(after, len(text))) is None


def test_utf_16_and_carriage_returns_are_read_and_reported():
    text = LogText("one\r\ntwo\r\n".encode("utf-16"))
    assert [text.line(1), text.line(2), len(text)] == ["one", "two", 2]
    assert text.notes == ["UTF-16-LE", "lines end in CRLF"]


def test_of_a_10_mb_line_only_the_beginning_is_read():
    text = LogText(b"x" * 10_000_000 + b"\nend\n")
    assert len(text.line(1)) == 16_384
    assert text.line(2) == "end"


def test_an_empty_log_has_no_lines():
    assert len(LogText(b"")) == 0
    assert LogText(b"").find("x", 1) is None


def test_lines_past_the_limit_are_skipped_and_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logtext, "MAX_LINES", 5)
    text = LogText(b"line\n" * 9)
    assert len(text) == 5 and text.notes == ["only the first 5 lines are shown"]
    assert len(LogText(b"line\n" * 5)) == 5 and not LogText(b"line\n" * 5).notes


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "train.log").symlink_to("/etc/passwd")
    with pytest.raises(UnreadableError):
        LogText.open(tmp_path, "train.log")
