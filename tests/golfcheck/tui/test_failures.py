"""What the screens show if there is too little room, nothing to read, or nothing to compare."""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.pilot import Pilot

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, when
from golfcheck.core.verdict import ToBeat
from golfcheck.judging.config import JudgingSettings
from golfcheck.live.curves import Curve, Point
from golfcheck.tui import palette
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing.glyphs import UNICODE
from golfcheck.tui.drawing.tablecolumns import COLUMNS, TableColumn, fitting
from golfcheck.tui.drawing.timechart import Timeline, draw, drawable
from golfcheck.tui.screens.compare import TABS as COMPARE_TABS
from golfcheck.tui.screens.compare import CompareScreen
from golfcheck.tui.screens.detail import DetailScreen
from golfcheck.tui.screens.diffscreen import DiffScreen
from golfcheck.tui.widgets import loading
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.seedstrip import Seeds, strip
from tests.clock import HANG_SECONDS
from tests.golfcheck.boards import FIRST_DAY, app_of, board, lines, play, row, text
from tests.golfcheck.tui.test_record_screens import settled, toasts
from tests.golfcheck.valid_record import Draft

pytestmark = pytest.mark.usefixtures("own_home")
RIVAL = ToBeat("best", 1.12, -0.01, -0.02, -8.0, 3.0, 0.001, 0.002, 0.005, None, None)
OFF = JudgingSettings(cache=False, jobs=1)


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + HANG_SECONDS
    while not holds():
        assert time.monotonic() < end, text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.02)


# The strip of seeds.


def test_a_narrow_strip_shows_mean_sd_and_the_gap_to_the_frontier():
    seeds = Seeds(((7, 1.10), (8, 1.115)), board(1).rows[0].verdict.score, RIVAL)
    head = strip(seeds, 78).plain.split("\n")[0]
    assert all(word in head for word in ("mean ", "sd 0.000", "Δ -0.01000 bpb -0.02000 nats/tok")), head


def test_a_strip_shows_every_part_that_fits():
    seeds = Seeds(((7, 1.10), (8, 1.115)), board(1).rows[0].verdict.score, RIVAL)
    whole = strip(seeds, 400).plain.split("\n")[0].split(" · ")
    for columns in range(20, 140):
        shown = strip(seeds, columns).plain.split("\n")[0]
        left_out = [part for part in whole if part not in shown]
        assert all(len(shown) + len(part) + 3 > columns for part in left_out), (shown, left_out)


# Curves whose tokens differ.


def ended(val_bpb: float, bytes_per_token: float) -> Curve:
    """Return the curve of a run with this number of bytes per token."""
    loss = val_bpb * bytes_per_token * 0.6931471805599453
    return Curve("a.log", 42, (Point(1, 0, 0.0, 6.0, None), Point(2, 100, 9.0, loss, None)), (
        Point(3, 100, 9.0, loss, val_bpb),
    ))  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 200])
def test_a_difference_of_tokenizers_is_shown_however_long_the_names_are(columns: int, count: int):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await app.push_screen(CompareScreen(board().rows[:2], "curves"))
        await settled(pilot)
        pane = app.screen.query_one(CurvePane)
        pane.show([Bundle("a name " * 8, (ended(1.1, 2.4 + 1.2 * (n % 2)),)) for n in range(count)])
        pane.turn_y()
        await until(pilot, lambda: "tokens differ" in text(app))
        if columns >= 120:
            assert "press y" in text(app) or "compare bits per byte (y)" in text(app)
        if columns >= 80:
            assert all(mark in lines(app)[pane.region.y] for mark in "●▲■◆"[:count]), "every name is there"
        await pilot.press("y", "y")
        await until(pilot, lambda: "tokens differ" not in text(app))

    play(app, script, (columns, 24))


# What cannot be read.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two records, the second without any log."""
    Draft(folder="2026-05-10_First").write(tmp_path / "records")
    other = Draft(folder="2026-05-11_Second", bpb_shift=-0.02)
    for name in [name for name in other.files if name.endswith(".log")]:
        del other.files[name]
    other.write(tmp_path / "records")
    return tmp_path / "records"


def test_every_tab_of_a_deleted_record_says_why_it_is_empty(tree: Path):
    app = GolfcheckApp(tree, OFF, board=load_board([tree], OFF))

    async def script(pilot: Pilot[None]) -> None:
        shutil.rmtree(tree)
        await app.push_screen(DetailScreen(app.board_screen.board.rows[0], app.load_record))  # type: ignore[union-attr]
        for key in "1345":
            await pilot.press(key)
            await settled(pilot)
            await until(pilot, lambda: "this record could not be read: " in text(app))
            assert "expected a submission folder" in " ".join(text(app).split())
        await pilot.press("1", "y", "x")
        await until(pilot, lambda: "this record could not be read: " in text(app))

    play(app, script)


def test_every_tab_of_a_comparison_with_a_deleted_record_says_why_it_is_empty(tree: Path):
    app = GolfcheckApp(tree, OFF, board=load_board([tree], OFF))

    async def script(pilot: Pilot[None]) -> None:
        shutil.rmtree(tree)
        await app.push_screen(CompareScreen(app.board_screen.board.rows))  # type: ignore[union-attr]
        for index in range(len(COMPARE_TABS)):
            await pilot.press(str(index + 1))
            await settled(pilot)
            await until(pilot, lambda: "the records could not be compared: " in text(app))
            assert "reading" not in "\n".join(lines(app)[:-1])

    play(app, script)


def test_a_record_without_logs_offers_no_key_that_cannot_help(tree: Path):
    app = GolfcheckApp(tree, OFF, board=load_board([tree], OFF))

    async def script(pilot: Pilot[None]) -> None:
        rows = app.board_screen.board.rows  # type: ignore[union-attr]
        bare = next(one for one in rows if "Second" in one.verdict.path)
        await app.push_screen(DetailScreen(bare, app.load_record))
        await settled(pilot)
        await until(pilot, lambda: "this record has no log" in text(app))
        await pilot.press("y", "x")
        assert "press y or x" not in text(app)

    play(app, script)


def slow(monkeypatch: pytest.MonkeyPatch, first: Event) -> list[int]:
    """Make the first read of a tree wait until it is canceled; return how many reads began."""
    begun: list[int] = []
    real = loading.load_board

    def load(*given: Any, **named: Any) -> Board:
        begun.append(len(begun))
        while begun == [0] or (len(begun) == 2 and not first.is_set()):
            try:
                named["idle"]()
            except loading.ReadingCanceled:
                first.set()
                raise
            time.sleep(0.01)
        return real(*given, **named)

    monkeypatch.setattr(loading, "load_board", load)
    return begun


def test_a_reload_while_records_are_judged_is_not_a_failure(tree: Path, monkeypatch: pytest.MonkeyPatch):
    begun = slow(monkeypatch, Event())
    app = GolfcheckApp(tree, OFF)

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: begun == [0])
        await pilot.press("r")
        await until(pilot, lambda: app.board_screen.board is not None)
        assert begun == [0, 1] and toasts(app) == [] and app.board_screen.failure == ""

    play(app, script)


def test_swapping_a_diff_that_is_still_loading_is_not_a_failure(tree: Path, monkeypatch: pytest.MonkeyPatch):
    app = GolfcheckApp(tree, OFF, board=load_board([tree], OFF))
    go, real = Event(), app.load_record

    def load(row: Any) -> Any:
        go.wait(5)
        return real(row)

    monkeypatch.setattr(app, "load_record", load)

    async def script(pilot: Pilot[None]) -> None:
        one, other = app.board_screen.board.rows  # type: ignore[union-attr]
        await app.push_screen(DiffScreen(one, other))
        await pilot.pause()
        await pilot.press("S")
        await pilot.pause()
        go.set()
        await settled(pilot)
        assert toasts(app) == []
        await until(pilot, lambda: "scores" in text(app))

    play(app, script)


def test_a_deleted_tree_is_reported_and_its_rows_are_removed(tree: Path):
    app = GolfcheckApp(tree, OFF)

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.board_screen.board is not None)
        shutil.rmtree(tree)
        await pilot.press("r")
        await until(pilot, lambda: "no records here" in text(app))
        assert len(toasts(app)) == 1 and str(tree) in toasts(app)[0]
        assert (
            app.board_screen.board is None and app.board_screen.rows_by_path == {} and app.board_screen.table.rows == ()
        )

    play(app, script)


def test_an_empty_tree_is_reported_in_place_of_the_rows(tmp_path: Path):
    app = GolfcheckApp(tmp_path, OFF)

    async def script(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "no records here" in text(app))
        assert toasts(app) == []

    play(app, script)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_filter_error_is_shown_in_full(columns: int):
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"foo:3")
        error = app.screen.query_one("#filter-error")
        await until(pilot, lambda: error.region.height > 1)
        said = str(error.render())
        shown = " ".join(line.strip() for line in lines(app)[error.region.y : error.region.bottom])
        assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", said), (shown, said)

    play(app, script, (columns, 24))


# Pictures.


def test_a_screenshot_goes_to_the_downloads_or_the_current_folder_and_its_path_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)
    app = app_of()

    async def script(pilot: Pilot[None]) -> None:
        for folder in (here, home / "Downloads"):
            folder.mkdir(exist_ok=True)
            palette.picture(app, app)
            (saved,) = folder.glob("*.svg")
            await until(pilot, lambda saved=saved: toasts(app)[-1:] == [f"screenshot saved: {saved}"])

    play(app, script)


def test_a_screenshot_that_cannot_be_saved_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    app = app_of()

    def full(**_named: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(app, "save_screenshot", full)

    async def script(pilot: Pilot[None]) -> None:
        palette.picture(app, app)
        said = f"the screenshot could not be saved in {tmp_path}: No space left on device"
        await until(pilot, lambda: toasts(app) == [said])

    play(app, script)


# Numbers.


def column(title: str) -> TableColumn:
    return next(one for one in COLUMNS if one.title == title)


def cell(title: str, of: Any) -> str:
    result = column(title)
    return result.cell(of, result.width, UNICODE)[0]


def test_the_number_of_seeds_is_unknown_if_no_log_states_it():
    one = row(0)
    score = one.verdict.score
    assert score is not None
    claimed = replace(one, verdict=replace(one.verdict, score=replace(score, seeds=())))
    unread = replace(one, verdict=replace(one.verdict, score=None))
    assert (cell("n", one), cell("n", claimed), cell("n", unread)) == ("3", "—", "—")


@pytest.mark.parametrize(
    ("title", "changes", "shown"),
    [
        ("#", {"rank": 10_000}, "10000"),
        ("#", {"rank": 1_234_567}, ">9999"),
        ("val_bpb", {"score_bpb": 41.052345}, "41.0523 "),
        ("val_bpb", {"score_bpb": 12_345_678.9}, ">999999 "),
        ("Δ bpb", {"delta_bpb": -12.345678}, "-12.3457"),
        ("Δ nats", {"delta_nats": -1.2345e9}, "<-999999"),
    ],
)
def test_a_number_is_rounded_or_bounded_and_never_cut(title: str, changes: dict[str, float], shown: str):
    result = cell(title, row(0, **changes))
    assert result == shown and len(result) <= column(title).width


def test_ten_thousand_rows_show_their_last_rank_at_every_usual_width():
    for columns in range(36, 240):
        assert fitting(columns)[0].width >= len("10000")
    app = app_of(board=Board("written", None, (row(0, rank=10_000),)))

    async def script(_pilot: Pilot[None]) -> None:
        assert "10000" in lines(app)[2]

    play(app, script, (80, 24))


# Records whose tokenizers differ.


def test_nats_of_two_tokenizers_are_labeled_as_per_own_token(tmp_path: Path):
    Draft(folder="2026-05-10_Short").write(tmp_path)
    Draft(folder="2026-05-11_Long", bytes_per_token=3.7, bpb_shift=-0.02).write(tmp_path)
    app = GolfcheckApp(tmp_path, OFF, board=load_board([tmp_path], OFF))

    async def script(pilot: Pilot[None]) -> None:
        await app.push_screen(CompareScreen(app.board_screen.board.rows))  # type: ignore[union-attr]
        await settled(pilot)
        await until(pilot, lambda: "nats per own token" in " ".join(text(app).split()))

    play(app, script)


# The days of the timeline.


@pytest.mark.parametrize("columns", range(40, 130, 7))
@pytest.mark.parametrize("days", [(0, 3, 9), (0, 9, 10), (0, 5, 5), (0, 1, 2, 3, 4, 40), (3,)])
def test_the_newest_day_is_labeled_and_no_label_touches_it(days: tuple[int, ...], columns: int):
    rows = [row(n, created=FIRST_DAY + timedelta(days=day), score_bpb=1.2 - 0.01 * n) for n, day in enumerate(days)]
    chart = Timeline(drawable(rows))
    axis = "".join(character for character, _ in draw(chart, columns, 20, UNICODE)[-1])
    assert axis.split()[-1] == when(chart.rows[-1]).strftime("%m-%d")
    assert all(len(label) == 5 for label in axis.split())
