"""The board: all records by score, to filter, open, compare and follow."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from golfcheck.board.keys import SORT_KEYS, sorted_rows
from golfcheck.board.model import Board, Row
from golfcheck.live import newest
from golfcheck.live.pace import to_chase
from golfcheck.tui.drawing.readout import could_not_read, filtered_out, nothing_here, readout, title
from golfcheck.tui.drawing.tablecolumns import name_of
from golfcheck.tui.screens.base import OpenComparison, OpenDiff, OpenRecord, OpenTimeline, OpenWatch
from golfcheck.tui.screens.orders import Orders
from golfcheck.tui.screens.prompt import PathPrompt
from golfcheck.tui.screens.reading import ReadingScreen
from golfcheck.tui.screens.tablescreen import TableScreen
from golfcheck.tui.widgets.filterbar import FilterBar
from golfcheck.tui.widgets.keyline import refit
from golfcheck.tui.widgets.table import MAX_MARKS, BoardTable


class BoardScreen(ReadingScreen, TableScreen):
    """The screen that golfcheck opens on."""

    HELP = """\
◆ marks records that held the lead; the others are dimmed. A score that only submission.json states ends in ?, one that
golfcheck evaluated again in ✓; all others come from logs. Δ and p compare with the record to beat on that day. n is the
number of seeds, MB the size of the largest one, room what is left of 16 MB, on a logarithmic bar from 1 kB (empty) to
1 MB (full). 1 to 4 are marks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "orders", "orders", show=False, tooltip="choose the order from a list"),
        Binding("c", "compare", "compare", tooltip="show the marked records side by side"),
        Binding("t", "timeline", "timeline", tooltip="the frontier over time"),
        Binding("w", "watch", "watch", tooltip="follow growing logs, compared with the best record"),
        Binding(
            "d",
            "diff",
            "diff",
            tooltip="compare two marked records, this and a marked one, or this and the record it had to beat",
        ),
        Binding("Y", "copy", "copy", tooltip="copy the path of the record to the clipboard (OSC 52)"),
        Binding("e", "edit", "edit", tooltip="open submission.json in $EDITOR"),
        Binding("r", "reload", "re-verify", tooltip="reload what has changed, and judge it"),
        Binding("escape", "back", "clear", show=False, tooltip="remove the filter, then the marks"),
    ]

    def __init__(self, board: Board | None = None) -> None:
        super().__init__(board)
        self.sort = "rank"
        self.record = ""  # the path under the cursor, once it was moved

    def on_mount(self) -> None:
        """Restore the saved state, and start reading."""
        session = self.host.session
        self.sort, self.reverse = (session.sort, session.reverse) if session.sort in SORT_KEYS else ("rank", False)
        if session.record and session.root == str(self.host.root.resolve()):
            self.table.stays_on = session.record
        self.table.ordered_by(self.sort, self.reverse)
        self.set_focus(self.table)
        if session.filter:
            self.query_one(FilterBar).fill(session.filter)
        if self.board is None:
            self.read()
        self.draw()

    # Drawing.

    def draw(self, problem: str = "") -> None:
        """Filter and sort the rows, and show them."""
        rows: Sequence[Row] = self.board.rows if self.board else tuple(self.rows_by_path.values())
        shown = tuple(filter(self.query_now.matches, rows)) if self.query_now.terms else rows
        if self.sort != "rank" or self.reverse or self.board is None:  # a board is already sorted by rank
            shown = sorted_rows(shown, self.sort if self.board or self.sort != "rank" else "bpb", self.reverse)
        self.table.show(shown)
        self._say_if_empty(problem)
        self.draw_progress()

    def draw_progress(self) -> None:
        """Show the title: the tree, the progress, and the order if no visible column shows it."""
        root, hidden = str(self.host.root), self.sort not in self.table.orders
        shown, count, order = len(self.table.rows), len(self.rows_by_path), self.sort if hidden else ""
        line = title(root, self.board, shown, count, reading=self.reading, order=order, g=self.host.glyphs)
        self.query_one("#board-title", Static).update(line)

    def _say_if_empty(self, problem: str) -> None:
        if self.rows_by_path:
            text = filtered_out()
        else:
            text = could_not_read(self.failure) if self.failure else nothing_here(problem or str(self.host.root))
        self.show_if_empty(text, reading=self.reading is not None)

    def on_board_table_moved(self, event: BoardTable.Moved) -> None:
        """Show details of the record under the cursor."""
        self.record = self.table.stays_on or ""
        text = readout(event.row, self.board, self.host.glyphs) if event.row else ""
        self.query_one("#readout", Static).update(text)
        refit(self)

    # Keys.

    def acts(self, action: str) -> bool:
        """Whether a key would do more now than say what is missing."""
        if action == "compare":
            rows = self.marked()
            return len(rows) > 1 and all(row.judged for row in rows)
        if action == "diff":
            rows = self._two()
            return len(rows) == 2 and all(row.judged for row in rows)
        if action == "timeline":
            return self.board is not None
        return super().acts("copy" if action == "edit" else action)

    def action_orders(self) -> None:
        """Choose the order from a list."""

        def chosen(key: str | None) -> None:
            if key not in (None, self.sort):  # otherwise keep the order and its direction
                self.sort_by(key)

        self.app.push_screen(Orders(self.sort, self.reverse, self.host.glyphs), chosen)

    def on_board_table_opened(self, event: BoardTable.Opened) -> None:
        """Open a record."""
        if self._judged([event.row]):
            self.post_message(OpenRecord(event.row))

    def on_board_table_marked(self, event: BoardTable.Marked) -> None:
        """Say why a fifth record is not marked."""
        if event.refused:
            self.host.tell(f"{MAX_MARKS} records are already marked: press space on one of them to remove its mark")
        refit(self)

    def marked(self) -> list[Row]:
        """Return the marked rows in order; if only one is marked, also the one under the cursor."""
        rows = [self.rows_by_path[path] for path in self.table.marks if path in self.rows_by_path]
        here = self.table.current
        return [*rows, here] if here is not None and len(rows) == 1 and here is not rows[0] else rows

    def action_compare(self) -> None:
        """Show the marked records side by side."""
        rows = self.marked()
        if len(rows) < 2:
            self.host.tell("mark two to four records with space, then press c")
        elif self._judged(rows):
            self.post_message(OpenComparison(rows))

    def _two(self) -> list[Row]:
        """Return what a diff compares: the marked rows, or without marks this one and the record it had to beat."""
        rows = self.marked()
        if not rows and (here := self.table.current) and self.board and (rival := self.board.rival_of(here)):
            return [rival, here]
        return rows

    def action_diff(self) -> None:
        """Show the differences between two records."""
        rows = self._two()
        if len(rows) == 2:
            if self._judged(rows):
                self.post_message(OpenDiff(rows[0], rows[1]))
        elif rows:
            self.host.tell("a diff compares two records; press c to compare up to four")
        elif self.board is None:
            self.host.tell(self._no_board())
        else:
            self.host.tell("this record had no record to beat: mark another with space, then press d")

    def _no_board(self) -> str:
        return "the records are still being read" if self.reading else "no record was read; r tries again"

    def _judged(self, rows: Sequence[Row]) -> bool:
        """Whether all are judged; if not, says so."""
        waits = next((row for row in rows if not row.judged), None)
        if waits is not None:
            self.host.tell(f"{name_of(waits)} is still being judged")
        return waits is None

    def action_timeline(self) -> None:
        """Show the frontier through time."""
        if self.board is None:
            self.host.tell(self._no_board())
        else:
            self.post_message(OpenTimeline(self.board, self.table.current, self.query_now, self.filter_text))

    def action_watch(self) -> None:
        """Follow logs that are being written; ask for a log if there are none."""
        logs = newest.logs(Path())
        fresh = [log for log in logs if newest.is_fresh(log)]
        if fresh:
            self.watch_logs(fresh)
        else:
            self.app.push_screen(PathPrompt("Which log do you want to follow?", next(iter(logs), None)), self.watch_log)

    def watch_log(self, log: Path | None) -> None:
        """Follow a log, if one was chosen."""
        if log is not None:
            self.watch_logs([log])

    def watch_logs(self, logs: Sequence[Path]) -> None:
        """Follow logs, compared with the best record."""
        self.post_message(OpenWatch(tuple(logs), to_chase(self.board) if self.board else None))

    def action_reload(self) -> None:
        """Read and judge again; unchanged records come from the cache. A toast shows the result."""
        self.reload()
        self.draw_progress()

    def action_edit(self) -> None:
        """Edit the submission file of the record."""
        self._here(self.host.edit_record)

    def action_copy(self) -> None:
        """Copy the record's path."""
        self._here(lambda row: self.host.copy(row.verdict.path))

    def _here(self, do: Callable[[Row], None]) -> None:
        if row := self.table.current:
            do(row)

    def reset(self) -> None:
        """Remove all marks."""
        self.table.unmark()
