"""A screen that reads a tree of records: the rows so far, the progress, and the failure."""

from collections.abc import Mapping
from pathlib import Path

from textual import work
from textual.worker import Worker, WorkerState, get_current_worker

from golfcheck.board.model import Board, Row
from golfcheck.core.numbers import counted
from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets import loading

_PAUSE_SECONDS = 0.1  # between redraws while rows arrive


class ReadingScreen(BaseScreen):
    """Has the board, or the rows read so far; calls `draw` and `draw_progress` when they change."""

    def __init__(self, board: Board | None = None) -> None:
        super().__init__()
        self.board = board  # None: read the tree of the application
        self.rows_by_path: dict[str, Row] = {} if board is None else {row.verdict.path: row for row in board.rows}
        self.reading: tuple[int, int] | None = None
        self.failure = ""  # why reading failed; "" if it did not
        self._stale = False
        self._rows_before: dict[str, Row] | None = None  # the rows before they are read again

    def reload(self) -> None:
        """Read the tree again, and report the changes."""
        self._rows_before = dict(self.rows_by_path) if self.board is not None else None
        self.read()

    def read(self) -> None:
        """Start reading the tree."""
        self.reading, self.failure = (0, 0), ""
        self._read(self.host.root)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self, root: Path) -> None:
        worker = get_current_worker()
        loading.read(root, self.host.settings, self.post_message, lambda: worker.is_cancelled)

    def draw(self, problem: str = "") -> None:
        """Show the rows; `problem` says why there are none."""
        raise NotImplementedError

    def draw_progress(self) -> None:
        """Show the progress."""
        raise NotImplementedError

    def on_rows_arrived(self, event: loading.RowsArrived) -> None:
        """Show rows that were read; those that arrive within a moment are drawn together."""
        first = not self.rows_by_path
        self.rows_by_path |= {row.verdict.path: row for row in event.rows}
        if first:
            self._draw()
            self.call_after_refresh(event.drawn.set)
            return
        event.drawn.set()  # other rows are visible already
        if not self._stale:
            self._stale = True
            self.set_timer(_PAUSE_SECONDS, self._draw)

    def _draw(self) -> None:
        self._stale = False
        self.draw()

    def on_reading_progressed(self, event: loading.ReadingProgressed) -> None:
        """Show the progress."""
        self.reading = (event.done, event.of)
        self.draw_progress()

    def on_reading_noted(self, event: loading.ReadingNoted) -> None:
        """Show a note about something that could not be used."""
        self.host.tell(event.line, "warning")

    def on_board_loaded(self, event: loading.BoardLoaded) -> None:
        """Show the ranks."""
        self.board, self.reading = event.board, None
        self.rows_by_path = {row.verdict.path: row for row in event.board.rows}
        if self._rows_before is not None:
            self.host.tell(_what_changed(self._rows_before, self.rows_by_path))
            self._rows_before = None
        self.draw()

    def on_reading_failed(self, event: loading.ReadingFailed) -> None:
        """Show why there are no records, and what to do; the rows from before no longer exist."""
        if self.rows_by_path or not event.empty:
            self.host.tell(event.reason, "error")
        self.board, self.rows_by_path, self.reading = None, {}, None
        self.draw(event.reason)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a toast for an unexpected failure."""
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.reading = None
            self.failure = f"reading failed: {type(error).__name__}: {error}"
            self.host.tell(self.failure, "error")
            self.draw()


def _what_changed(before: Mapping[str, Row], after: Mapping[str, Row]) -> str:
    """Describe the changes after reading a tree again."""
    changed = sum(
        before[path].verdict.findings != row.verdict.findings or before[path].score_bpb != row.score_bpb
        for path, row in after.items()
        if path in before
    )
    parts = [
        (changed, "changed"),
        (len(after.keys() - before.keys()), "new"),
        (len(before.keys() - after.keys()), "gone"),
    ]
    changes = ", ".join(f"{count} {word}" for count, word in parts if count)
    return f"{counted(len(after), 'record')} verified again: {changes or 'nothing changed'}"
