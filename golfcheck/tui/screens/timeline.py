"""The timeline: the frontier over time, with a cursor on the records."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from golfcheck.board.model import Board, Row, score
from golfcheck.board.query import Query
from golfcheck.core.numbers import bpb_text
from golfcheck.core.text import fit
from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.drawing.readout import readout
from golfcheck.tui.drawing.timechart import ORDERS, SCALES, ChartCell, Timeline, draw, drawable, nearest
from golfcheck.tui.drawing.untrusted import content
from golfcheck.tui.screens.base import BaseScreen, OpenRecord
from golfcheck.tui.widgets.keyline import Keys, refit

_FILTER_COLUMNS = 30  # of the filter, in the title
_PARTS = ("axis", "line", "held", "other", "spread", "cursor", "here")


class TimeChart(Widget, can_focus=True):
    """The chart; the cursor is on one of its records."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"timechart--{part}" for part in _PARTS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", tooltip="open the record under the cursor"),
        Binding("right,l,j,down", "walk(1)", "later", tooltip="go to the next record in time"),
        Binding("left,h,k,up", "walk(-1)", "earlier", tooltip="go to the previous record in time"),
        Binding("n", "walk_held(1)", "next held", tooltip="go to the next record that took the frontier"),
        Binding("N,p", "walk_held(-1)", "previous held", show=False),
        Binding("g,home", "first", "first record", show=False),
        Binding("G,end", "last", "last record", show=False),
        Binding("y", "scale", "scores", tooltip="visible scores: the frontier's, all, or near the cursor (with sd)"),
        Binding("x", "order", "time", tooltip="horizontal axis: date, or one record after the other"),
    ]

    class Walked(Message):
        """The cursor moved to another record."""

    def __init__(self, chart: Timeline, glyphs: Glyphs) -> None:
        super().__init__()
        self.chart, self.glyphs = chart, glyphs
        self._grid: list[list[ChartCell]] = []

    @property
    def current(self) -> Row | None:
        """The record under the cursor."""
        return self.chart.rows[self.chart.cursor] if self.chart.stops else None

    def acts(self, action: str) -> bool:
        """Whether there is a record to open, or another one to walk to."""
        ways = {"walk(1)": (False, 1), "walk(-1)": (False, -1), "walk_held(1)": (True, 1)}
        if action in ways:
            held, way = ways[action]
            return bool(self._ahead(way, held=held))
        return self.current is not None

    def look(self, chart: Timeline) -> None:
        """Change the view of the chart."""
        self.chart = chart
        self._grid = []
        self.refresh()
        self.post_message(self.Walked())

    def select(self, index: int) -> None:
        """Put the cursor on a record."""
        self.look(replace(self.chart, cursor=index))

    def action_walk(self, way: int) -> None:
        """Go to the next or the previous record."""
        self._walk(self._ahead(way))

    def action_walk_held(self, way: int) -> None:
        """Go to the next record that took the frontier."""
        self._walk(self._ahead(way, held=True))

    def _ahead(self, way: int, *, held: bool = False) -> list[int]:
        """Return the records on one side of the cursor, the nearest first; with `held`, those that took the lead."""
        chart = self.chart
        ahead = [index for index in chart.stops[::way] if (index - chart.cursor) * way > 0]
        return [index for index in ahead if chart.rows[index].held] if held else ahead

    def _walk(self, ahead: Sequence[int]) -> None:
        if ahead:
            self.select(ahead[0])

    def action_first(self) -> None:
        """Go to the first record."""
        if self.chart.stops:
            self.select(self.chart.stops[0])

    def action_last(self) -> None:
        """Go to the last record."""
        if self.chart.stops:
            self.select(self.chart.stops[-1])

    def action_scale(self) -> None:
        """Show another range of scores."""
        self.look(replace(self.chart, scale=SCALES[(SCALES.index(self.chart.scale) + 1) % len(SCALES)]))

    def action_order(self) -> None:
        """Switch the horizontal axis."""
        self.look(replace(self.chart, order=ORDERS[(ORDERS.index(self.chart.order) + 1) % len(ORDERS)]))

    def action_open(self) -> None:
        """Open the record."""
        if row := self.current:
            self.post_message(OpenRecord(row))

    def on_resize(self, _event: events.Resize) -> None:
        """Redraw."""
        self._grid = []

    def on_click(self, event: events.Click) -> None:
        """Go to the record nearest to the click; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or not self.chart.stops:
            return
        self.select(nearest(self.chart, self.size.width, self.size.height, offset.x, offset.y))
        if event.chain == 2:
            self.action_open()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        if not self._grid:
            self._grid = draw(self.chart, self.size.width, self.size.height, self.glyphs)
        if y >= len(self._grid):
            return Strip.blank(self.size.width, self.rich_style)
        runs = groupby(self._grid[y], key=lambda cell: cell[1])
        return Strip([Segment("".join(cell[0] for cell in cells), self._style(part)) for part, cells in runs])

    def _style(self, part: str) -> Style:
        if not part:
            return self.rich_style
        return self.get_component_rich_style(f"timechart--{part}")


class TimelineScreen(BaseScreen):
    """The frontier over time."""

    HELP = """\
The line is the frontier, ◆ a record that took the lead, • any other, ▲ one that is above the visible range. With a
filter, only matching records are drawn, but the frontier is that of all. A bar through a record is ± one standard
deviation of its seeds; press y to zoom in on the scores near the cursor until it is visible."""
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,t", "app.pop_screen", "back")]

    def __init__(self, board: Board, at: Row | None, query: Query | None = None, text: str = "") -> None:
        super().__init__()
        self.board, self.filter_text = board, text if query and query.terms else ""
        rows = drawable(board.rows)
        left_out = frozenset(index for index, row in enumerate(rows) if query and not query.matches(row))
        chart = Timeline(rows, left_out=left_out)
        path = at.verdict.path if at else None
        here = next((index for index in chart.stops if rows[index].verdict.path == path), None)
        self.chart = replace(chart, cursor=chart.stops[-1] if here is None and chart.stops else here or 0)

    def compose(self) -> ComposeResult:
        """Yield the title, the chart, the readout and the keys."""
        yield Static(id="timeline-title", markup=False)
        yield TimeChart(self.chart, self.host.glyphs)
        yield Static(id="readout", markup=False)
        yield Keys()

    def on_mount(self) -> None:
        """Put the cursor where it was on the board."""
        self.set_focus(self.query_one(TimeChart))
        self.on_time_chart_walked()

    def on_time_chart_walked(self) -> None:
        """Show details of the record under the cursor."""
        refit(self)
        widget = self.query_one(TimeChart)
        row, chart = widget.current, widget.chart
        if row is None:
            missing = f"no record that matches {self.filter_text}" if chart.rows else "no record here"
            self.query_one("#timeline-title", Static).update(" Timeline")
            self.query_one("#readout", Static).update(content(f" {missing} has both a date and a score"))
            return
        index, count = chart.stops.index(chart.cursor) + 1, len(chart.stops)
        matching = f" that match {fit(self.filter_text, _FILTER_COLUMNS)}" if self.filter_text else ""
        looks = {"frontier": "scores of the frontier", "all": "all scores", "near": "scores near the cursor"}
        order = "by date" if chart.order == "date" else "one after the other"
        text = f" Timeline  record {index} of {count}{matching}, val_bpb {bpb_text(score(row))}"
        self.query_one("#timeline-title", Static).update(content(f"{text}   {looks[chart.scale]}, {order}"))
        self.query_one("#readout", Static).update(readout(row, self.board, self.host.glyphs))
