"""The queue: every pull request of a repository, what to do first at the top, the record of each behind it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from golfcheck.board.keys import sorted_rows
from golfcheck.board.query import Query
from golfcheck.core.errors import GolfcheckError
from golfcheck.core.text import safe
from golfcheck.queue.model import Queue
from golfcheck.queue.opening import Opening
from golfcheck.queue.rows import KEYS, PullRow, row_of
from golfcheck.queue.run import Request, run
from golfcheck.tui.drawing.pullcolumns import COLUMNS, pull_of, readout, title
from golfcheck.tui.drawing.readout import filtered_out, plain
from golfcheck.tui.screens.base import BaseScreen, OpenPullRecord
from golfcheck.tui.widgets.filterbar import FilterBar
from golfcheck.tui.widgets.keys import Keys
from golfcheck.tui.widgets.table import BoardTable

_LAST_FIRST = {column.sort for column in COLUMNS if column.last_first}
_OWN_ORDER = ""  # of the queue


@dataclass
class QueueProgressed(Message):
    """So much is done, of so much."""

    what: str
    done: int
    of: int


@dataclass
class QueueJudged(Message):
    """All pull requests are judged."""

    queue: Queue


@dataclass
class QueueFailed(Message):
    """There is no queue, and why."""

    reason: str


class _Gone(Exception):
    """Nobody waits any more."""


class PullTable(BoardTable):
    """The table, without marks: nothing here is compared."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer all but the mark."""
        return action != "mark"


class QueueScreen(BaseScreen):
    """The list of the pull requests that `request` asks for."""

    HELP = """\
The order is that of the work: what may take the record and has nothing against it first, by number, then what a person
must decide, then what is refuted by arithmetic, then what is no submission. Each score is compared with the record to
beat at that number. A score that only submission.json states ends in ?. "builds on" is what it says, "nearest" whose
code is nearest among all before it."""
    AUTO_FOCUS = "BoardTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", tooltip="show only what matches, while you type"),
        Binding("s,greater_than_sign", "sort(1)", "sort", tooltip="sort by the next column; a click on a head does it"),
        Binding("less_than_sign", "sort(-1)", "sort back", show=False, tooltip="sort by the column before"),
        Binding("S", "reverse", "reverse", show=False, tooltip="sort the other way round"),
        Binding("Y", "copy", "copy", tooltip="copy the number and the folder to the clipboard (OSC 52)"),
        Binding("r", "judge", "again", tooltip="read what has changed and judge again"),
        Binding("escape", "back", "clear", show=False, tooltip="remove the filter, then the order"),
    ]

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
        self.queue: Queue | None = None
        self.rows: tuple[PullRow, ...] = ()
        self.reading: tuple[str, int, int] | None = None
        self.failure = ""
        self.query_now = Query()
        self.sort, self.reverse = _OWN_ORDER, False

    @property
    def table(self) -> BoardTable:
        """The table."""
        return self.query_one(BoardTable)

    def compose(self) -> ComposeResult:
        """Yield the title, the filter, the table, what it says when it is empty, the readout and the keys."""
        yield Static(id="board-title", markup=False)
        yield FilterBar(KEYS)
        yield PullTable(self.host.glyphs, COLUMNS)
        with Center(id="empty"):
            yield Static(id="empty-text", markup=False)
        yield Static(id="readout", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Begin to judge."""
        self.table.ordered_by(self.sort, self.reverse)
        self.set_focus(self.table)
        self.action_judge()

    def action_judge(self) -> None:
        """Judge what has changed."""
        self.reading, self.failure = ("looking for heads", 0, 1), ""
        self._judge()
        self.draw()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _judge(self) -> None:
        worker = get_current_worker()

        def idle() -> None:
            if worker.is_cancelled:
                raise _Gone

        def progress(what: str, done: int, of: int) -> None:
            idle()
            if done % 10 == 0 or done == of:
                self.post_message(QueueProgressed(what, done, of))

        try:
            queue = run(self.request, progress=progress, idle=idle)
        except _Gone:
            return
        except (GolfcheckError, OSError) as error:
            self.post_message(QueueFailed(str(error)))
        else:
            self.post_message(QueueJudged(queue))

    def on_queue_progressed(self, event: QueueProgressed) -> None:
        """Say how far judging is."""
        self.reading = (event.what, event.done, event.of)
        self._draw_title()

    def on_queue_judged(self, event: QueueJudged) -> None:
        """Show the pull requests."""
        self.queue, self.reading = event.queue, None
        self.rows = tuple(map(row_of, event.queue.pulls))
        self.draw()

    def on_queue_failed(self, event: QueueFailed) -> None:
        """Say why there is nothing."""
        self.reading, self.failure = None, event.reason
        self.draw()

    def draw(self) -> None:
        """Filter and sort the rows, and show them."""
        shown = tuple(filter(self.query_now.matches, self.rows))
        if self.sort != _OWN_ORDER:
            shown = tuple(sorted_rows(shown, self.sort, self.reverse, KEYS))  # type: ignore[arg-type]
        self.table.show(shown)
        empty = not shown and self.reading is None
        self.set_class(empty, "is-empty")
        text = Content(f"no queue here\n\n{safe(self.failure)}\n\nr tries again") if self.failure else filtered_out()
        self.query_one("#empty-text", Static).update(plain(text, self.host.glyphs))
        self._draw_title()

    def _draw_title(self) -> None:
        shown = len(self.table.rows)
        line = title(self.request.repository.resolve().name, self.queue, shown, self.reading, self.host.glyphs)
        self.query_one("#board-title", Static).update(line)

    def on_board_table_moved(self, event: BoardTable.Moved) -> None:
        """Say more of the pull request under the cursor."""
        self.query_one("#readout", Static).update(readout(event.row, self.host.glyphs) if event.row else "")

    def on_board_table_opened(self, event: BoardTable.Opened) -> None:
        """Open the record, read from its objects."""
        row = event.row
        chosen = row.submission if isinstance(row, PullRow) else None
        if chosen is None or chosen.verdict is None:
            self.host.tell(chosen.content.failure if chosen else "nothing of it was judged: it has no record to open")
            return
        opening = Opening(self.request.repository, chosen.own.path, chosen.own.tree)
        shown = replace(row, verdict=replace(row.verdict, path=chosen.own.path))
        self.post_message(OpenPullRecord(shown, lambda _: opening.record(), opening.log))

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Show what matches."""
        self.query_now = event.query
        self.draw()

    def on_board_table_head_clicked(self, event: BoardTable.HeadClicked) -> None:
        """Sort by the column, or the other way round."""
        if event.sort == self.sort:
            self.action_reverse()
        else:
            self.sort_by(event.sort)

    def sort_by(self, key: str, reverse: bool | None = None) -> None:
        """Sort by a key; in the order that the column is read in, unless it is said."""
        self.sort, self.reverse = key, key in _LAST_FIRST if reverse is None else reverse
        self.table.ordered_by(self.sort, self.reverse)
        self.draw()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_sort(self, columns: int) -> None:
        """Sort by another of the columns that are seen."""
        orders = (_OWN_ORDER, *self.table.orders)
        self.sort_by(orders[(orders.index(self.sort) + columns) % len(orders)] if self.sort in orders else _OWN_ORDER)

    def action_reverse(self) -> None:
        """Sort the other way round."""
        if self.sort != _OWN_ORDER:
            self.sort_by(self.sort, not self.reverse)

    def action_copy(self) -> None:
        """Copy the number and the folder."""
        if row := self.table.current:
            pull = pull_of(row)
            path = pull.submissions[0].own.path if pull.submissions else ""
            self.host.copy(f"#{pull.number}  {path}".strip())

    def action_back(self) -> None:
        """Remove the filter, then the order."""
        if self.query_one(FilterBar).text:
            self.query_one(FilterBar).fill("")
            self.set_focus(self.table)
        else:
            self.sort_by(_OWN_ORDER)
