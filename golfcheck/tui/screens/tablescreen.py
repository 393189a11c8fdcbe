"""What the leaderboard and the queue share: a table, filtered while the user types and sorted by its columns."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center
from textual.content import Content
from textual.widgets import Static

from golfcheck.board.keys import KEYS, Key
from golfcheck.board.query import Query
from golfcheck.tui.drawing.readout import plain
from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets.filterbar import FilterBar
from golfcheck.tui.widgets.keyline import Keys, refit
from golfcheck.tui.widgets.table import BoardTable


class TableScreen(BaseScreen):
    """A title, a filter, a table (or the reason why it is empty), a readout of the current row, and the keys."""

    AUTO_FOCUS = "BoardTable"  # not the filter, which comes first
    FILTER_KEYS: ClassVar[Mapping[str, Key]] = KEYS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", tooltip="show only the rows that match, while you type"),
        Binding("s,greater_than_sign", "sort(1)", "sort", tooltip="sort by the next column, or click its heading"),
        Binding("less_than_sign", "sort(-1)", "sort back", show=False, tooltip="sort by the previous column"),
        Binding("S", "reverse", "reverse", show=False, tooltip="reverse the order"),
    ]

    query_now = Query()
    filter_text = ""
    sort = ""  # what the rows are sorted by; "" if they have an order of their own
    reverse = False

    @property
    def table(self) -> BoardTable:
        """The table."""
        return self.query_one(BoardTable)

    @property
    def orders(self) -> tuple[str, ...]:
        """What the rows can be sorted by, in the order of the visible columns."""
        return self.table.orders

    def new_table(self) -> BoardTable:
        """Return the table, before it is shown."""
        return BoardTable(self.host.glyphs)

    def draw(self) -> None:
        """Filter, sort and show the rows."""
        raise NotImplementedError

    def reset(self) -> None:
        """Undo what Escape undoes while there is no filter."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Yield the title, the filter, the table, its replacement, the readout and the keys."""
        yield Static(id="board-title", markup=False)
        yield FilterBar(self.FILTER_KEYS)
        yield self.new_table()
        with Center(id="empty"):
            yield Static(id="empty-text", markup=False)
        yield Static(id="readout", markup=False)
        yield Keys()

    def show_if_empty(self, text: Content, *, reading: bool) -> None:
        """Show `text` instead of a table without rows, unless rows are still being read."""
        self.set_class(not self.table.rows and not reading, "is-empty")
        self.query_one("#empty-text", Static).update(plain(text, self.host.glyphs))
        refit(self)

    def acts(self, action: str) -> bool:
        """Whether there are rows to filter, sort or copy."""
        if action == "filter":
            return bool(self.table.rows or self.filter_text)
        if action == "sort(1)":
            return len(self.table.rows) > 1
        return action != "copy" or self.table.current is not None

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Show what matches."""
        self.query_now, self.filter_text = event.query, event.text
        self.draw()

    def on_board_table_head_clicked(self, event: BoardTable.HeadClicked) -> None:
        """Sort by the column, or reverse its order."""
        if event.sort == self.sort:
            self.action_reverse()
        else:
            self.sort_by(event.sort)

    def sort_by(self, key: str, reverse: bool | None = None) -> None:
        """Sort by a key; without `reverse`, in the direction that suits its column."""
        last_first = any(column.last_first for column in self.table.all_columns if column.sort == key)
        self.sort, self.reverse = key, last_first if reverse is None else reverse
        self.table.ordered_by(self.sort, self.reverse)
        self.draw()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_sort(self, columns: int) -> None:
        """Sort by the visible column this many places to the right."""
        index = self.orders.index(self.sort) + columns if self.sort in self.orders else 0
        self.sort_by(self.orders[index % len(self.orders)])

    def action_reverse(self) -> None:
        """Reverse the order, unless it is the rows' own."""
        if self.sort:
            self.sort_by(self.sort, not self.reverse)

    def action_back(self) -> None:
        """Remove the filter; without one, what `reset` undoes."""
        if self.query_one(FilterBar).text:
            self.query_one(FilterBar).fill("")
            self.set_focus(self.table)
        else:
            self.reset()
