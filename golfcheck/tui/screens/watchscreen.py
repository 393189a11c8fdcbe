"""A run that goes on now: how far it is, how it does beside the best record, and where it may end."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from golfcheck.board.model import Row
from golfcheck.core.text import fit, safe
from golfcheck.live.curves import Curve, curves
from golfcheck.live.logwatch import LogWatch
from golfcheck.live.pace import Reference, reference_of, to_chase
from golfcheck.live.runprogress import RunProgress
from golfcheck.live.series import XAxis
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.drawing.watchreport import report, summary
from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.keys import Keys
from golfcheck.tui.widgets.sheet import plain

_EVERY_SECONDS = 1.0
_TAIL_LINES = 4


@dataclass(frozen=True, slots=True)
class _Best:
    """The record that the run is held against."""

    reference: Reference | None
    curves: tuple[Curve, ...]


class WatchScreen(BaseScreen):
    """Follows `log`, which need not be there yet, beside the record of a row."""

    HELP = """\
The gap is this run's bits per byte less the record's at the same seconds of training, as the mean over the last fifth
of the time: below 0 is ahead. The projection is the record's score plus that gap, as if it stayed; beside it stands how
far from such projections real runs ended. The log is read as it grows; truncated or replaced it is read anew."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", tooltip="to the screen before"),
        Binding("y", "turn_y", "axis", tooltip="upwards: bits per byte, loss, log of the loss"),
        Binding("x", "turn_x", "axis", tooltip="to the right: steps or seconds"),
        Binding("e", "edit", "edit", tooltip="open $EDITOR at the end of the log"),
        Binding("Y", "copy", "copy", tooltip="copy a line on this run"),
    ]
    DEFAULT_CSS = """
    WatchScreen #report { height: auto; padding: 0 1; }
    WatchScreen #tail { height: auto; max-height: 5; padding: 0 1; color: $text-muted; background: $surface; }
    """

    def __init__(self, log: Path, best: Row | None) -> None:
        super().__init__()
        self.path, self.best = log, best
        self.follower = LogWatch(log)
        self.found: RunProgress | None = None
        self.beside = _Best(None, ())
        self._looking = False
        self._reading = False  # the record that it is held against
        self._begun_with: Reference | None = None  # what the last look that began had to compare with
        self._compared_with: Reference | None = None  # and what `found` was
        self._told = ""

    def compose(self) -> ComposeResult:
        """Yield the report, the curves and the end of the log."""
        yield Static("reading", id="report", markup=False)
        yield CurvePane()
        yield Static(id="tail", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Begin to read the record, and to look at the log every second."""
        self.query_one(CurvePane).x = XAxis.TIME
        self.set_interval(_EVERY_SECONDS, self.look)
        self.look()
        if self.best is not None:
            self._read_best()

    def look(self) -> None:
        """Look at the log, in a thread; one look at a time."""
        self._take_best()
        if not self._looking:
            self._looking = True
            self._begun_with = self.follower.reference
            background.begin(self, "look", lambda: self.follower.look(time.time()))

    def on_work_done(self, message: background.WorkDone) -> None:
        """Show what was read."""
        if isinstance(message.result, _Best):
            self.beside, self._reading = message.result, False
            self.follower.reference = message.result.reference
            self.look()
        elif isinstance(message.result, RunProgress):
            self._looking = False
            self.found, self._compared_with = message.result, self._begun_with
            if self.follower.more or self._compared_with is not self.follower.reference:
                self.look()
        self._draw()

    def on_work_failed(self, message: background.WorkFailed) -> None:
        """Say what could not be read."""
        if message.what == "look":
            self._looking = False
        else:
            self._reading = False
        if message.reason != self._told:  # once, not every second
            self._told = message.reason
            self.host.tell(f"{self.path if message.what == 'look' else 'the best record'}: {message.reason}", "error")

    def on_resize(self) -> None:
        """Lay the report out anew."""
        self._draw()

    def action_turn_y(self) -> None:
        """Draw the curves over the next axis."""
        self.query_one(CurvePane).turn_y()

    def action_turn_x(self) -> None:
        """Draw the curves along the next axis."""
        self.query_one(CurvePane).turn_x()

    def action_edit(self) -> None:
        """Open the editor at the end of the log."""
        self.host.edit(self.path, self.found.lines if self.found else None)

    def action_copy(self) -> None:
        """Copy where the run is."""
        if self.found is not None:
            self.host.copy(summary(self._shown(self.found), self.path, self._record_name))

    @property
    def _record_name(self) -> str:
        """The name of the record beside it."""
        return self.beside.reference.name if self.beside.reference is not None else ""

    def _draw(self) -> None:
        found = self.found
        if found is None:
            return
        glyphs = ASCII if is_ascii(self) else UNICODE
        lines = report(self._shown(found), self.path, self._record_name, self.size.width - 2, glyphs)
        self.query_one("#report", Static).update(lines)
        bundles = [Bundle("this run", (found.curve,) if found.curve else ())]
        if self.beside.curves:
            bundles.append(Bundle(fit(safe(self._record_name), 40), self.beside.curves))
        self.query_one(CurvePane).show(bundles)
        tail = [fit(safe(line.expandtabs(4)), max(20, self.size.width - 2)) for line in found.tail[-_TAIL_LINES:]]
        shown = "\n".join(map(plain, tail) if is_ascii(self) else tail)
        self.query_one("#tail", Static).update(Content(shown))

    def _shown(self, found: RunProgress) -> RunProgress:
        """Say that the records are being read, where that is why there is nothing to compare with yet."""
        records = self.host.records
        self._take_best()
        waits = self._reading or (self.best is None and records.board is None and records.reading is not None)
        if waits or self._compared_with is not self.follower.reference:
            return replace(found, no_gap="reading records…", no_projection="reading records…")
        return found

    def _take_best(self) -> None:
        """Take the record to beat once the board has been read."""
        if self.best is None and (board := self.host.records.board) is not None:
            self.best = to_chase(board)
            if self.best is not None:
                self._read_best()

    def _read_best(self) -> None:
        self._reading = True
        background.begin(self, "best", self._load)

    def _load(self) -> _Best:
        assert self.best is not None
        record = self.host.load_record(self.best)
        return _Best(reference_of(record), curves(record))
