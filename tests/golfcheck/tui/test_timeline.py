"""The timeline: what is drawn where, and its keys."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from golfcheck.board.model import Board, Row, score
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.drawing.timechart import ORDERS, SCALES, ChartCell, Timeline, draw, drawable, limits, nearest
from golfcheck.tui.screens.timeline import TimeChart, TimelineScreen
from tests.golfcheck.boards import FIRST_DAY, app_of, board, lines, play, row, text

pytestmark = pytest.mark.usefixtures("own_home")
KEYS = {
    "enter", "right", "l", "j", "down", "left", "h", "k", "up", "n", "N", "p", "g", "home", "G", "end", "y", "x",
    "escape", "t",
}  # fmt: skip


def dated(*records: tuple[int, float, bool]) -> Timeline:
    """Return a chart of (day, score, held)."""
    rows = [
        row(index, created=FIRST_DAY + timedelta(days=day), score_bpb=bpb, held=held)
        for index, (day, bpb, held) in enumerate(records)
    ]
    return Timeline(drawable(rows))


def cells(grid: list[list[ChartCell]], style: str) -> list[tuple[int, int]]:
    return [(x, y) for y, line in enumerate(grid) for x, cell in enumerate(line) if cell[1] == style]


def test_every_key_of_the_timeline_is_in_these_tests():
    bindings = [*TimeChart.BINDINGS, *TimelineScreen.BINDINGS]
    assert {key for binding in bindings for key in binding.key.split(",")} == KEYS


def test_the_frontier_is_a_line_from_record_to_record_that_only_falls():
    chart = dated((0, 1.2, True), (2, 1.18, False), (4, 1.15, True), (9, 1.1, True), (10, 1.16, False))
    grid = draw(replace(chart, cursor=4), 80, 24, UNICODE)
    assert len(cells(grid, "held")) == 3
    assert sorted(cells(grid, "held")) == sorted(cells(grid, "held"), key=lambda cell: cell[1])
    line = dict(sorted(cells(grid, "line"), key=lambda cell: (cell[0], -cell[1])))
    heights = [line[x] for x in sorted(line)]
    assert heights == sorted(heights), "a lower score is a lower line"
    first, *_, last = sorted(cells(grid, "held"))
    columns = {x for x, _ in cells(grid, "line")} | {x for x, _ in cells(grid, "held")} | {cells(grid, "here")[0][0]}
    assert set(range(first[0], 78)) <= columns, "it has no gap, and reaches to the right edge"
    assert last[1] > first[1]


def test_records_above_the_view_are_marked_and_visible_with_all_scores():
    chart = dated((0, 1.2, True), (4, 3.9, False), (9, 1.1, True))
    grid = draw(chart, 80, 24, UNICODE)
    assert [cell for cell in grid[0] if cell[1] == "other"] == [("▲", "other")]
    assert limits(replace(chart, scale="all"))[1] > 3.9
    assert not any(cell[0] == "▲" for line in draw(replace(chart, scale="all"), 80, 24, UNICODE) for cell in line)


def test_zooming_in_near_the_cursor_shows_the_spread_of_the_seeds():
    chart = Timeline(drawable(board(12).rows), cursor=3, scale="near")
    grid = draw(chart, 80, 24, UNICODE)
    sd = chart.rows[3].verdict.score.sd_bpb
    low, high = limits(chart)
    per_line = (high - low) / 21
    x = cells(grid, "here")[0][0]
    bar = [y for cx, y in cells(grid, "spread") if cx == x]
    assert abs(len(bar) + 1 - 2 * sd / per_line) <= 2
    assert cells(draw(replace(chart, scale="all"), 80, 24, UNICODE), "spread") == []


RECORDS = st.lists(
    st.tuples(st.integers(0, 60), st.floats(0.9, 4.0, allow_nan=False), st.booleans()), min_size=1, max_size=30
)


LOOKS = st.tuples(st.sampled_from(SCALES), st.sampled_from(ORDERS))


@given(RECORDS, st.integers(1, 200), st.integers(1, 60), LOOKS, st.data())
def test_any_board_fits_any_terminal(
    records: list[tuple[int, float, bool]], columns: int, height: int, look: tuple[str, str], data: Any
):
    chart = dated(*records)
    chart = replace(chart, scale=look[0], order=look[1], cursor=data.draw(st.integers(0, len(chart.rows) - 1)))
    grid = draw(chart, columns, height, ASCII)
    assert [len(line) for line in grid] == [columns] * height
    assert all(cell[0].isascii() and len(cell[0]) == 1 for line in grid for cell in line)
    if columns > 20 and height > 5:
        assert len(cells(grid, "here")) == 1
        (x, y) = cells(grid, "here")[0]
        assert nearest(chart, columns, height, x, y) in range(len(chart.rows))


def test_a_board_without_dated_scores_says_so():
    app = app_of(board=Board("written", None, (row(0, created=None), row(1, score_bpb=None))))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("t", "j", "G", "n", "y", "x", "enter")
        await pilot.pause()
        assert "no record here has both a date and a score" in text(app)

    play(app, script)


def test_the_timeline_shows_what_the_filter_of_the_board_matches_and_the_frontier_of_all():
    app = app_of(12)

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"author:bo", "enter", "t")
        await pilot.pause()
        widget = app.screen.query_one(TimeChart)
        whole = [one for one in widget.chart.rows if one.held]
        assert len(widget.chart.rows) == 12 and len(whole) == 4
        seen = []
        await pilot.press("g")
        for _ in range(4):
            seen.append(widget.current.verdict.author)
            await pilot.press("l")
        assert seen == ["bo"] * 4, "the last again"
        assert "record 3 of 3 that match author:bo" in lines(app)[0]
        grid = draw(widget.chart, 118, 30, UNICODE)
        drawn = cells(grid, "held") + cells(grid, "other") + cells(grid, "here")
        assert len(drawn) == 3
        of_all = draw(replace(widget.chart, left_out=frozenset()), 118, 30, UNICODE)
        assert set(cells(of_all, "line")) <= set(cells(grid, "line")), "records stand on it"
        await pilot.press("escape", "escape", "slash", *"author:nobody", "enter", "t", "l", "n", "y", "x", "G", "enter")
        await pilot.pause()
        assert "no record that matches author:nobody has both a date and a score" in text(app)

    play(app, script)


def test_the_cursor_walks_the_records_by_their_dates(monkeypatch: pytest.MonkeyPatch):
    app = app_of(12)
    opened: list[Row] = []
    monkeypatch.setattr(GolfcheckApp, "on_open_record", lambda _app, event: opened.append(event.row))

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("j", "t")
        assert isinstance(app.screen, TimelineScreen)
        chart = app.screen.query_one(TimeChart)
        assert chart.current is app.board_screen.board.rows[1], "it begins where the board was"
        last = len(chart.chart.rows) - 1
        for key, index in (("g", 0), ("l", 1), ("right", 2), ("down", 3), ("j", 4), ("h", 3), ("left", 2)):
            await pilot.press(key)
            assert (key, chart.chart.cursor) == (key, index)
        for key, index in (("k", 1), ("up", 0), ("up", 0), ("end", last), ("right", last), ("home", 0), ("G", last)):
            await pilot.press(key)
            assert (key, chart.chart.cursor) == (key, index)
        dates = [one.created for one in chart.chart.rows]
        assert dates == sorted(dates)
        await pilot.press("g")
        seen = [chart.current]
        for _ in range(3):
            await pilot.press("n")
            seen.append(chart.current)
        assert all(one.held for one in seen[1:])
        assert [score(one) for one in seen] == sorted((score(one) for one in seen), reverse=True)
        await pilot.press("N")
        assert chart.current is seen[2]
        await pilot.press("p")
        assert chart.current is seen[1]
        await pilot.press("enter")
        assert opened == [seen[1]]
        await pilot.pause()
        assert f"val_bpb {score(seen[1]):.5f}" in lines(app)[0]
        await pilot.press("y", "y", "x")
        await pilot.pause()
        assert "scores near the cursor, one after the other" in lines(app)[0]
        await pilot.press("t")
        assert app.screen is app.board_screen
        await pilot.press("t", "escape")
        assert app.screen is app.board_screen

    play(app, script)


def test_a_click_goes_to_the_nearest_record():
    app = app_of(12)

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("t", "G")
        await pilot.pause()
        chart = app.screen.query_one(TimeChart)
        grid = draw(chart.chart, chart.size.width, chart.size.height, UNICODE)
        x, y = sorted(cells(grid, "held"))[0]
        await pilot.click(TimeChart, offset=(x + 1, y))
        assert chart.chart.cursor == next(index for index, one in enumerate(chart.chart.rows) if one.held)

    play(app, script)
