"""Follow running training: progress, comparison with a record or another run, projected score."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from golfcheck.board.model import Row
from golfcheck.core.text import fit, safe
from golfcheck.live import newest
from golfcheck.live.logwatch import LogWatch
from golfcheck.live.pace import Reference, to_chase
from golfcheck.live.rivals import Rival, rival_of_log, rival_of_record
from golfcheck.live.runprogress import RunProgress
from golfcheck.live.series import XAxis
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.drawing.watchreport import brief, report, summary
from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.screens.rivallist import Choice, RivalList
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import CurveChart, is_ascii
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.keyline import Keys, refit
from golfcheck.tui.widgets.sheet import plain

_EVERY_SECONDS = 1.0
_TAIL_LINES = 4
MOST_LOGS = 8


@dataclass(slots=True)
class _Watched:
    """A log that is followed, and its latest report."""

    path: Path
    follower: LogWatch
    progress: RunProgress | None = None
    looking: bool = False
    begun_with: Reference | None = None  # what the latest look compares with
    compared_with: Reference | None = None  # what `progress` compares with

    @property
    def is_current(self) -> bool:
        """Whether `progress` compares with the current reference."""
        return self.compared_with is self.follower.reference


class WatchScreen(BaseScreen):
    """Follows logs, which need not exist yet, compared with a record or another run."""

    HELP = """\
The gap is this run's bits per byte minus the record's at the same training time, averaged over the last fifth of the
time; below 0 is ahead. The projection is the record's score plus this gap, with the errors that such projections had
for real runs. The log is read as it grows, and read again if it is truncated or replaced. With several logs, one is
reported in full; n goes to the next. b compares with another record, or with a run of your own."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", tooltip="go back"),
        Binding("n", "next_run", "next", tooltip="report the next log in full"),
        Binding("b", "rival", "against", tooltip="choose a record, or another log, to compare the run with"),
        Binding("e", "edit", "edit", tooltip="open $EDITOR at the end of the log"),
        Binding("Y", "copy", "copy", tooltip="copy a summary of this run"),
    ]
    DEFAULT_CSS = """
    WatchScreen #runs { height: auto; max-height: 8; padding: 0 1; background: $surface; display: none; }
    WatchScreen #report { height: auto; padding: 0 1; }
    WatchScreen #tail { height: auto; max-height: 5; padding: 0 1; color: $text-muted; background: $surface; }
    """

    def __init__(self, log: Path, best: Row | None, more: Sequence[Path] = ()) -> None:
        super().__init__()
        self.runs = [_Watched(path, LogWatch(path)) for path in dict.fromkeys([log, *more][:MOST_LOGS])]
        self.index = 0  # of the run reported in full
        self.best: Choice | None = best
        self.rival = Rival(None, ())
        self._reading = False  # what the runs are compared with
        self._last_failure = ""

    def compose(self) -> ComposeResult:
        """Yield the list of runs, the report on one of them, its curves and the end of its log."""
        yield Static(id="runs", markup=False)
        yield Static("reading", id="report", markup=False)
        yield CurvePane()
        yield Static(id="tail", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Start reading what the runs are compared with, and look at the logs every second."""
        self.query_one(CurvePane).x = XAxis.TIME
        self.set_focus(self.query_one(CurveChart))
        self.query_one("#runs").display = len(self.runs) > 1
        self.set_interval(_EVERY_SECONDS, self.look)
        self.look()
        if self.best is not None:
            self._read_rival()

    @property
    def run(self) -> _Watched:
        """The run that is reported in full."""
        return self.runs[self.index]

    @property
    def progress(self) -> RunProgress | None:
        """The report on its log."""
        return self.run.progress

    def look(self) -> None:
        """Look at the logs, each in a thread, unless the last look is still running."""
        self._take_best()
        for index, run in enumerate(self.runs):
            if not run.looking:
                self._look_at(index, run)

    def _look_at(self, index: int, run: _Watched) -> None:
        run.looking, run.begun_with = True, run.follower.reference
        background.begin(self, f"look {index}", lambda: run.follower.look(time.time()))

    def on_work_done(self, message: background.WorkDone) -> None:
        """Show what was read."""
        if isinstance(message.result, Rival):
            self.rival, self._reading = message.result, False
            for run in self.runs:
                run.follower.reference = message.result.reference
            self.look()
        elif isinstance(message.result, RunProgress):
            index = int(message.what.rpartition(" ")[2])
            run = self.runs[index]
            run.looking = False
            run.progress, run.compared_with = message.result, run.begun_with
            if run.follower.more or not run.is_current:
                self._look_at(index, run)
        self._draw()

    def on_work_failed(self, message: background.WorkFailed) -> None:
        """Show what could not be read."""
        kind, _, index = message.what.partition(" ")
        if kind == "look":
            self.runs[int(index)].looking = False
            failed = str(self.runs[int(index)].path)
        else:
            self._reading = False
            failed = "the best record" if not isinstance(self.best, Path) else str(self.best)
        if message.reason != self._last_failure:  # once, not every second
            self._last_failure = message.reason
            self.host.tell(f"{failed}: {message.reason}", "error")

    def on_resize(self) -> None:
        """Lay out the report for the new width."""
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the next run if there are several."""
        return action != "next_run" or len(self.runs) > 1

    def acts(self, action: str) -> bool:
        """Whether there is a log to edit, and something to copy."""
        if action == "edit":
            return self.progress is not None and self.progress.lines > 0
        return action != "copy" or self.progress is not None

    def action_next_run(self) -> None:
        """Report the next run in full."""
        self.index = (self.index + 1) % len(self.runs)
        self._draw()

    def action_rival(self) -> None:
        """Choose what the runs are compared with."""
        board = self.host.records.board
        watched = {run.path.resolve() for run in self.runs}
        logs = [log for log in newest.logs_near(self.run.path) if log.resolve() not in watched]

        def chosen(choice: Choice | None) -> None:
            if choice is not None:
                self.best = choice
                self._read_rival()

        self.app.push_screen(RivalList(board.rows if board else (), logs, self.host.glyphs), chosen)

    def action_edit(self) -> None:
        """Open the editor at the end of the log."""
        self.host.edit(self.run.path, self.progress.lines if self.progress else None)

    def action_copy(self) -> None:
        """Copy a summary of the run."""
        if self.progress is not None:
            self.host.copy(summary(self._shown(self.progress), self.run.path, self._rival_name))

    @property
    def _rival_name(self) -> str:
        """The name of what the runs are compared with."""
        return self.rival.reference.name if self.rival.reference is not None else ""

    def _draw(self) -> None:
        columns, glyphs = self.size.width - 2, ASCII if is_ascii(self) else UNICODE
        if len(self.runs) > 1:
            lines = [
                brief(run.progress, run.path, columns, glyphs, chosen=index == self.index)
                for index, run in enumerate(self.runs)
            ]
            self.query_one("#runs", Static).update(Content("\n").join(lines))
        refit(self)
        if (progress := self.progress) is None:
            return
        text = report(self._shown(progress), self.run.path, self._rival_name, columns, glyphs)
        self.query_one("#report", Static).update(text)
        bundles = [
            Bundle(self._run_name(run), (run.progress.curve,))
            for run in self.runs
            if run.progress and run.progress.curve
        ]
        if self.rival.curves:
            bundles.append(Bundle(fit(safe(self._rival_name or "compared with"), 40), self.rival.curves))
        self.query_one(CurvePane).show(bundles)
        tail = [fit(safe(line.expandtabs(4)), max(20, columns)) for line in progress.tail[-_TAIL_LINES:]]
        shown = "\n".join(map(plain, tail) if is_ascii(self) else tail)
        self.query_one("#tail", Static).update(Content(shown))

    def _run_name(self, run: _Watched) -> str:
        if len(self.runs) == 1:
            return "this run"
        seed = run.progress.seed if run.progress else None
        return f"seed {seed}" if seed is not None else fit(safe(run.path.name), 20)

    def _shown(self, progress: RunProgress) -> RunProgress:
        """Say that records are being read, if that is why there is nothing to compare with yet."""
        records = self.host.records
        self._take_best()
        waits = self._reading or (self.best is None and records.board is None and records.reading is not None)
        if waits or not self.run.is_current:
            return replace(progress, no_gap="reading records…", no_projection="reading records…")
        return progress

    def _take_best(self) -> None:
        """Compare with the record to beat once the board has been read."""
        if self.best is None and (board := self.host.records.board) is not None:
            self.best = to_chase(board)
            if self.best is not None:
                self._read_rival()

    def _read_rival(self) -> None:
        self._reading = True
        background.begin(self, "rival", self._load)

    def _load(self) -> Rival:
        assert self.best is not None
        if isinstance(self.best, Path):
            return rival_of_log(self.best)
        return rival_of_record(self.host.load_record(self.best))
