"""A log on the screen: a match of a search is visible, wherever in its line it is."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from golfcheck.judging.config import JudgingSettings
from golfcheck.submission.logtext import LogText
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.widgets.logview import LogView
from tests.golfcheck.boards import app_of, play

pytestmark = pytest.mark.usefixtures("own_home")

LINES = (
    "Hyperparameters: " + "x" * 300,
    "step:1/2000 max_wallclock_seconds:600",
    "a" * 250 + " max_wallclock_seconds:600 " + "b" * 250,
    "short",
    "c" * 255 + " max_wallclock_seconds:600",
    "深" * 100 + " max_wallclock_seconds:600",
    "\t\x1b[0m" * 30 + " max_wallclock_seconds:600",
)


def seen(view: LogView) -> str:
    """The part of the marked line that is on the screen."""
    return view.render_line(view.at - 1 - view.scroll_offset.y).text


async def searched(pilot: Pilot[None], data: bytes, words: str) -> LogView:
    view = LogView()
    await pilot.app.screen.mount(view)
    view.show(LogText(data))
    view.focus()
    await pilot.pause()
    view.find(words)
    await pilot.pause()
    return view


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_search_hit_is_visible_wherever_in_its_line_it_is(columns: int, ascii_only: bool):
    app = app_of(0, ascii_only=ascii_only)

    async def script(pilot: Pilot[None]) -> None:
        view = await searched(pilot, "\n".join(LINES).encode(), "MAX_wallclock")
        for number in (2, 3, 5, 6, 7, 2):
            assert view.at == number
            assert "max_wallclock" in seen(view), (number, view.scroll_offset)
            assert (view.scroll_offset.x == 0) == (number == 2)
            await pilot.press("n")
        await pilot.press("N")
        assert view.at == 2 and "max_wallclock" in seen(view) and view.scroll_offset.x == 0

    play(app, script, (columns, 24))


def test_a_search_scrolls_sideways_only_where_needed():
    line = "a" * 90 + " words " + "b" * 20
    app = app_of(0)

    async def script(pilot: Pilot[None]) -> None:
        view = await searched(pilot, f"{line}\n  {line}\n".encode(), "words")
        x = view.scroll_offset.x
        assert x > 0
        await pilot.press("n")
        assert "words" in seen(view) and view.scroll_offset.x == x

    play(app, script, (80, 24))


def test_a_hit_beyond_the_shown_part_of_a_line_leads_to_the_note_about_it():
    app = app_of(0)

    async def script(pilot: Pilot[None]) -> None:
        view = await searched(pilot, b"first\n" + b"a" * 5_000 + b" words\n", "words")
        assert view.at == 2 and "more characters)" in seen(view)

    play(app, script, (80, 24))


def test_a_setting_of_a_real_log_is_found_and_visible(shared_data: Path):
    folder = next((shared_data / "records" / "track_10min_16mb").glob("2026-03-25_*"))
    app = GolfcheckApp(Path(), JudgingSettings(cache=False), board=app_of(0).board_screen.board)

    async def script(pilot: Pilot[None]) -> None:
        view = await searched(pilot, (folder / "train_seed314.log").read_bytes(), "max_wallclock")
        for _ in view.log_text.lines_with("max_wallclock"):
            assert "max_wallclock" in seen(view)
            await pilot.press("n")

    play(app, script, (80, 24))
