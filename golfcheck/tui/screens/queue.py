"""The queue: every pull request of a repository, in the order in which to look at them."""

from dataclasses import dataclass, replace
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from golfcheck.board.keys import sorted_rows
from golfcheck.board.model import Row
from golfcheck.core.errors import GolfcheckError
from golfcheck.core.text import safe
from golfcheck.queue.build import QueueRequest, build_queue
from golfcheck.queue.opening import Opening
from golfcheck.queue.pullrows import KEYS, PullRow, row_of
from golfcheck.queue.pulls import Queue
from golfcheck.tui.drawing.pullcolumns import COLUMNS, pull_of, readout, title
from golfcheck.tui.drawing.readout import filtered_out
from golfcheck.tui.screens.base import OpenPullRecord
from golfcheck.tui.screens.tablescreen import TableScreen
from golfcheck.tui.widgets.keyline import refit
from golfcheck.tui.widgets.table import BoardTable

_OWN_ORDER = ""  # of the queue


@dataclass
class QueueProgressed(Message):
    """Progress of judging."""

    what: str
    done: int
    of: int


@dataclass
class QueueJudged(Message):
    """All pull requests are judged."""

    queue: Queue


@dataclass
class QueueFailed(Message):
    """The queue could not be read."""

    reason: str


class _Gone(Exception):
    """The screen was closed."""


class PullTable(BoardTable):
    """The table, without marks, because nothing is compared here."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable marking."""
        return action != "mark"

    def opens(self, row: Row) -> bool:
        """Whether the pull request has a judged record."""
        chosen = row.submission if isinstance(row, PullRow) else None
        return chosen is not None and chosen.verdict is not None


class QueueScreen(TableScreen):
    """The list of the requested pull requests."""

    HELP = """\
First come pull requests that may take the lead and have no problems, by number, then those that need review, those
refuted by arithmetic, and those that are not submissions. Each score is compared with the record to beat at its number.
A score that only submission.json states ends in ?. "builds on" is what the submission says, "nearest" the earlier pull
request with the most similar code."""
    FILTER_KEYS = KEYS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("Y", "copy", "copy", tooltip="copy the number and the folder to the clipboard (OSC 52)"),
        Binding("r", "judge", "again", tooltip="reload what has changed, and judge it"),
        Binding("escape", "back", "clear", show=False, tooltip="remove the filter, then the order"),
    ]

    def __init__(self, request: QueueRequest) -> None:
        super().__init__()
        self.request = request
        self.queue: Queue | None = None
        self.rows: tuple[PullRow, ...] = ()
        self.reading: tuple[str, int, int] | None = None
        self.failure = ""

    @property
    def orders(self) -> tuple[str, ...]:
        """What the rows can be sorted by: the queue's own order first, then the visible columns."""
        return (_OWN_ORDER, *self.table.orders)

    def new_table(self) -> BoardTable:
        """Return the table, before it is shown."""
        return PullTable(self.host.glyphs, COLUMNS)

    def on_mount(self) -> None:
        """Start judging."""
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
            queue = build_queue(self.request, progress=progress, idle=idle)
        except _Gone:
            return
        except (GolfcheckError, OSError) as error:
            self.post_message(QueueFailed(str(error)))
        else:
            self.post_message(QueueJudged(queue))

    def on_queue_progressed(self, event: QueueProgressed) -> None:
        """Show the progress."""
        self.reading = (event.what, event.done, event.of)
        self._draw_title()

    def on_queue_judged(self, event: QueueJudged) -> None:
        """Show the pull requests."""
        self.queue, self.reading = event.queue, None
        self.rows = tuple(map(row_of, event.queue.pulls))
        self.draw()

    def on_queue_failed(self, event: QueueFailed) -> None:
        """Show why there is no queue."""
        self.reading, self.failure = None, event.reason
        self.draw()

    def draw(self) -> None:
        """Filter and sort the rows, and show them."""
        shown = tuple(filter(self.query_now.matches, self.rows))
        if self.sort != _OWN_ORDER:
            shown = tuple(sorted_rows(shown, self.sort, self.reverse, KEYS))  # type: ignore[arg-type]
        self.table.show(shown)
        text = Content(f"no queue here\n\n{safe(self.failure)}\n\nr tries again") if self.failure else filtered_out()
        self.show_if_empty(text, reading=self.reading is not None)
        self._draw_title()

    def _draw_title(self) -> None:
        shown = len(self.table.rows)
        line = title(self.request.repository.resolve().name, self.queue, shown, self.reading, self.host.glyphs)
        self.query_one("#board-title", Static).update(line)

    def on_board_table_moved(self, event: BoardTable.Moved) -> None:
        """Show details of the pull request under the cursor."""
        self.query_one("#readout", Static).update(readout(event.row, self.host.glyphs) if event.row else "")
        refit(self)

    def on_board_table_opened(self, event: BoardTable.Opened) -> None:
        """Open the record, read from its objects."""
        row = event.row
        chosen = row.submission if isinstance(row, PullRow) else None
        if chosen is None or chosen.verdict is None:
            self.host.tell(chosen.content.failure if chosen else "it has no judged record to open")
            return
        opening = Opening(self.request.repository, chosen.own.path, chosen.own.tree)
        shown = replace(row, verdict=replace(row.verdict, path=chosen.own.path))
        self.post_message(OpenPullRecord(shown, lambda _: opening.record(), opening.log))

    def action_copy(self) -> None:
        """Copy the number and the folder."""
        if row := self.table.current:
            pull = pull_of(row)
            path = pull.submissions[0].own.path if pull.submissions else ""
            self.host.copy(f"#{pull.number}  {path}".strip())

    def reset(self) -> None:
        """Go back to the queue's own order."""
        self.sort_by(_OWN_ORDER)
