"""Keys that arrive together, through fast typing or a slow connection: each acts on the result of the previous one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from golfcheck.board.load import load_board
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui import inturn
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.screens.tabs import KeyedTabs
from golfcheck.tui.screens.timeline import TimelineScreen
from golfcheck.tui.widgets.logpane import LogPane
from golfcheck.tui.widgets.logview import LogView
from tests.golfcheck.boards import app_of, play

pytestmark = pytest.mark.usefixtures("own_home")
NAMES = {"/": "slash", "-": "minus", "\n": "enter", "\t": "tab", " ": "space", "\x1b": "escape", "_": "underscore"}


def typed(app: GolfcheckApp, keys: str) -> None:
    """Send the application several keys at once, as its driver does if a terminal sent them together."""
    for key in keys:
        app.post_message(events.Key(NAMES.get(key, key), key if key.isprintable() else None))


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(250):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not come to hold in 5 s")


def test_words_typed_at_once_after_a_slash_all_go_into_the_filter():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        typed(app, "/qk-gain dex")  # of these q quits, d opens a diff, e an editor
        await until(pilot, lambda: app.board_screen.filter_text == "qk-gain dex")
        typed(app, "\x1b/r2\njj")
        await until(pilot, lambda: app.board_screen.filter_text == "r2" and app.focused is app.board_screen.table)
        assert app.screen is app.board_screen and app.is_running

    play(app, script)


def test_keys_right_after_the_start_are_for_the_board_not_for_its_filter():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.board_screen.table.cursor == 2)
        assert app.board_screen.filter_text == ""

    app.call_later(typed, app, "jj")  # before there is a screen
    play(app, script)


def test_text_pasted_after_a_slash_goes_into_the_filter():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        typed(app, "/")
        app.post_message(events.Paste("author:ann"))
        typed(app, "a")
        await until(pilot, lambda: app.board_screen.filter_text == "author:anna")

    play(app, script)


def test_keys_after_a_tabs_key_go_to_that_tab(tree: Path):
    app = GolfcheckApp(
        tree, JudgingSettings(cache=False), board=load_board([tree], JudgingSettings(cache=False, jobs=1))
    )

    async def script(pilot: Pilot[None]) -> None:
        typed(app, "\n2")
        await until(
            pilot, lambda: bool(app.screen.query(KeyedTabs)) and app.screen.query_one(KeyedTabs).active == "findings"
        )
        pane = app.screen.query_one(LogPane)
        await until(pilot, lambda: len(pane.query_one(LogView).log_text) > 10)
        typed(app, "4jjj")
        await until(pilot, lambda: pane.line == 4)
        typed(app, "/eval\n")  # e would open an editor
        await until(pilot, lambda: pane.line > 4)

    play(app, script)


def test_a_screen_is_left_before_the_next_key_is_taken():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        typed(app, "t\x1b/t")
        await until(pilot, lambda: app.board_screen.filter_text == "t")
        assert not isinstance(app.screen, TimelineScreen)
        typed(app, "\x1bjt\x1bj")
        await until(pilot, lambda: app.board_screen.table.cursor == 2)

    play(app, script)


def test_a_widget_that_does_not_answer_delays_keys_only_briefly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(inturn, "_GIVEN_UP_SECONDS", 0.1)
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        table = app.board_screen.table
        usual = table.call_later

        def silent(callback: Any, *args: Any) -> bool:
            return callback == app._follow or usual(callback, *args)  # as of one that goes away before its turn

        monkeypatch.setattr(table, "call_later", silent)
        typed(app, "jjjj")
        await until(pilot, lambda: table.cursor == 4)

    play(app, script)
