"""A record on the screen, and records side by side: every key and every state."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from rich.style import Style
from rich.text import Text
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row
from golfcheck.core.errors import UsageError
from golfcheck.judging.config import JudgingSettings
from golfcheck.live.curves import Curve, Point
from golfcheck.live.series import XAxis, YAxis
from golfcheck.submission.examined import results
from golfcheck.submission.record import Record, load
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing.ledgertable import ledger
from golfcheck.tui.screens.compare import TABS as COMPARE_TABS
from golfcheck.tui.screens.compare import CompareScreen
from golfcheck.tui.screens.detail import TABS as DETAIL_TABS
from golfcheck.tui.screens.detail import DetailScreen
from golfcheck.tui.widgets.chart import CurveChart
from golfcheck.tui.widgets.codeview import CodeView
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.findingspane import FindingList, FindingsPane
from golfcheck.tui.widgets.logpane import LogPane
from golfcheck.tui.widgets.logview import LogView
from golfcheck.tui.widgets.sheet import Sheet, rendered
from tests.clock import HANG_SECONDS
from tests.golfcheck.boards import lines, play, text, until
from tests.golfcheck.valid_record import Draft

pytestmark = pytest.mark.usefixtures("own_home")
STYLES = {name: Style() for name in ("error", "warning", "info", "ok")}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three records, the last the best: with a README, three logs and a script each; one log is long."""
    root = tmp_path_factory.mktemp("records")
    for index, name in enumerate(("First", "Second", "Third")):
        draft = Draft(folder=f"2026-05-{10 + index}_{name}", bpb_shift=0.03 - 0.01 * index)
        draft.set(name=f"{name} try", author="ann")
        draft.files["README.md"] = b"# Title\n\nSome *words* and [a link](http://evil.example).\n\n- one\n- two\n"
        draft.script = draft.script + b"x = %d\n" % index
        draft.files["train_gpt.py"] = draft.script
        draft.files["train_seed42.log"] = draft.log(42) + b"".join(b"line %d\n" % n for n in range(500))
        if index == 2:
            draft.edit("train_seed1337.log", "world_size:8", "world_size:4")
        draft.write(root)
    return root


@pytest.fixture(scope="module")
def board(tree: Path) -> Board:
    return load_board([tree], JudgingSettings(cache=False, jobs=1))


@pytest.fixture
def app(tree: Path, board: Board) -> GolfcheckApp:
    return GolfcheckApp(tree, JudgingSettings(cache=False), board=board)


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int | None]]:
    """What was opened in the editor."""
    opened: list[tuple[str, int | None]] = []
    monkeypatch.setattr(GolfcheckApp, "edit", lambda app, path, line=None: opened.append((path.name, line)))
    return opened


def best(app: GolfcheckApp) -> Row:
    assert app.board_screen.board
    return app.board_screen.board.rows[0]


async def opened(pilot: Pilot[None], tab: str = "curve") -> DetailScreen:
    """Open the best record and wait until it is read."""
    app = pilot.app
    assert isinstance(app, GolfcheckApp)
    app.push_screen(DetailScreen(best(app), app.load_record, tab))
    await settled(pilot)
    assert isinstance(app.screen, DetailScreen)
    return app.screen


async def settled(pilot: Pilot[None]) -> None:
    """Wait until everything that is read in threads was drawn, including what a result causes to be read."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


async def shows(pilot: Pilot[None], *words: str) -> None:
    """Wait until all of these texts are on the screen."""
    until = time.monotonic() + HANG_SECONDS
    while missing := [word for word in words if word not in text(pilot.app)]:  # type: ignore[arg-type]
        assert time.monotonic() < until, f"{missing} not in\n{text(pilot.app)}"  # type: ignore[arg-type]
        await pilot.pause(0.02)


async def footed(pilot: Pilot[None], *keys: str, gone: Sequence[str] = ()) -> None:
    """Wait until the footer has these keys, and none of those that must disappear."""
    until = time.monotonic() + HANG_SECONDS
    while True:
        foot = lines(pilot.app)[-1].replace("⏎", "enter")  # type: ignore[arg-type]
        if "q quit" in foot and all(key in foot for key in keys) and not any(key in foot for key in gone):
            return
        assert time.monotonic() < until, foot
        await pilot.pause(0.02)


def toasts(app: Any) -> list[str]:
    return [str(notification.message) for notification in app._notifications]


# One record.


def test_a_record_opens_with_its_seeds_and_its_curves(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot)
        shown = text(app)
        assert "#1" in shown and "Third try" in shown and "ann" in shown
        assert "3 seeds · mean 1.12474 · sd 0.00035" in shown and "Δ -0.01" in shown
        strip = lines(app)[2]
        assert strip.count("●") == 3 and strip.count("┃") == 1
        assert all(f"seed {seed}" in shown for seed in (42, 1337, 2025))
        assert "bits per byte over steps" in shown and "to beat" in shown

    play(app, script)


@pytest.mark.parametrize(("size", "ascii_only"), [((80, 24), True), ((120, 34), False)])
def test_each_tab_shows_its_own_content(tree: Path, board: Board, size: tuple[int, int], ascii_only: bool):
    app = GolfcheckApp(tree, JudgingSettings(cache=False), board=board, ascii_only=ascii_only)
    expected = {
        "1": ("step", "bpb"),
        "2": ("warning", "why", "fix"),
        "3": ("Title", "Some words and a link (http://evil.example)"),
        "4": ("train_seed1337.log", "log 1 of 3", "import torch"),
        "5": ("15,800,", "/ 16,000,000", "log says", "train_seed", "599.9"),
    }

    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot)
        for key, words in expected.items():
            await pilot.press(key)
            await settled(pilot)
            await shows(pilot, *words)
            shown = text(app)
            assert not ascii_only or shown.isascii(), {c for c in shown if not c.isascii()}

    play(app, script, size)


@pytest.mark.parametrize("compare", [False, True])
def test_the_last_of_several_keys_typed_at_once_selects_the_tab(app: GolfcheckApp, compare: bool):
    """A tab's content takes the focus; if that message came after the next key, it once switched the tab back."""
    tabs = COMPARE_TABS if compare else DETAIL_TABS

    async def script(pilot: Pilot[None]) -> None:
        screen = await (compared(pilot, 2) if compare else opened(pilot))
        for keys in ("421", "1342", "41", "423", "12", "321", "14", "2413"):
            for key in keys:
                app.post_message(events.Key(key, key))
            await pilot.pause(0.2)
            while app.waiting:
                await pilot.pause(0.05)
            await settled(pilot)
            assert screen.tab == tabs[int(keys[-1]) - 1], keys

    play(app, script)


def test_the_axes_switch(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        pane = (await opened(pilot, "findings")).query_one(CurvePane)
        seen = []
        for key in "yyyxx":
            await pilot.press(key)
            seen.append((pane.y, pane.x))
        assert seen == [
            *((YAxis.LOSS, XAxis.STEP), (YAxis.LOG, XAxis.STEP), (YAxis.BPB, XAxis.STEP)),
            *((YAxis.BPB, XAxis.TIME), (YAxis.BPB, XAxis.STEP)),
        ]
        assert "1 Curve" in text(app) and "bits per byte over steps" in text(app)

    play(app, script)


def test_the_curves_are_zoomed_smoothed_and_hidden(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "curve")
        pane, chart = screen.query_one(CurvePane), screen.query_one(CurveChart)
        assert app.focused is chart and chart.plot is not None
        whole = chart.plot.x
        await pilot.press("z")
        assert chart.plot.x == (whole[1] / 2, whole[1]) and "last 50%" in text(app)
        assert all(x >= whole[1] / 2 for line in chart.plot.lines for x, _ in (*line.points, *line.marks))
        await pilot.press("Z", "m")
        assert chart.plot.x == whole and "smoother" in text(app)
        await pilot.press("m", "m")
        places = {line.index for line in chart.plot.lines}
        await pilot.press("right", "space")
        assert {line.index for line in chart.plot.lines} == places - {1} and len(pane.hidden) == 1
        await pilot.press("space", "left")
        assert {line.index for line in chart.plot.lines} == places and pane.cursor == 0

    play(app, script)


def test_one_curve_always_remains(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "curve")
        pane, chart = screen.query_one(CurvePane), screen.query_one(CurveChart)
        for _ in pane.bundles:
            await pilot.press("space", "right")
        assert len(pane.hidden) == len(pane.bundles) - 1 and chart.plot is not None

    play(app, script)


def test_the_keys_of_the_curves_are_in_the_footer_of_their_tab_alone(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot, "curve")
        await until(
            pilot, lambda: {"zoom", "hide"} <= set(lines(app)[-1].split())
        )  # it is composed anew when it can be
        assert "smooth" not in lines(app)[-1], "its logs have too few training losses to smooth"
        await pilot.press("3")
        await until(pilot, lambda: "help" in lines(app)[-1] and not {"zoom", "axis"} & set(lines(app)[-1].split()))

    play(app, script, size=(120, 34))


def test_a_finding_is_explained_and_opens_the_editor_at_its_line(app: GolfcheckApp, edited: list[Any]):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "findings")
        pane = screen.query_one(FindingsPane)
        assert isinstance(app.focused, FindingList)
        wanted = next(n for n, finding in enumerate(pane.findings) if finding.path == "train_seed1337.log")
        for _ in range(wanted):
            await pilot.press("j")
        finding = pane.finding
        assert finding is pane.findings[wanted]
        explained = screen.query_one("#explanation", Sheet).text
        assert finding.rule in explained and "why" in explained and "fix" in explained
        await pilot.press("enter")
        await pilot.press("e")
        assert edited == [("train_seed1337.log", finding.line)] * 2
        await pilot.press("o")
        await settled(pilot)
        assert screen.tab == "log"
        assert (screen.query_one(LogPane).path, screen.query_one(LogPane).line) == ("train_seed1337.log", finding.line)
        await pilot.press("2")
        await footed(pilot, "enter editor", "o in log")
        await pilot.press("G")
        assert pane.finding is None  # a rule that passed
        await footed(pilot, gone=("enter editor", "o in log"))
        await pilot.press("o", "enter")
        assert len(edited) == 2 and screen.tab == "findings" and not toasts(app)
        await pilot.press("g")
        assert pane.finding is pane.findings[0]
        await pilot.press("j", "k")
        assert pane.finding is pane.findings[0]

    play(app, script)


def test_a_finding_about_the_whole_record_has_no_key_for_a_line_and_e_opens_its_submission(
    tree: Path, board: Board, edited: list[Any]
):
    row = board.rows[0]
    whole = replace(row.verdict.findings[0], path=None, line=None)
    row = replace(row, verdict=replace(row.verdict, findings=(whole,)))
    app = GolfcheckApp(tree, JudgingSettings(cache=False), board=replace(board, rows=(row,)))

    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "findings")
        assert screen.query_one(FindingsPane).finding == whole
        await footed(pilot, gone=("enter editor", "o in log"))
        await pilot.press("enter", "o")
        assert edited == [] and screen.tab == "findings" and not toasts(app)
        await pilot.press("e")
        assert edited == [("submission.json", None)]

    play(app, script)


def test_a_log_is_searched(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("slash")
        await settled(pilot)
        assert isinstance(app.focused, Input) and screen.tab == "log"
        await pilot.press("escape")
        assert isinstance(app.focused, LogView)
        await pilot.press("left_square_bracket")
        await settled(pilot)
        await pilot.press("slash", *("l", "i", "n", "e", "space", "4", "9", "enter"))
        await settled(pilot)
        view = screen.query_one(LogView)
        first = view.log_text.find("line 49", 1)
        assert first and view.at == first
        count = len(view.log_text.lines_with("line 49"))
        assert count > 2 and f"line 49: 1 of {count} lines   train_seed" in text(app)
        await pilot.press("n")
        assert view.at == view.log_text.find("line 49", first)
        assert f"line 49: 2 of {count} lines" in text(app)
        await pilot.press("N")
        assert view.at == first and "from the" not in text(app)
        await pilot.press("N")
        assert f"line 49: {count} of {count} lines, from the bottom again" in text(app)
        await pilot.press("n")
        assert view.at == first and f"line 49: 1 of {count} lines, from the top again" in text(app)
        await pilot.press("slash", *"zzz", "enter")
        await settled(pilot)
        assert "zzz: nowhere in this log" in text(app) and toasts(app) == []

    play(app, script)


def test_keys_move_the_line_of_a_log_and_switch_logs(app: GolfcheckApp, edited: list[Any]):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "log")
        pane, view = screen.query_one(LogPane), screen.query_one(LogView)
        await pilot.press("right_square_bracket")
        await settled(pilot)
        assert pane.path == "train_seed2025.log"
        await pilot.press("left_square_bracket", "left_square_bracket")
        await settled(pilot)
        assert pane.path == "train_seed42.log"
        last = len(view.log_text)
        for key, expected in {
            "G": last,
            "k": last - 1,
            "g": 1,
            "j": 2,
            "down": 3,
            "up": 2,
            "end": last,
            "home": 1,
            "pagedown": 1 + max(1, view.size.height - 2),
        }.items():
            await pilot.press(key)
            assert (key, view.at) == (key, expected)
        await pilot.press("G")
        await pilot.pause()
        assert "line 499" in text(app)
        await pilot.press("pageup")
        assert last - 34 < view.at < last - 5
        await pilot.press("e")
        assert edited == [("train_seed42.log", view.at)]

    play(app, script)


def test_sheets_scroll(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "ledger")
        sheet = screen.query_one("#ledger-sheet", Sheet)
        assert app.focused is sheet and sheet.max_scroll_y > 2
        for key, expected in {"j": 1, "down": 2, "k": 1, "G": sheet.max_scroll_y, "g": 0}.items():
            await pilot.press(key)
            assert (key, sheet.scroll_offset.y) == (key, expected)

    play(app, script, (80, 24))


@pytest.mark.parametrize("columns", [74, 114])
def test_the_ledger_cuts_no_number(tree: Path, board: Board, columns: int):
    runs = results(load(Path(board.rows[0].verdict.path)))
    drawn = "\n".join(line.text for line in rendered(ledger(board.rows[0].verdict, runs), columns, STYLES))
    for result in runs:
        assert result.total_bytes and result.model_bytes
        for number in (result.total_bytes.size_bytes, result.model_bytes.size_bytes):
            assert f"{number:,}" in drawn
    assert "largest seed 1337" in drawn.split("\n")[0]


def test_no_character_of_a_sheet_is_behind_its_scrollbar(app: GolfcheckApp):
    words = [f"word{n}" for n in range(2_000)]

    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot, "ledger")
        sheet = screen.query_one("#ledger-sheet", Sheet)
        sheet.show(Text(" ".join(words)))
        await pilot.pause()
        assert sheet.max_scroll_y > 0
        shown = " ".join(sheet.render_line(y).text for y in range(sheet.size.height)).split()
        assert shown == words[: len(shown)]

    play(app, script)


def test_copying_and_editing_depend_on_the_tab(app: GolfcheckApp, edited: list[Any], monkeypatch: pytest.MonkeyPatch):
    copied: list[str] = []
    monkeypatch.setattr(GolfcheckApp, "copy_to_clipboard", lambda app, text: copied.append(text))

    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("Y", "e", "3", "e")
        assert copied and "Third try" in copied[0] and "1.12474 bpb" in copied[0]
        assert edited == [("submission.json", None), ("README.md", None)]

    play(app, script)


def test_a_link_in_a_record_is_not_opened_in_the_editor(
    app: GolfcheckApp, tree: Path, board: Board, edited: list[Any], monkeypatch: pytest.MonkeyPatch
):
    async def script(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        link = Path(best(app).verdict.path) / "link.log"
        link.symlink_to("/etc/passwd")
        try:
            screen._edit("link.log", 3)
        finally:
            link.unlink()
        screen._edit("gone.log")
        await pilot.pause()
        assert not edited
        assert [toast.partition(":")[0] for toast in toasts(app)] == ["link.log", "gone.log"]

    play(app, script)


def test_escape_leaves_a_record(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("escape")
        assert app.screen is app.board_screen

    play(app, script)


def test_enter_on_the_board_opens_the_record(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, DetailScreen)

    play(app, script)


def test_until_a_record_is_read_the_tabs_say_so_and_a_failure_is_a_toast(app: GolfcheckApp):
    looked_at = Event()

    def fail(row: Row) -> Record:
        looked_at.wait(5)
        raise UsageError("the folder is gone")

    async def script(pilot: Pilot[None]) -> None:
        app.push_screen(DetailScreen(best(app), fail))
        await pilot.pause()
        assert app.screen.query_one(CurveChart).reason == "reading"
        looked_at.set()
        await settled(pilot)
        assert any("the folder is gone" in toast for toast in toasts(app))
        await pilot.press("1", "2", "3", "4", "5", "y", "x", "slash", "escape", "left_square_bracket", "o", "Y")
        await pilot.press("escape")

    play(app, script)


def test_help_lists_the_keys_of_a_record(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        shown = text(app)
        assert "tabs: curve, findings, README, log, ledger" in shown and "search the log" in shown

    play(app, script, (120, 50))


def test_every_key_of_these_screens_is_in_these_tests():
    source = Path(__file__).read_text(encoding="utf-8")
    for kind in (DetailScreen, CompareScreen, FindingList, LogView):
        for binding in kind.BINDINGS:
            for key in binding.key.split(","):  # type: ignore[union-attr]
                assert f'"{key}"' in source or f"{key}" in "yx", (kind, key)


# Records side by side.


async def compared(pilot: Pilot[None], count: int, tab: str = "numbers") -> CompareScreen:
    app = pilot.app
    assert isinstance(app, GolfcheckApp) and app.board_screen.board
    app.push_screen(CompareScreen(app.board_screen.board.rows[:count], tab))
    await settled(pilot)
    assert isinstance(app.screen, CompareScreen)
    return app.screen


@pytest.mark.parametrize(("size", "ascii_only"), [((80, 24), True), ((120, 34), False)])
def test_each_tab_of_a_comparison_shows_its_own_content(
    tree: Path, board: Board, size: tuple[int, int], ascii_only: bool
):
    app = GolfcheckApp(tree, JudgingSettings(cache=False), board=board, ascii_only=ascii_only)
    expected = {
        "1": ("A Third try", "B Second try", "C First try", "1.12474", "1.13474", "+0.01000", "bytes, total"),
        "2": ("alike",),
        "3": ("A Third", "B Second", "C First"),
        "4": ("A and B", "train_gpt.py", "-x = 2", "+x = 1"),
    }

    async def script(pilot: Pilot[None]) -> None:
        await compared(pilot, 3)
        for key, words in expected.items():
            await pilot.press(key)
            await settled(pilot)
            await shows(pilot, *words)
            shown = text(app)
            assert not ascii_only or shown.isascii(), {c for c in shown if not c.isascii()}

    play(app, script, size)


def test_curves_in_nats_with_different_tokenizers_warn_that_they_cannot_be_compared(app: GolfcheckApp):
    def bundle(name: str, bpb: float) -> Bundle:
        points = tuple(Point(step, step, float(step), 4.0 - step / 50, bpb) for step in (10, 20, 30))
        return Bundle(name, (Curve(f"{name}.log", 1, points, points),))

    async def script(pilot: Pilot[None]) -> None:
        pane = (await compared(pilot, 2, "curves")).query_one(CurvePane)
        for others, differ in ((1.2, True), (1.301, False)):
            pane.show([bundle("A", 1.3), bundle("B", others)])
            for _ in YAxis:
                await pilot.press("y")
                await shows(pilot, "A  ", "B  ", pane.y.value if pane.y is YAxis.LOG else " per ")
                assert ("the tokens differ" in text(app)) == (differ and pane.y is not YAxis.BPB), pane.y

    play(app, script)


def test_the_keys_of_a_comparison(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    copied: list[str] = []
    monkeypatch.setattr(GolfcheckApp, "copy_to_clipboard", lambda app, text: copied.append(text))

    async def script(pilot: Pilot[None]) -> None:
        screen = await compared(pilot, 3)
        await pilot.press("d")
        await settled(pilot)
        assert screen.tab == "code" and isinstance(app.focused, CodeView)
        await pilot.press("right_square_bracket")
        assert screen.compared_with == 2 and ("+", "+x = 0") in screen.query_one(CodeView).lines
        await pilot.press("left_square_bracket")
        assert screen.compared_with == 1 and ("+", "+x = 1") in screen.query_one(CodeView).lines
        pane = screen.query_one(CurvePane)
        await pilot.press("y", "x")
        assert screen.tab == "curves" and (pane.y, pane.x) == (YAxis.LOSS, XAxis.TIME)
        await pilot.press("Y")
        assert copied[0].startswith("golfcheck diff ") and "Third" in copied[0] and "Second" in copied[0]
        await pilot.press("escape")
        assert app.screen is app.board_screen

    play(app, script)


def test_marked_records_are_compared_from_the_board(app: GolfcheckApp):
    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("space", "j", "space", "c")
        await settled(pilot)
        assert isinstance(app.screen, CompareScreen) and len(app.screen.rows) == 2

    play(app, script)


def test_a_comparison_that_fails_is_a_toast(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    def fail(app: GolfcheckApp, row: Row) -> Record:
        raise OSError("no such disk")

    monkeypatch.setattr(GolfcheckApp, "load_record", fail)

    async def script(pilot: Pilot[None]) -> None:
        await compared(pilot, 2)
        assert any("no such disk" in toast for toast in toasts(app))
        await pilot.press("1", "2", "3", "4", "y", "x", "d", "right_square_bracket", "escape")

    play(app, script)
