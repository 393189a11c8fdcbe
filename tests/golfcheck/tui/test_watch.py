"""A run on the screen while its log grows; and the parts that charts and strips are made of."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from golfcheck.board.load import load_board
from golfcheck.core.text import width
from golfcheck.core.verdict import ToBeat
from golfcheck.judging.config import JudgingSettings
from golfcheck.live.axes import nice
from golfcheck.live.logwatch import LogWatch
from golfcheck.live.pace import Gap, Projection
from golfcheck.live.runprogress import RunProgress, RunState
from golfcheck.live.series import XAxis, YAxis
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing.canvas import DotCanvas
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.drawing.watchreport import report, summary
from golfcheck.tui.screens.rivallist import RivalList
from golfcheck.tui.screens.watchscreen import WatchScreen
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import Plot, PlotLine, draw
from golfcheck.tui.widgets.curvepane import CurvePane
from golfcheck.tui.widgets.seedstrip import Seeds, strip
from golfcheck.tui.widgets.sheet import plain
from tests.golfcheck.boards import app_of, board, lines, play, text
from tests.golfcheck.live.test_logwatch import HEAD, VAL, append, steps
from tests.golfcheck.tui.test_record_screens import settled, toasts
from tests.golfcheck.valid_record import Draft


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests away from the state and cache of whoever runs them."""
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path


@pytest.fixture
def app(tmp_path: Path) -> GolfcheckApp:
    """The application on a board of one record, and a log to watch that is not there yet."""
    Draft().write(tmp_path / "records")
    result = load_board([tmp_path / "records"], JudgingSettings(cache=False, jobs=1))
    (tmp_path / "logs").mkdir()
    return GolfcheckApp(tmp_path, JudgingSettings(cache=False), board=result, watch=[tmp_path / "logs" / "run.txt"])


async def looked(pilot: Pilot[None]) -> RunProgress:
    """Look at the log now, as the timer will."""
    screen = pilot.app.screen
    assert isinstance(screen, WatchScreen)
    await settled(pilot)
    screen.look()
    await settled(pilot)
    assert screen.progress is not None
    return screen.progress


def test_a_run_is_watched_from_before_its_log_exists_to_its_score(app: GolfcheckApp):
    (log,) = app.logs_to_watch

    async def script(pilot: Pilot[None]) -> None:
        assert (await looked(pilot)).state is RunState.WAITING
        assert "waiting" in text(app) and "No such file or directory" in text(app)
        log.write_bytes(HEAD)
        assert (await looked(pilot)).state is RunState.STARTING
        append(log, VAL + steps(10, 800))
        result = await looked(pilot)
        shown = text(app)
        assert result.state is RunState.TRAINING and "training" in shown and "400.0 / 600 s" in shown
        assert "3:20 left" in shown and "step 800 / 2,000" in shown and "2,000 tokens/s" in shown
        assert "Valid" in shown and "at the same second, mean of" in shown
        assert (
            "projected" in shown and "if this gap stays" in shown and "half of real runs ended within ±0.038" in shown
        )
        assert "step:800/2000 train_loss:2.6667" in shown
        append(log, b"step:810/2000 train_loss:2")
        assert (await looked(pilot)).step == 800
        log.write_bytes(HEAD + VAL + steps(10, 20))
        assert (await looked(pilot)).step == 20
        assert "the file was truncated: read again from its start" in text(app)
        assert "too early to say (10 s; shown from 150 s on), against Valid" in text(app)
        append(log, steps(30, 1200) + b"stopping_early: wallclock_cap train_time:600100ms step:1200/2000\n")
        assert (await looked(pilot)).state is RunState.EVALUATING
        append(log, b"final_int8_zlib_roundtrip val_loss:2.0 val_bpb:1.2 eval_time:9000ms\n")
        await looked(pilot)
        shown = text(app)
        assert "finished" in shown and "score 1.20000 bpb" in shown and "behind Valid in the final score" in shown

    play(app, script)


def test_the_time_since_the_last_line_keeps_counting_during_evaluation(app: GolfcheckApp):
    (log,) = app.logs_to_watch
    log.write_bytes(
        HEAD + VAL + steps(10, 1200) + b"stopping_early: wallclock_cap train_time:600100ms step:1200/2000\n"
    )

    async def script(pilot: Pilot[None]) -> None:
        assert (await looked(pilot)).state is RunState.EVALUATING
        assert "evaluating" in lines(app)[0] and " s ago" in lines(app)[0], lines(app)[0]

    play(app, script)


def test_the_keys_of_the_watch(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + VAL + steps(10, 800))
    copied: list[str] = []
    edited: list[tuple[str, int | None]] = []
    monkeypatch.setattr(GolfcheckApp, "copy_to_clipboard", lambda app, text: copied.append(text))
    monkeypatch.setattr(GolfcheckApp, "edit", lambda app, path, line=None: edited.append((path.name, line)))

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        pane = app.screen.query_one(CurvePane)
        assert (pane.y, pane.x) == (YAxis.BPB, XAxis.TIME)
        await pilot.press("y", "x", "Y", "e")
        assert (pane.y, pane.x) == (YAxis.LOSS, XAxis.STEP)
        assert copied[0].startswith(
            f"{log}; training; seed 42; 66.7%; step 800 / 2,000; 400.0 / 600 s; loss 2.6667 nats; "
        )
        assert edited == [("run.txt", 83)]
        await looked(pilot)
        assert (pane.y, pane.x) == (YAxis.LOSS, XAxis.STEP)  # a new look keeps the axes
        await pilot.press("escape")
        assert app.screen is app.board_screen
        assert {binding.key for binding in WatchScreen.BINDINGS} == {"escape", "n", "b", "e", "Y"}  # type: ignore[union-attr]

    play(app, script)


def test_the_axis_is_bpb_as_soon_as_possible_unless_another_was_chosen(tmp_path: Path):
    log = tmp_path / "run.txt"
    app = app_of(0, watch=[log])

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        pane = app.screen.query_one(CurvePane)
        assert pane.y is YAxis.BPB
        log.write_bytes(HEAD + steps(10, 50))
        await looked(pilot)
        assert pane.y is YAxis.LOSS  # no validation yet
        append(log, VAL.replace(b"step:0", b"step:50"))
        await looked(pilot)
        assert pane.y is YAxis.BPB
        await pilot.press("y")
        await looked(pilot)
        assert pane.y is YAxis.LOSS

    play(app, script)


def test_a_watch_looks_by_itself(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("golfcheck.tui.screens.watchscreen._EVERY_SECONDS", 0.05)
    (log,) = app.logs_to_watch

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        log.write_bytes(HEAD + steps(10, 50))
        for _ in range(100):
            await pilot.pause(0.05)
            if "step 50 / 2,000" in text(app):
                break
        assert "step 50 / 2,000" in text(app)

    play(app, script)


def test_the_gap_is_missing_while_records_are_read_and_the_screen_says_so(tmp_path: Path):
    log = tmp_path / "run.txt"
    log.write_bytes(HEAD + VAL + steps(10, 800))
    app = app_of(0, watch=[log])

    async def script(pilot: Pilot[None]) -> None:
        board = app.board_screen
        board.board, board.reading = None, (3, 28)
        await looked(pilot)
        assert text(app).count("reading records…") == 2 and "no record to compare with" not in text(app)
        board.reading, board.failure = None, "nothing there"
        await looked(pilot)
        assert "no record to compare with" in text(app) and "reading records" not in text(app)

    play(app, script, (80, 24))


def test_without_any_record_a_run_is_watched_alone(tmp_path: Path):
    log = tmp_path / "run.txt"
    log.write_bytes(HEAD + VAL + steps(10, 800))
    app = app_of(0, watch=[log])

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        assert "no record to compare with" in text(app) and "400.0 / 600 s" in text(app)

    play(app, script, (80, 24))


def test_a_record_that_cannot_be_read_is_a_toast_and_the_run_is_watched_on(tmp_path: Path):
    log = tmp_path / "run.txt"
    log.write_bytes(HEAD + steps(10, 20))
    app = app_of(3, watch=[log])  # its folders do not exist

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        assert any("expected a submission folder" in toast for toast in toasts(app))
        append(log, steps(30, 40))
        assert (await looked(pilot)).step == 40

    play(app, script)


def test_a_watch_never_reports_a_missing_record_if_there_is_one(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("golfcheck.tui.screens.watchscreen._EVERY_SECONDS", 1_000.0)
    log, drawn = app.logs_to_watch[0], list[str]()
    assert log is not None
    log.write_bytes(HEAD + VAL + steps(10, 1200) + b"final val_loss:2.0 val_bpb:1.2\n")

    def record(self: Static, content: Any = "", **options: Any) -> None:
        drawn.append(str(content))
        update(self, content, **options)

    update = Static.update
    monkeypatch.setattr(Static, "update", record)

    async def script(pilot: Pilot[None]) -> None:
        await settled(pilot)  # no further look by the clock
        assert "behind Valid in the final score" in text(app)
        assert any("reading records…" in shown for shown in drawn)
        assert not any("no record to compare with" in shown for shown in drawn)

    play(app, script)


def test_a_look_that_began_without_the_record_is_followed_by_one_with_it(app: GolfcheckApp):
    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + VAL + steps(10, 800))

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        screen = app.screen
        assert isinstance(screen, WatchScreen)
        run = screen.run
        reference, run.follower.reference = run.follower.reference, None
        await looked(pilot)
        assert "no record to compare with" in text(app)
        run.looking = True  # as if it had begun before the record came
        run.begun_with, run.follower.reference = None, reference
        assert run.progress is not None
        screen.on_work_done(background.WorkDone("look 0", run.progress))
        assert "no record to compare with" not in text(app)
        await settled(pilot)
        assert "at the same second, mean of" in text(app)

    play(app, script)


def test_a_failing_look_is_reported_once_and_watching_continues(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    def fail(self: LogWatch, now: float) -> RunProgress:
        raise ValueError("a mistake of ours")

    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + steps(10, 20))

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(LogWatch, "look", fail)
            await looked(pilot)
            await looked(pilot)
        assert len([toast for toast in toasts(app) if "ValueError: a mistake of ours" in toast]) == 1
        append(log, steps(30, 40))
        assert (await looked(pilot)).step == 40

    play(app, script)


MACHINE = b"".join(
    b"|   %d  NVIDIA H100 80GB HBM3          On  |   00000000:%d8:00.0 Off |                    0 |\n" % (n, n)
    for n in range(8)
)


def test_several_seeds_are_watched_at_once_and_one_is_reported_in_full(app: GolfcheckApp, tmp_path: Path):
    logs = [tmp_path / "logs" / f"seed{seed}.txt" for seed in (42, 43)]
    logs[0].write_bytes(HEAD + VAL + steps(10, 800))
    logs[1].write_bytes(HEAD.replace(b"seed:42", b"seed:43") + VAL + steps(10, 400))
    app.logs_to_watch = tuple(logs)

    async def script(pilot: Pilot[None]) -> None:
        assert (await looked(pilot)).step == 800
        shown = [line for line in lines(app)[:2] if line.strip()]
        assert ["seed 42" in shown[0], "seed 43" in shown[1], "step 400" in shown[1]] == [True] * 3
        assert "step 800 / 2,000" in text(app) and "seed 43" in str(app.screen.query_one(CurvePane).bundles)
        assert "n next" in lines(app)[-1] and "b against" in lines(app)[-1]
        await pilot.press("n")
        assert (await looked(pilot)).step == 400 and "step 400 / 2,000" in text(app)

    play(app, script)


def test_a_run_is_compared_with_another_run_of_ones_own(app: GolfcheckApp, monkeypatch: pytest.MonkeyPatch):
    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + VAL + steps(10, 800))
    last = log.with_name("yesterday.txt")
    stop = b"stopping_early: wallclock_cap train_time:600100ms step:1200/2000\n"
    last.write_bytes(HEAD + VAL + steps(10, 1200) + stop + b"final_int8_zlib_roundtrip val_loss:2.0 val_bpb:1.25\n")
    (log.with_name("empty.txt")).write_bytes(b"")
    monkeypatch.chdir(log.parent)

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        assert "Valid" in text(app) and "n next" not in lines(app)[-1]
        await pilot.press("b")
        assert isinstance(app.screen, RivalList)
        *logs, record = app.screen.choices
        assert not isinstance(record, Path) and last in logs and log not in logs
        assert "yesterday.txt" in text(app)
        await pilot.press("escape", "b")
        while "yesterday.txt" not in str(app.screen.query_one(OptionList).highlighted_option.prompt):  # type: ignore[union-attr]
            await pilot.press("j")
        await pilot.press("enter")
        await looked(pilot)
        assert "yesterday.txt" in text(app) and "Valid" not in text(app), text(app)

    play(app, script)


def test_a_log_that_nothing_can_be_compared_with_is_a_toast(app: GolfcheckApp, tmp_path: Path):
    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + VAL + steps(10, 800))
    (log.parent / "other.txt").write_bytes(b"hello\n")

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        screen = app.screen
        assert isinstance(screen, WatchScreen)
        screen.best = log.parent / "other.txt"
        screen._read_rival()
        await looked(pilot)
        assert any("neither a score nor a validation in this log" in toast for toast in toasts(app))

    play(app, script)


def test_gpus_and_memory_are_shown_if_the_log_has_them(app: GolfcheckApp):
    (log,) = app.logs_to_watch
    log.write_bytes(HEAD + MACHINE + VAL + steps(10, 800) + b"peak memory allocated: 40032 MiB reserved: 40040 MiB\n")

    async def script(pilot: Pilot[None]) -> None:
        await looked(pilot)
        assert "8x NVIDIA H100 80GB HBM3" in text(app) and "peak memory 40,032 MiB per GPU" in text(app)

    play(app, script)


# The report.

PROGRESS = RunProgress(
    RunState.TRAINING, "", "silent for 99 s", 99.0, 10, 10, 2, 42, 5_000, 20_000, 417.0, 600.0, 183.0, 0.69, 83.4, 83.3,
    9.4e6, 2.1, 1.2197, gap=Gap(-0.0123, 7), projection=Projection(1.0833, (0.03, 0.09), (0.001, 0.002)),
)  # fmt: skip


@pytest.mark.parametrize("columns", [78, 118])
@pytest.mark.parametrize("state", RunState)
def test_no_line_of_a_report_is_wider_than_the_screen(columns: int, state: RunState):
    result = replace(PROGRESS, state=state, note="x" * 300, score_bpb=1.0, score_name="n" * 300)
    for glyphs in (UNICODE, ASCII):
        lines = report(result, Path("/a" * 200), "record " * 40, columns, glyphs).plain.split("\n")
        assert all(width(line) <= columns for line in lines), [line for line in lines if width(line) > columns]


def test_ahead_and_behind_are_words_and_signs():
    ahead = report(PROGRESS, Path("run"), "best", 118, UNICODE).plain
    behind = report(replace(PROGRESS, gap=Gap(0.0123, 1)), Path("run"), "best", 118, ASCII).plain
    assert "▼ 0.0123 bpb ahead of best at the same second, mean of 7 points" in ahead
    close = replace(PROGRESS, gap=Gap(-0.0123, 7, "too close to say"))
    assert (
        "too close to say; -0.0123 bpb so far, against best" in report(close, Path("run"), "best", 118, UNICODE).plain
    )
    assert "^ 0.0123 bpb behind best at the same second, mean of 1 point" in behind
    assert "silent for 99 s" in ahead and behind.replace("…", "~").isascii()


PATH = Path("/data/records/track_10min_16mb/2026-03-25_Some_Long_Name/train_seed314.log")
RECORD = "SP8192 + ParallelResid + ScoreFirstTTT (int6, GPTQ)"
SAID = {
    "training": replace(PROGRESS, stall="", val_step=4_000, past="the file was replaced at 04:02:51"),
    "stalled": PROGRESS,
    "read again": replace(PROGRESS, stall="", note="the file was replaced: read again from its start"),
    "too early": replace(PROGRESS, gap=Gap(0.1, 3, "too early to say (10 s; shown from 150 s on)")),
    "too close": replace(PROGRESS, gap=Gap(0.01, 3, "too close to say (under 0.05 bpb at this time)")),
    "diverged": replace(PROGRESS, diverged="diverged: losses not finite since step 12,310", gap=None, projection=None),
    "untold": replace(PROGRESS, gap=None, projection=None, no_gap="no x: how many y", no_projection="no x: how many y"),
    "finished": replace(PROGRESS, state=RunState.FINISHED, score_bpb=1.0827, score_name="quantized_ttt_phased_exact"),
    "waiting": RunProgress(RunState.WAITING, note="No such file or directory: waiting for it"),
}


def words(text: str) -> set[str]:
    return {word.strip("()|·:;,") for word in text.split()} | {"no", "gap"}


@pytest.mark.parametrize("what", SAID)
@pytest.mark.parametrize("screen", [60, 80, 100, 120])
def test_a_narrow_report_leaves_out_whole_parts_and_marks_every_cut(what: str, screen: int):
    result = SAID[what]
    for glyphs in (UNICODE, ASCII):
        whole = words(report(result, PATH, RECORD, 1_000, glyphs).plain)
        for line in report(result, PATH, RECORD, screen - 2, glyphs).plain.split("\n"):
            assert width(line) <= screen - 2
            cut = [word for word in words(line) if "…" in word]
            assert len(cut) <= 1
            strange = words(line) - whole - set(cut)
            assert all(set(word) <= set(glyphs.fill) for word in strange), (line, strange)
            assert "…" in line or line.count("(") == line.count(")"), line


def test_a_warning_is_whole_and_a_divergence_comes_first_at_any_width():
    for screen in (60, 80, 100, 120):
        for what in ("read again", "diverged", "waiting"):
            said = SAID[what].diverged or SAID[what].note
            head = "\n".join(report(SAID[what], PATH, RECORD, screen - 2, UNICODE).plain.split("\n")[:2])
            assert f"▲ {said}" in head, (screen, what)


def test_tokens_per_second_are_shown_at_80_columns_and_the_average_gives_way():
    shown = report(SAID["training"], PATH, RECORD, 78, UNICODE).plain
    assert "9.40 M tokens/s" in shown and "average" not in shown and "train_seed314.log  training" in shown
    assert "(average 83.30)" in report(SAID["training"], PATH, RECORD, 118, UNICODE).plain


def test_the_copied_summary_is_one_line_without_drawing_characters():
    text = summary(SAID["training"], PATH, RECORD)
    assert text == (
        f"{PATH}; training; seed 42; run 2 of this log; 69.0%; step 5,000 / 20,000; 417.0 / 600 s; loss 2.1000 nats; "
        f"0.0123 bpb ahead of {RECORD} at the same second, mean of 7 points; projected 1.0833 ±0.090 bpb"
    )
    assert "diverged: losses not finite since step 12,310" in summary(SAID["diverged"], PATH, RECORD)
    assert "score 1.08270 bpb (quantized_ttt_phased_exact)" in summary(SAID["finished"], PATH, RECORD)
    assert "; no gap: no x: how many y; no projection: no x: how many y" in summary(SAID["untold"], PATH, RECORD)


# Charts.

NUMBERS = st.floats(-1e6, 1e6) | st.floats(0, 1)


@given(
    points=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12),
    size=st.tuples(st.integers(24, 130), st.integers(5, 40)),
    ascii_only=st.booleans(),
    log_y=st.booleans(),
)
@settings(max_examples=150)
def test_a_chart_has_exactly_the_requested_size(
    points: list[tuple[float, float]], size: tuple[int, int], ascii_only: bool, log_y: bool
):
    y = (0.5, 1.5) if log_y else (-3.0, 7.0)
    plot = Plot([PlotLine(sorted(points), 1, points[:2])], (0.0, 10.0), y, "step", "bpb", log_y, 1.0, "to beat")
    lines = draw(plot, *size, ascii_only=ascii_only)
    assert len(lines) == size[1]
    assert {width(line.plain) for line in lines} == {size[0]}
    assert not ascii_only or all(line.plain.isascii() for line in lines)


def test_a_line_is_drawn_from_corner_to_corner_and_a_mark_where_it_belongs():
    canvas = DotCanvas(10, 5)
    canvas.line((0, 0), (canvas.width - 1, canvas.height - 1), "")
    rows = [line.plain for line in canvas.lines()]
    assert rows[0][-1] != " " and rows[-1][0] != " "
    assert [len(row.strip()) for row in rows] == [2] * 5
    canvas.mark(0, canvas.height - 1, "o", "")
    assert next(canvas.lines()).plain[0] == "o"


def test_a_line_that_leaves_the_chart_is_drawn_up_to_its_edge():
    canvas = DotCanvas(10, 5)
    canvas.line((0, 0), (9, 1e300), "")
    canvas.line((10, -1e300), (19, 5), "")
    assert any(line.plain.strip() for line in canvas.lines())


@given(low=st.floats(-1e3, 1e3), span=st.floats(1e-3, 1e6), count=st.integers(1, 12))
def test_ticks_are_round_inside_the_range_and_about_as_many_as_requested(low: float, span: float, count: int):
    ticks = nice(low, low + span, count)
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    assert len(ticks) <= count + 1
    steps = {round((after - before) / span, 6) for before, after in itertools.pairwise(ticks)}
    assert len(steps) <= 1 or max(steps) - min(steps) < 1e-3


# The strip of seeds.

RIVAL = ToBeat("best", 1.12, -0.01, -0.02, -8.0, 3.0, 0.001, 0.002, 0.005, None, None)


@given(
    scores=st.lists(st.floats(0.5, 4.0), max_size=8),
    columns=st.integers(10, 130),
    ascii_only=st.booleans(),
    rival=st.sampled_from([None, RIVAL]),
)
def test_a_strip_is_three_lines_that_fit(scores: list[float], columns: int, ascii_only: bool, rival: ToBeat | None):
    summary = board(1).rows[0].verdict.score
    seeds = Seeds(tuple(enumerate(scores)), summary, rival)
    lines = strip(seeds, columns, ascii_only=ascii_only).plain.split("\n")
    assert len(lines) == 3 and all(len(line) <= max(columns, 20) for line in lines)
    assert not ascii_only or "".join(lines).replace("…", "").isascii()


def test_a_strip_has_a_dot_for_each_score_in_its_order():
    seeds = Seeds(((7, 1.10), (8, 1.115), (9, 1.125)), board(1).rows[0].verdict.score, RIVAL)
    head, axis, labels = strip(seeds, 120).plain.split("\n")
    assert [c for c in axis if c in "●┃"] == ["●", "●", "┃", "●"]
    assert labels.split() == ["7", "mean", "8", "to", "beat", "9"]
    assert "Δ -0.01000 bpb -0.02000 nats/tok" in head and "p 0.0010" in head


def test_a_record_without_a_score_says_so():
    assert strip(Seeds((), None, None), 80).plain.startswith("no score, neither in the logs nor in submission.json")


@given(text=st.text())
def test_converted_text_is_ascii_and_has_the_same_width(text: str):
    from golfcheck.core.text import safe

    shown = safe(text)
    assert plain(shown).isascii() and width(plain(shown)) == width(shown)


def test_a_validation_is_shown_with_its_step() -> None:
    first = replace(PROGRESS, val_bpb=4.1048, val_step=0)
    assert "validation 4.1048 bpb (step 0)" in report(first, Path("run"), "best", 118, UNICODE).plain


def test_a_validation_before_training_is_not_shown_without_its_step() -> None:
    first = replace(PROGRESS, val_bpb=4.1048, val_step=0)
    shown = report(first, Path("run"), "best", 78, UNICODE).plain
    assert "4.1048" not in shown and "9.40 M tokens/s" in shown
    later = report(replace(first, val_step=500), Path("run"), "best", 78, UNICODE).plain
    assert "validation 4.1048 bpb · loss" in later


def test_a_truncation_is_forgotten_once_the_run_is_finished() -> None:
    cut = replace(PROGRESS, stall="", past="the file was truncated at 04:02:51")
    assert "truncated" in report(cut, Path("run"), "best", 118, UNICODE).plain
    assert "truncated" not in report(replace(cut, state=RunState.FINISHED), Path("run"), "best", 118, UNICODE).plain
