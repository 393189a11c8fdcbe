"""The board on the screen: every key and every state."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual import events
from textual.color import Color
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from golfcheck.board.keys import KEYS, SORT_KEYS
from golfcheck.board.model import Board, Row, Status
from golfcheck.core.text import safe, width
from golfcheck.judging.config import JudgingSettings
from golfcheck.live import newest
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.asciionly import AsciiOnly
from golfcheck.tui.drawing.tablecolumns import COLUMNS, MIN_NAME, fitting
from golfcheck.tui.screens import session
from golfcheck.tui.screens.base import OpenComparison, OpenDiff, OpenRecord, OpenWatch
from golfcheck.tui.screens.board import BoardScreen
from golfcheck.tui.screens.help import HelpScreen
from golfcheck.tui.screens.orders import Orders
from golfcheck.tui.screens.prompt import PathPrompt
from golfcheck.tui.screens.tablescreen import TableScreen
from golfcheck.tui.widgets import loading
from golfcheck.tui.widgets.filterbar import FilterBar, FilterInput
from golfcheck.tui.widgets.table import BoardTable
from tests.clock import HANG_SECONDS
from tests.golfcheck.boards import app_of, board, lines, play, row, text, until
from tests.golfcheck.valid_record import Draft, write

pytestmark = pytest.mark.usefixtures("own_home")
Opened = list[tuple[str, tuple[Any, ...]]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """The requested screens, each with the values of its message."""
    asked: Opened = []

    def note(message: type[Message]) -> Callable[[GolfcheckApp, Message], None]:
        name = message.__name__.removeprefix("Open").lower()
        return lambda _app, event: asked.append((name, tuple(getattr(event, each.name) for each in fields(message))))

    for message in (OpenRecord, OpenComparison, OpenWatch, OpenDiff):
        monkeypatch.setattr(GolfcheckApp, message.handler_name, note(message))
    return asked


def table(app: GolfcheckApp) -> BoardTable:
    return app.board_screen.table


def names(rows: list[Row] | tuple[Row, ...]) -> list[str]:
    return [one.verdict.path[-5:] for one in rows]


def toasts(app: GolfcheckApp) -> list[str]:
    return [str(notification.message) for notification in app._notifications]


# Keys. Each maps to what must be so after it was pressed on a board of 12 with the cursor on its fourth row.

CURSOR = {
    "j": 4, "down": 4, "k": 2, "up": 2, "g": 0, "home": 0, "G": 11, "end": 11,
    "pagedown": 11, "ctrl+d": 11, "pageup": 0, "ctrl+u": 0,
}  # fmt: skip
OTHERS = {
    "enter", "space", "slash", "s", "greater_than_sign", "less_than_sign", "S", "o", "c", "d", "t", "w", "r", "e", "Y",
    "escape", "question_mark", "f1", "q", "ctrl+z",
}  # fmt: skip


def test_every_key_of_the_board_is_in_these_tests():
    bindings = [*BoardTable.BINDINGS, *TableScreen.BINDINGS, *BoardScreen.BINDINGS, *GolfcheckApp.BINDINGS]
    assert {key for binding in bindings for key in binding.key.split(",")} == {*CURSOR, *OTHERS}


def test_a_reload_reports_that_it_ran_and_what_changed(tmp_path: Path):
    Draft().write(tmp_path / "records")
    app = GolfcheckApp(tmp_path / "records", JudgingSettings(cache=False, jobs=1))

    async def script(pilot: Pilot[None]) -> None:
        while app.board_screen.board is None:
            await pilot.pause(0.02)
        assert toasts(app) == []
        await pilot.press("r")
        await until(pilot, lambda: bool(toasts(app)))
        assert toasts(app) == ["1 record verified again: nothing changed"]
        Draft(folder="2026-06-09_New").write(tmp_path / "records")
        await pilot.press("r")
        await until(pilot, lambda: len(toasts(app)) == 2)
        assert toasts(app)[-1] == "2 records verified again: 1 new"

    play(app, script)


def test_the_cursor_moves():
    app = app_of(12)

    async def script(pilot: Pilot[None]) -> None:
        for key, expected in CURSOR.items():
            table(app).select(3)
            await pilot.press(key)
            assert (key, table(app).cursor) == (key, expected)
            assert table(app).current is table(app).rows[expected]

    play(app, script)


def test_a_page_is_as_long_as_the_view_and_the_cursor_stays_visible():
    app = app_of(200)

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("pagedown", "pagedown")
        seen = table(app).size.height - 1
        assert table(app).cursor == 2 * (seen - 1)
        await pilot.pause()
        assert f"{table(app).cursor + 1} " in text(app)
        top = table(app).scroll_offset.y
        assert top <= table(app).cursor < top + seen
        await pilot.press("g")
        await pilot.pause()
        assert table(app).scroll_offset.y == 0

    play(app, script, (80, 24))


def test_enter_opens_the_record_under_the_cursor(opened: Opened):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter")
        await pilot.pause()
        assert opened == [("record", (app.board_screen.board.rows[1],))]

    play(app, script)


def test_a_click_selects_a_record_and_a_double_click_opens_it(opened: Opened):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.click(BoardTable, offset=(30, 5))
        assert table(app).cursor == 4
        assert opened == []
        await pilot.click(BoardTable, offset=(30, 6), times=2)
        await pilot.pause()
        assert [(name, names(given)) for name, given in opened] == [("record", ["00005"])]
        await pilot.click(BoardTable, offset=(30, 20))  # below the rows
        assert table(app).cursor == 5

    play(app, script)


def test_up_to_four_records_are_marked_in_their_order_and_compared(opened: Opened):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("j", "space", "g", "space", "j", "space", "space")
        await pilot.pause()
        assert [line[0] for line in lines(app)[2:8]] == ["2", "1", "3", "4", " ", " "]
        await pilot.press("space")
        await pilot.pause()
        assert "already marked" in toasts(app)[-1]
        assert table(app).cursor == 4
        await pilot.press("c")
        assert [(name, names(given[0])) for name, given in opened] == [
            ("comparison", ["00001", "00000", "00002", "00003"])
        ]
        await pilot.press("k", "space", "escape")
        assert table(app).marks == []

    play(app, script)


def test_one_mark_is_compared_with_the_cursor_and_none_is_explained(opened: Opened):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("c")
        await pilot.pause()
        assert opened == []
        assert "mark two to four" in toasts(app)[-1]
        await pilot.press("space", "j", "c")
        assert [(name, names(given[0])) for name, given in opened] == [("comparison", ["00000", "00002"])]

    play(app, script)


def test_d_compares_two_marks_or_a_record_with_the_one_it_had_to_beat(opened: Opened):
    rows = list(board(6).rows)
    rival = replace(rows[0].verdict.to_beat, name=rows[3].verdict.name)
    rows[0] = replace(rows[0], verdict=replace(rows[0].verdict, to_beat=rival))
    rows[1] = replace(rows[1], verdict=replace(rows[1].verdict, to_beat=None))
    app = app_of(board=Board("written", None, tuple(rows)))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("d", "j", "d")
        await pilot.pause()
        assert [(name, names(given)) for name, given in opened] == [("diff", ["00003", "00000"])]
        assert "had no record to beat" in toasts(app)[-1]
        await pilot.press("space", "space", "d")
        assert names(opened[-1][1]) == ["00001", "00002"]
        await pilot.press("space", "d")
        await pilot.pause()
        assert "a diff compares two" in toasts(app)[-1]

    play(app, script)


def test_s_sorts_by_the_columns_from_left_to_right_a_key_steps_back_and_capital_s_turns_the_order():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        orders = table(app).orders
        assert orders[:3] == ("rank", "bpb", "delta") and len(set(orders)) == len(orders) > 10
        seen = []
        for key in ("s", "s", "greater_than_sign", "less_than_sign", "less_than_sign", "less_than_sign"):
            await pilot.press(key)
            seen.append(app.board_screen.sort)
        assert seen == ["bpb", "delta", "delta-nats", "delta", "bpb", "rank"]
        await pilot.press("less_than_sign")
        assert app.board_screen.sort == orders[-1] == "name", "it goes round"
        app.board_screen.sort_by("author")
        authors = [one.verdict.author for one in table(app).rows]
        assert authors == sorted(authors)
        await pilot.press("S")
        assert [one.verdict.author for one in table(app).rows] == sorted(authors, reverse=True)

    play(app, script)


def test_a_sort_order_is_chosen_from_a_list_and_the_title_names_it_where_its_column_is_hidden():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("s", "o")
        await pilot.pause()
        assert isinstance(app.screen, Orders)
        assert [key for key in SORT_KEYS if KEYS[key].meaning not in text(app)] == []
        assert "▲ bpb" in text(app)
        await pilot.press("j", "k", "j", "enter")
        await pilot.pause()
        assert (app.board_screen.sort, "by nats" in lines(app)[0]) == ("nats", True)
        turned = not app.board_screen.reverse
        await pilot.press("S", "o", "enter")  # the present order, which stays as it was turned
        await pilot.pause()
        assert (app.board_screen.sort, app.board_screen.reverse) == ("nats", turned)
        await pilot.press("o", "escape", "s")
        await pilot.pause()
        assert (app.board_screen.sort, "by " in lines(app)[0]) == ("rank", False)
        for typed, sort in (("t", "train"), ("t", "track"), ("tn", "name"), ("n", "nats"), ("dd", "delta-nats")):
            await pilot.press("o", *typed, "enter")
            await pilot.pause()
            assert app.board_screen.sort == sort, "a letter goes to the next order that begins with it"

    play(app, script, (80, 24))


def test_dates_are_sorted_newest_first():
    app = app_of()

    async def script(_pilot: Pilot[None]) -> None:
        app.board_screen.sort_by("date")
        dates = [one.created for one in table(app).rows]
        assert dates == sorted(dates, reverse=True)

    play(app, script)


def test_a_click_on_a_column_head_sorts_and_a_second_click_reverses():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        x = lines(app)[1].index("val_bpb")
        await pilot.click(BoardTable, offset=(x, 0))
        await pilot.pause()
        assert (app.board_screen.sort, app.board_screen.reverse) == ("bpb", False)
        await pilot.click(BoardTable, offset=(x, 0))
        await pilot.pause()
        assert app.board_screen.reverse
        assert "val_bpb▼" in lines(app)[1]

    play(app, script)


def test_the_cursor_stays_on_its_record_while_the_order_changes():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("j", "j")
        here = table(app).current
        await pilot.press("S")
        assert table(app).current is here
        assert table(app).cursor == 9

    play(app, script)


def test_the_wheel_scrolls_and_leaves_the_cursor():
    app = app_of(200)

    async def script(pilot: Pilot[None]) -> None:
        wheel = dict(x=10, y=10, delta_x=0, delta_y=1, button=0, shift=False, meta=False, ctrl=False)
        for _ in range(4):
            app.screen._forward_event(events.MouseScrollDown(widget=None, screen_x=10, screen_y=10, **wheel))
            await pilot.pause(0.05)
        await pilot.pause(0.3)
        assert table(app).scroll_offset.y > 0
        assert table(app).cursor == 0
        await pilot.press("j")
        await pilot.pause()
        assert table(app).scroll_offset.y <= 1, "a key goes on from the cursor"

    play(app, script)


# The filter.


def test_rows_are_filtered_while_a_filter_is_typed():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"author:ann")
        await pilot.pause()
        assert names(table(app).rows) == ["00000", "00004", "00008"]
        assert "3 of 12 records" in text(app)
        await pilot.press("enter")
        assert app.focused is table(app)
        await pilot.press("escape")
        await pilot.pause()
        assert len(table(app).rows) == 12
        assert "author:ann" not in text(app)

    play(app, script)


def test_a_half_typed_term_is_ignored_and_reported():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"author:ann bpb:<")
        await pilot.pause()
        assert len(table(app).rows) == 3
        assert "bpb:<: expected a number, as in bpb:<1.08" in text(app)
        await pilot.press("enter")
        assert isinstance(app.focused, FilterInput), "what cannot be read is not left behind"
        await pilot.press(*"1.07")
        await pilot.pause()
        assert "expected" not in text(app)
        assert names(table(app).rows) == ["00000"]

    play(app, script)


def test_an_open_quote_reaches_to_the_end_and_is_closed_when_the_filter_is_kept():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *'"sliding win')
        await pilot.pause()
        assert names(table(app).rows) == ["00001", "00009"]
        assert "quote" not in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert app.focused is table(app)
        assert '"sliding win"' in text(app)

    play(app, script)


def test_an_invalid_term_in_the_middle_leaves_the_rows_unchanged():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        app.board_screen.query_one(FilterBar).fill("author:bo")
        await pilot.pause()
        app.board_screen.query_one(FilterBar).fill("verdict:nonsense author:bo")
        await pilot.pause()
        assert len(table(app).rows) == 3
        assert "expected one of" in text(app)

    play(app, script)


def test_escape_in_the_filter_removes_it_and_down_leads_to_the_rows():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"ann", "down")
        assert app.focused is table(app)
        await pilot.press("slash", "escape")
        await pilot.pause()
        assert app.focused is table(app)
        assert len(table(app).rows) == 12
        assert not app.board_screen.query_one(FilterBar).has_class("open")

    play(app, script)


def test_a_filter_that_matches_nothing_says_what_to_do():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"zzz")
        await pilot.pause()
        assert "no record matches the filter" in text(app)
        assert table(app).current is None
        await pilot.press("enter", "enter", "space", "d", "Y", "e")  # nothing to act on, and no crash
        await pilot.press("escape")
        await pilot.pause()
        assert table(app).current is not None

    play(app, script)


# What is shown.


def test_columns_are_dropped_by_priority_and_the_name_stays():
    for columns in range(1, 260):
        fitted = fitting(columns)
        assert fitted[-1].title == "name"
        if columns >= MIN_NAME + 14:
            assert sum(column.width for column in fitted) + len(fitted) - 1 <= columns
            assert fitted[-1].width >= MIN_NAME
    titles = [column.title for column in fitting(117)]
    assert titles == [column.title for column in COLUMNS if column.title != "status"]
    assert [column.title for column in fitting(200)] == [column.title for column in COLUMNS]


@pytest.mark.parametrize("columns", [20, 40, 80, 120, 240])
def test_no_line_is_wider_than_the_terminal(columns: int):
    wide = [row(0), row(1, score_bpb=None, status=None, rank=None)]
    wide[0] = replace(wide[0], verdict=replace(wide[0].verdict, name="量化" * 200, author="作者" * 50))
    app = app_of(board=Board("written", None, tuple(wide)))

    async def script(_pilot: Pilot[None]) -> None:
        strips = app.screen._compositor.render_strips()
        assert {sum(segment.cell_length for segment in strip) for strip in strips} == {columns}

    play(app, script, (columns, 24))


def test_a_row_shows_its_numbers_and_where_its_score_comes_from():
    app = app_of()

    async def script(_pilot: Pilot[None]) -> None:
        first, *_, claimed = lines(app)[2:7]
        for shown in ("◆", " 1.06000 ", "-0.00460", "-0.00780", "4.0e-05", " 3 ", "15.98", "2.436", "record", "ann"):
            assert shown in first
        assert "1.07635?" in claimed or "?" in claimed.split()[1]
        assert "✓" in lines(app)[5]

    play(app, script)


def test_rows_that_never_held_the_record_are_dimmed():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("G")
        assert not any(segment.style.dim for segment in table(app)._line(0))
        assert all(segment.style.dim for segment in table(app)._line(1))

    play(app, script)


def test_the_readout_gives_the_reason_and_the_findings():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        assert "◆ the record to beat" in text(app)
        assert "record: no errors or warnings" in text(app)
        await pilot.press("j")
        await pilot.pause()
        assert "invalid: 1 error, 1 warning: total-drift, seed-repeated" in text(app)
        assert "not a record: p 0.3 of a gain above 0.005 nats over Longer context" in text(app)
        await pilot.press("j", "j")
        await pilot.pause()
        assert "◆ was the record" in text(app)

    play(app, script)


@pytest.mark.parametrize("size", [(80, 24), (120, 34)])
def test_ascii_mode_draws_only_ascii(size: tuple[int, int]):
    wide = row(0)
    wide = replace(wide, verdict=replace(wide.verdict, name="量化 é ▔🔎"))
    app = app_of(board=Board("written", None, (wide, *board(300).rows[1:])), ascii_only=True)

    async def script(pilot: Pilot[None]) -> None:
        async def drawn(*keys: str, shows: str) -> None:
            await pilot.press(*keys)
            until = time.monotonic() + HANG_SECONDS
            while shows not in text(app):
                await pilot.pause(0.02)
                assert time.monotonic() < until, f"no {shows!r} on the screen:\n{text(app)}"
            assert {c for c in text(app) if not " " <= c <= "~"} == {"\n"}
            assert {sum(map(len, line)) for line in lines(app)} == {size[0]}, "no cell has moved"

        await drawn(shows="?? ?")
        await drawn(shows="q quit")
        assert "q quit" in lines(app)[-1] and "? help" in lines(app)[-1] and "enter open" in lines(app)[-1]
        await drawn("question_mark", shows="j and k scroll")
        await drawn("escape", "o", shows="^ rank")
        await drawn("escape", "c", shows="mark two to four")
        await drawn("t", shows="Timeline")
        await drawn("escape", "ctrl+p", shows="Search for commands")
        await drawn(*"sort by", shows="Sort by")
        await drawn("escape", "slash", *'"zz bpb:', shows="no record matches")
        await drawn("home", shows="zz")

    play(app, script, size, toasts=True)


@given(st.text())
def test_text_converted_to_ascii_keeps_its_width(submitted: str):
    shown = safe(submitted)
    (segment,) = AsciiOnly().apply([Segment(shown)], Color(0, 0, 0))
    assert all(" " <= character <= "~" for character in segment.text)
    assert width(segment.text) == width(shown)


def test_the_footer_shows_as_many_keys_as_fit_and_always_help_and_quit():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        keys = ("open", "mark", "filter", "sort", "compare", "timeline", "watch", "diff", "copy", "edit", "re-verify")
        await pilot.press("space", "space")  # or there would be nothing to compare
        for columns, least in ((120, 11), (90, 9), (80, 7), (30, 1)):
            await pilot.resize_terminal(columns, 24)
            await pilot.pause()
            assert "? help q quit" in lines(app)[-1]
            shown = [f" {key} " in lines(app)[-1] for key in keys]
            assert shown == [True] * sum(shown) + [False] * (len(keys) - sum(shown)), "the last fall away first"
            assert sum(shown) >= least

    play(app, script)


def test_the_footer_shows_a_key_only_where_it_acts_and_the_key_says_why_elsewhere():
    app = app_of(6)

    async def script(pilot: Pilot[None]) -> None:
        async def foot(*acts: str, idle: Sequence[str] = ()) -> None:
            await pilot.pause()
            shown = lines(app)[-1]
            assert all(key in shown for key in acts) and not any(key in shown for key in idle), shown

        await foot("mark", "open", "sort", "timeline", idle=["compare"])
        await pilot.press("c")
        assert "mark two to four records" in toasts(app)[-1]
        await pilot.press("space")
        await foot("compare", "diff")
        await pilot.press("k")
        await foot("mark", idle=["compare"])  # only this one is marked
        await pilot.press("j", "space", "space")
        await foot("compare", idle=["diff"])
        await pilot.press("space", "j")
        await foot("compare", idle=["mark"])  # four are marked
        await pilot.press("escape", "slash", *"zz", "enter")
        await foot("filter", "watch", "re-verify", idle=["open", "mark", "sort", "compare", "diff", "copy", "edit"])
        await pilot.press("escape", "t", "end")
        await foot("open", "earlier", idle=["later", "next held"])
        await pilot.press("home")
        await foot("later", "next held", idle=["earlier"])

    play(app, script)


def test_ctrl_c_says_how_to_quit():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+c", "slash", "ctrl+c")
        assert toasts(app) == ["to quit golfcheck, press q", "to quit golfcheck, press esc, then q"]

    play(app, script)


# Reading.


def test_it_reads_a_tree_and_judges_again_on_r(tmp_path: Path):
    for index in range(3):
        Draft(folder=f"2026-06-0{index + 1}_Record{index}", bpb_shift=-0.01 * index).write(tmp_path / "records")
    app = GolfcheckApp(tmp_path / "records", JudgingSettings(cache=False))

    async def finished(pilot: Pilot[None]) -> None:
        while app.board_screen.reading is not None:
            await pilot.pause(0.02)
        await pilot.pause()

    async def script(pilot: Pilot[None]) -> None:
        await finished(pilot)
        assert [one.rank for one in table(app).rows] == [1, 2, 3]
        assert "3 records" in text(app)
        Draft(folder="2026-06-09_Another", bpb_shift=-0.5).write(tmp_path / "records")
        await pilot.press("r")
        await finished(pilot)
        assert len(table(app).rows) == 4

    play(app, script)


def test_rows_are_shown_while_others_are_still_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading, "read", lambda *_given: None)
    app = app_of(board=None)
    loaded = board(5)

    async def script(pilot: Pilot[None]) -> None:
        screen = app.board_screen
        unranked = [replace(one, rank=None) for one in loaded.rows]
        screen.reading = (0, 5)
        screen.post_message(loading.RowsArrived(tuple(unranked[:2])))
        screen.post_message(loading.ReadingProgressed(2, 5))
        await pilot.pause()
        assert len(table(app).rows) == 2
        assert "2/5" in text(app)
        assert "not ranked yet" in text(app)
        screen.post_message(loading.RowsArrived(tuple(unranked[2:])))
        await pilot.pause(0.2)
        assert len(table(app).rows) == 5
        await pilot.press("t", "d")
        await pilot.pause()
        assert toasts(app) == ["the records are still being read"] * 2
        screen.post_message(loading.BoardLoaded(loaded))
        await pilot.pause()
        assert table(app).rows == loaded.rows
        assert "/5" not in text(app)

    play(app, script)


def test_an_unjudged_record_shows_its_claim_and_opens_once_judged(monkeypatch: pytest.MonkeyPatch, opened: Opened):
    monkeypatch.setattr(loading, "read", lambda *_given: None)
    app = app_of(board=None)
    loaded = board(2)
    claimed = [replace(one, rank=None, judged=False, status=Status.CLAIMED) for one in loaded.rows]

    async def script(pilot: Pilot[None]) -> None:
        screen = app.board_screen
        screen.reading = (0, 2)
        screen.post_message(loading.RowsArrived(tuple(claimed)))
        await pilot.pause()
        assert "1.06000?" in lines(app)[2] and "judging" in lines(app)[2]
        assert "being judged: only its submission.json has been read" in text(app)
        await pilot.press("enter", "space", "c", "d")
        await pilot.pause()
        assert [toast.partition(" is ")[2] for toast in toasts(app)] == ["still being judged"] * 3
        assert opened == []
        await pilot.press("slash", *"verdict:record")
        await pilot.pause()
        assert table(app).rows == (), "it has no verdict"
        await pilot.press("escape")
        screen.post_message(loading.BoardLoaded(loaded))
        await pilot.pause()
        assert "judging" not in text(app)
        await pilot.press("g", "enter")
        assert [name for name, _ in opened] == ["record"]

    play(app, script)


def test_q_quits_at_once_while_records_are_judged(tmp_path: Path):
    for index in range(28):
        write(tmp_path / "records", f"2026-06-{index + 1:02}_Record{index}", -0.01 * index)
    app = GolfcheckApp(tmp_path / "records", JudgingSettings(jobs=2))
    began = 0.0

    async def script(pilot: Pilot[None]) -> None:
        nonlocal began
        while not app.board_screen.rows_by_path:
            await pilot.pause(0.01)
        await pilot.press("q")
        began = time.process_time()

    play(app, script)
    assert app.board_screen.board is None, "it was not waited for"
    assert time.process_time() - began < 1
    assert active_children() == []


def test_a_tree_without_records_says_what_to_do(tmp_path: Path):
    app = GolfcheckApp(tmp_path, JudgingSettings(cache=False))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        assert "no records here" in text(app)
        assert "golfcheck demo" in text(app)

    play(app, script)


def test_a_failure_to_read_is_shown_as_a_toast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError("boom \x1b]0;owned\x07")

    monkeypatch.setattr(loading, "load_board", broken)
    app = GolfcheckApp(tmp_path, JudgingSettings(cache=False))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        assert toasts(app) == ["reading failed: RuntimeError: boom \\x1b]0;owned\\x07"]
        assert "could not be read" in text(app) and "r tries again" in text(app)
        assert "no records here" not in text(app)

    play(app, script)


def test_reading_stops_once_it_is_canceled(tmp_path: Path):
    for index in range(2):
        Draft(folder=f"2026-06-0{index + 1}_Record{index}").write(tmp_path / "records")
    posted: list[object] = []
    loading.read(tmp_path / "records", JudgingSettings(cache=False, jobs=1), posted.append, lambda: True)
    assert not any(isinstance(message, loading.BoardLoaded | loading.ReadingFailed) for message in posted)


def test_reading_continues_when_its_first_rows_are_not_drawn(tree: Path):
    posted: list[object] = []
    loading.read(tree, JudgingSettings(cache=False, jobs=1), posted.append, lambda: False)
    assert isinstance(posted[-1], loading.BoardLoaded)
    first = next(message for message in posted if isinstance(message, loading.RowsArrived))
    assert len(first.rows) == 3 and not any(one.judged for one in first.rows)


# Leaving and coming back.


def test_filter_order_theme_and_cursor_are_restored():
    first = app_of()

    async def leave(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"author:bo", "enter", "s", "j")
        first.theme = "golfcheck-light"

    play(first, leave)
    again = app_of()

    async def come_back(_pilot: Pilot[None]) -> None:
        assert again.board_screen.query_one(FilterBar).text == "author:bo"
        assert again.board_screen.sort == "bpb"
        assert again.theme == "golfcheck-light"
        assert table(again).current is not None
        assert names([table(again).current]) == ["00005"]

    play(again, come_back)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[1]", b"{", b"[" * 100_000, b'{"sort": "nonsense", "theme": "none", "filter": 7}'],
    ids=["empty", "binary", "a list", "cut", "deep", "nonsense"],
)
def test_a_broken_session_file_is_ignored(content: bytes):
    session.path().parent.mkdir(parents=True)
    session.path().write_bytes(content)
    app = app_of()

    async def script(_pilot: Pilot[None]) -> None:
        assert (app.board_screen.sort, app.theme) == ("rank", "golfcheck")
        assert len(table(app).rows) == 12

    play(app, script)
    assert json.loads(session.path().read_bytes())["sort"] == "rank"


def test_a_session_that_cannot_be_written_is_not_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/here")
    session.save(session.Session())
    assert session.load() == session.Session()


# Other keys.


def test_the_help_lists_every_key_that_works_and_the_whole_grammar():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        shown = app.screen.text.plain
        bindings = [*BoardTable.BINDINGS, *TableScreen.BINDINGS, *BoardScreen.BINDINGS, *GolfcheckApp.BINDINGS]
        assert {b.tooltip for b in bindings if b.tooltip and b.tooltip not in " ".join(shown.split())} == set()
        from golfcheck.board.keys import KEYS

        assert all(key.example in shown for key in KEYS.values())
        await pilot.press("j", "k", "escape")
        assert isinstance(app.screen, BoardScreen)
        await pilot.press("slash", "question_mark")
        assert isinstance(app.screen, BoardScreen), "a question mark can be typed into the filter"
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        assert "remove the filter and go back" in " ".join(app.screen.text.plain.split())

    play(app, script, (80, 24))


def test_the_palette_offers_the_keys_the_orders_and_the_themes():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert {"Compare", "Timeline", "Watch", "Sort by size", "Theme", "Quit"} <= set(titles)
        assert len(titles) == len(set(titles))
        await pilot.press("ctrl+p", *"sort by size", "enter")
        await pilot.pause(0.5)
        assert app.board_screen.sort == "size"

    play(app, script)


def test_y_copies_the_path_and_e_edits_the_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = Draft().write(tmp_path)
    one = row(0)
    app = app_of(board=Board("written", None, (replace(one, verdict=replace(one.verdict, path=str(folder))),)))
    edited: list[Path] = []
    monkeypatch.setattr(app, "edit", lambda path, line=None: edited.append(path))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("Y", "e")
        assert app.clipboard == str(folder)
        assert edited == [folder / "submission.json"]
        (folder / "submission.json").unlink()
        (folder / "submission.json").symlink_to("/etc/hostname")
        await pilot.press("e")
        assert edited[-1] == folder / "README.md", "a link is not followed out of the record"

    play(app, script)


def test_w_follows_a_fresh_log_or_asks_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened):
    monkeypatch.chdir(tmp_path)
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("w")
        assert isinstance(app.screen, PathPrompt)
        assert "There is no log here" in text(app) and "esc: cancel" in text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "expected a path such as" in text(app)
        (tmp_path / "logs").mkdir()
        await pilot.press("l", "tab")
        assert app.screen.query_one(Input).value == "logs/"
        await pilot.press("enter")
        await pilot.pause()
        assert "is a folder; expected a log" in text(app)
        await pilot.press(*["backspace"] * 5, *"nothing.txt", "enter")  # it is waited for, as by --watch
        await pilot.pause()
        best = app.board_screen.board.frontier[-1]
        assert opened == [("watch", ((Path("nothing.txt"),), best))]
        (tmp_path / "logs" / "run.txt").write_text("step:1")
        await pilot.press("w")
        assert opened[-1] == ("watch", ((Path("logs/run.txt"),), best))
        monkeypatch.setattr(newest, "is_fresh", lambda log: False)
        await pilot.press("w", "escape")
        await pilot.pause()
        assert len(opened) == 2

    play(app, script)


def test_q_quits():
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running or app._exit

    play(app, script)
    assert app.return_code == 0
