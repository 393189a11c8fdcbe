"""The table of the board, drawn line by line as rows come into view, so that 10,000 rows cost nothing.

Textual's own DataTable takes 3 to 4 s for as many, and interprets markup in its cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from golfcheck.board.model import Row
from golfcheck.core.text import pad, width
from golfcheck.tui.drawing.glyphs import UNICODE, Glyphs
from golfcheck.tui.drawing.tablecolumns import COLUMNS, TableColumn, fitting
from golfcheck.tui.widgets.scrollbars import scrollbars_of

MAX_MARKS = 4
_GUTTER = 2  # columns on the left: the mark, and the symbol of records that held the lead
_HEAD = 1  # lines above the rows


class BoardTable(ScrollView, can_focus=True):
    """Rows with a cursor, up to four marks, and column headings that can be clicked."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"table--{part}" for part in ("head", "sorted", "cursor", "held", "other", "bar", "good", "warn", "bad", "mark")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", tooltip="open the record with its curves, findings, README, logs and sizes"),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("g,home", "first", "first record", show=False),
        Binding("G,end", "last", "last record", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "a page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "a page up", show=False),
        Binding("space", "mark", "mark", tooltip="mark up to four records to compare with the first one"),
    ]

    @dataclass
    class Opened(Message):
        """Open a record."""

        row: Row

    @dataclass
    class Moved(Message):
        """The cursor moved to another row, or to none."""

        row: Row | None

    @dataclass
    class Marked(Message):
        """Marks changed; `refused` if there were four already."""

        refused: bool

    @dataclass
    class HeadClicked(Message):
        """A column heading was clicked; `sort` is its key."""

        sort: str

    def __init__(self, glyphs: Glyphs = UNICODE, columns: Sequence[TableColumn] = COLUMNS) -> None:
        super().__init__()
        self.glyphs, self.all_columns = glyphs, columns
        self.rows: tuple[Row, ...] = ()
        self.cursor = 0
        self.stays_on: str | None = None  # the record that the cursor stays on while rows come and go
        self.marks: list[str] = []  # paths, in the order in which they were marked
        self.sort, self.reverse = "rank", False
        self._columns: tuple[TableColumn, ...] = fitting(80, columns)
        self._styles: dict[tuple[str, str, bool], Style] = {}

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def orders(self) -> tuple[str, ...]:
        """The sort keys of the visible columns, from left to right."""
        return tuple(dict.fromkeys(column.sort for column in self._columns))

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; the cursor stays on its record, or near its position if the record is gone."""
        self.rows = tuple(rows)
        matches = (index for index, row in enumerate(self.rows) if row.verdict.path == self.stays_on)
        match = next(matches, None) if self.stays_on is not None else 0
        self.cursor = max(0, min(self.cursor if match is None else match, len(self.rows) - 1))
        self.virtual_size = Size(self.size.width, len(self.rows) + _HEAD)
        self._follow()
        self.refresh()
        self.post_message(self.Moved(self.current))

    def ordered_by(self, sort: str, reverse: bool) -> None:
        """Show in the headings how the rows are sorted."""
        self.sort, self.reverse = sort, reverse
        self.refresh()

    def select(self, index: int) -> None:
        """Move the cursor to row `index`, or to the nearest one."""
        if self.rows:
            self.cursor = max(0, min(index, len(self.rows) - 1))
            self.stays_on = self.rows[self.cursor].verdict.path
            self._follow()
            self.refresh()
            self.post_message(self.Moved(self.current))

    def acts(self, action: str) -> bool:
        """Whether there is a record to open, or one to mark."""
        row = self.current
        if action == "open":
            return row is not None and self.opens(row)
        return action != "mark" or (row is not None and (row.verdict.path in self.marks or len(self.marks) < MAX_MARKS))

    def opens(self, row: Row) -> bool:
        """Whether a row can be opened yet."""
        return row.judged

    def unmark(self) -> None:
        """Remove all marks."""
        self.marks.clear()
        self.refresh()
        self.post_message(self.Marked(False))

    def action_move(self, lines: int) -> None:
        """Move the cursor by some lines."""
        self.select(self.cursor + lines)

    def action_page(self, pages: int) -> None:
        """Move the cursor by a screenful."""
        self.select(self.cursor + pages * max(self._visible - 1, 1))

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.select(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.select(len(self.rows) - 1)

    def action_open(self) -> None:
        """Open the record under the cursor."""
        if row := self.current:
            self.post_message(self.Opened(row))

    def action_mark(self) -> None:
        """Mark the record under the cursor, or remove its mark, and move on."""
        if (row := self.current) is None:
            return
        path = row.verdict.path
        refused = path not in self.marks and len(self.marks) >= MAX_MARKS
        if path in self.marks:
            self.marks.remove(path)
        elif not refused:
            self.marks.append(path)
        self.post_message(self.Marked(refused))
        self.select(self.cursor if refused else self.cursor + 1)

    def on_click(self, event: events.Click) -> None:
        """Sort by the clicked column heading, or move to the clicked row; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < _HEAD:
            if sort := self._column_at(offset.x):
                self.post_message(self.HeadClicked(sort))
            return
        index = offset.y - _HEAD + self.scroll_offset.y
        if index < len(self.rows):
            self.select(index)
            if event.chain == 2:
                self.action_open()

    def on_mount(self) -> None:
        """Draw the scrollbar with characters that the terminal can show."""
        scrollbars_of(self, self.glyphs)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the columns that fit."""
        self._columns = fitting(self.scrollable_content_region.width - _GUTTER, self.all_columns)
        self.virtual_size = Size(event.size.width, len(self.rows) + _HEAD)
        self._follow()

    def notify_style_update(self) -> None:
        """Forget the colors of another theme."""
        super().notify_style_update()
        self._styles.clear()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        columns = self.scrollable_content_region.width
        if y < _HEAD:
            return self._head().adjust_cell_length(columns, self._style("head"))
        index = y - _HEAD + self.scroll_offset.y
        if index >= len(self.rows):
            return Strip.blank(columns, self.rich_style)
        return self._line(index).adjust_cell_length(columns, self._style("other", "", index == self.cursor))

    @property
    def _visible(self) -> int:
        return max(self.size.height - _HEAD, 0)

    def _follow(self) -> None:
        """Scroll until the cursor is visible."""
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self._visible and self.cursor >= top + self._visible:
            self.scroll_to(y=self.cursor - self._visible + 1, animate=False)

    def _column_at(self, x: int) -> str | None:
        start = _GUTTER
        for column in self._columns:
            if start <= x < start + column.width + 1:
                return column.sort
            start += column.width + 1
        return None

    def _head(self) -> Strip:
        segments = [Segment(" " * _GUTTER, self._style("head"))]
        marked = next((column for column in self._columns if column.sort == self.sort), None)
        for column in self._columns:
            title = self.glyphs.plain(column.title)
            chosen = column is marked
            arrow = self.glyphs.down if self.reverse else self.glyphs.up
            if chosen:
                title = f"{title}{arrow}" if len(title) < column.width else title[: column.width - 1] + arrow
            title = title.rjust(column.width) if column.right else title.ljust(column.width)
            segments.append(Segment(title, self._style("sorted" if chosen else "head")))
            segments.append(Segment(" ", self._style("head")))
        return Strip(segments)

    def _line(self, index: int) -> Strip:
        row, here = self.rows[index], index == self.cursor
        base = "held" if row.held else "other"
        path = row.verdict.path
        mark = str(self.marks.index(path) + 1) if path in self.marks else " "
        segments = [
            Segment(mark, self._style(base, "mark" if path in self.marks else "", here)),
            Segment(self.glyphs.held if row.held else " ", self._style(base, "good", here)),
        ]
        blank = Segment(" ", self._style(base, "", here))
        for column in self._columns:
            text, style = column.cell(row, column.width, self.glyphs)
            text = self.glyphs.plain(text)
            if column.right:
                text = " " * (column.width - width(text)) + text
            shown = pad(text, column.width).replace("…", self.glyphs.more)
            segments.append(Segment(shown, self._style(base, style, here)))
            segments.append(blank)
        return Strip(segments)

    def _style(self, base: str, part: str = "", here: bool = False) -> Style:
        key = (base, part, here)
        if (style := self._styles.get(key)) is None:
            style = self.get_component_rich_style(f"table--{base}")
            if part in ("bar", "good", "warn", "bad", "mark"):
                style += Style(color=self.get_component_rich_style(f"table--{part}").color)
            if part == "mark":
                style += Style(dim=False)
            if here:
                style += Style(dim=False, bgcolor=self.get_component_rich_style("table--cursor").bgcolor)
            self._styles[key] = style
        return style
