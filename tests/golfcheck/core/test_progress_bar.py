"""The bar on a terminal: after half a second, with the stage and the time left, and gone when the work is done."""

import io
import re

import pytest

from golfcheck.core.progress import progress_bar


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Replace standard error with a terminal; in the test itself, because pytest replaces it before."""
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    return stream


def drawn(stream: Terminal) -> str:
    """Return what was drawn, without the sequences that move the cursor and set colors."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


def test_nothing_is_drawn_in_the_first_half_second(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = terminal_of(monkeypatch), Clock()
    with progress_bar(clock) as progress:
        for done in range(10):
            progress("judging records", done, 10)
            clock.now += 0.049
    assert terminal.getvalue() == ""


def test_after_half_a_second_a_bar_shows_stage_count_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = terminal_of(monkeypatch), Clock()
    with progress_bar(clock) as progress:
        for done in range(31):
            progress("judging records", done, 60)
            clock.now += 0.5
    text = drawn(terminal)
    assert "judging records" in text and "30/60" in text
    assert re.findall(r"([0-9]+) s left", text)[-1] == "15", "30 of 60 in 15 s: as long again"


def test_another_stage_begins_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = terminal_of(monkeypatch), Clock()
    with progress_bar(clock) as progress:
        for stage, of in (("reading records", 60), ("judging records", 3)):
            for done in range(of + 1):
                progress(stage, done, of)
                clock.now += 0.2
    text = drawn(terminal)
    assert text.index("60/60") < text.index("judging records") < text.index("3/3")


def test_a_bar_is_redrawn_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = terminal_of(monkeypatch), Clock()
    with progress_bar(clock) as progress:
        for done in range(1_000):
            progress("judging records", done, 1_001)
            clock.now += 0.002
    assert 12 <= drawn(terminal).count("judging records") <= 18


def test_the_bar_is_gone_when_the_work_is_done_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = terminal_of(monkeypatch), Clock()
    with pytest.raises(KeyboardInterrupt), progress_bar(clock) as progress:
        progress("judging records", 1, 9)
        clock.now += 2
        progress("judging records", 2, 9)
        raise KeyboardInterrupt
    assert "judging records" in drawn(terminal)
    assert terminal.getvalue().endswith("\r\x1b[1A\x1b[2K"), "the cursor goes up, and the line is cleared"


def test_a_pipe_gets_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr("sys.stderr", stream)
    with progress_bar(clock) as progress:
        clock.now += 9
        progress("judging records", 5, 9)
    assert stream.getvalue() == ""
