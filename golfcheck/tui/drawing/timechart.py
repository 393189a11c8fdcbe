"""Draw records over time: the frontier as a step line, other records as dots, the seeds' spread as bars."""

from collections.abc import Sequence
from dataclasses import dataclass

from golfcheck.board.model import Row, chronological, score, when
from golfcheck.core.numbers import rough_text
from golfcheck.tui.drawing.glyphs import Glyphs

_LABEL = 8  # columns of the scores on the left
_NEAR_BPB = 0.003  # on either side of the cursor, at the closest scale
_MARGIN = 0.04  # of the range, above and below
SCALES = ("frontier", "all", "near")
ORDERS = ("date", "turn")

ChartCell = tuple[str, str]  # a character, and the name of its style
_BLANK: ChartCell = (" ", "")


@dataclass(frozen=True, slots=True)
class Timeline:
    """The state of the chart: the records, the cursor and the view.

    Records that a filter excludes are not drawn, and the cursor skips them. The frontier is still that of all records.
    """

    rows: tuple[Row, ...]
    cursor: int = 0
    scale: str = "frontier"  # the range of scores: one of SCALES
    order: str = "date"  # the horizontal axis: one of ORDERS
    left_out: frozenset[int] = frozenset()  # indices of records that a filter excludes

    @property
    def stops(self) -> tuple[int, ...]:
        """The indices that the cursor can be on, in chronological order."""
        return tuple(index for index in range(len(self.rows)) if index not in self.left_out)


def drawable(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows with a date and a score, sorted by date; at the same time, the worst score comes first."""
    return chronological(row for row in rows if row.created is not None and row.score_bpb is not None)


def spread(row: Row) -> float:
    """Return the standard deviation of the seeds' scores, 0 for a single seed."""
    summary = row.verdict.score
    return summary.sd_bpb if summary is not None and summary.sd_bpb is not None else 0.0


def limits(chart: Timeline) -> tuple[float, float]:
    """Return the lowest and the highest visible score."""
    here = chart.rows[chart.cursor]
    if chart.scale == "near":
        reach = max(_NEAR_BPB, 6 * spread(here))
        return score(here) - reach, score(here) + reach
    held = [row for row in chart.rows if row.held]
    seen = [chart.rows[index] for index in chart.stops]
    of = held if chart.scale == "frontier" and len(held) > 1 else [*seen, *held]
    low, high = min(map(score, of)), max(map(score, of))
    low = min(low, min(map(score, seen)) if chart.scale == "frontier" and seen else low)
    room = max((high - low) * _MARGIN, 1e-4)
    return low - room, high + room


class TimeCanvas:
    """A grid of cells with scores on the vertical axis; the last two lines are the time axis."""

    def __init__(self, chart: Timeline, columns: int, lines: int) -> None:
        self.cells = [[_BLANK] * columns for _ in range(lines)]
        self.wide, self.high = columns - _LABEL - 2, lines - 2
        self.low, self.top = limits(chart) if chart.stops else (0.0, 1.0)
        self.line_bpb = (self.top - self.low) / max(self.high - 1, 1)
        self.xs = _xs(chart, self.wide) if chart.rows else []

    def line_of(self, bpb: float) -> int:
        """Return the line of a score, which is outside the canvas if the score is not visible."""
        return round((self.top - bpb) / self.line_bpb)

    def put(self, x: int, y: int, cell: ChartCell) -> None:
        """Draw a cell, if it is visible."""
        if 0 <= y < self.high:
            self.cells[y][_LABEL + 1 + x] = cell


def draw(chart: Timeline, columns: int, lines: int, g: Glyphs) -> list[list[ChartCell]]:
    """Return `lines` lines of `columns` cells."""
    canvas = TimeCanvas(chart, columns, lines)
    if not chart.stops or canvas.wide < 8 or canvas.high < 3:
        return canvas.cells
    _score_axis(canvas, g)
    x_here = canvas.xs[chart.cursor]
    for y in range(canvas.high):
        canvas.put(x_here, y, (g.cursor, "cursor"))
    _steps(chart, canvas, g)
    for index in chart.stops:
        x, row = canvas.xs[index], chart.rows[index]
        if chart.scale != "near" or canvas.line_of(score(row)) >= 0:  # near the cursor, most records are not visible
            _record(row, x, canvas, g)
    here = chart.rows[chart.cursor]
    canvas.put(x_here, max(canvas.line_of(score(here)), 0), (g.held if here.held else g.mark, "here"))
    _time_axis(chart, canvas, g)
    return canvas.cells


def nearest(chart: Timeline, columns: int, lines: int, x: int, y: int) -> int:
    """Return the index of the record nearest to a cell; a line counts as two columns."""
    canvas = TimeCanvas(chart, columns, lines)

    def far(index: int) -> float:
        line = max(canvas.line_of(score(chart.rows[index])), 0)
        return (canvas.xs[index] + _LABEL + 1 - x) ** 2 + 4.0 * (line - y) ** 2

    return min(chart.stops, key=far)


def _score_axis(canvas: TimeCanvas, g: Glyphs) -> None:
    for y in range(canvas.high):
        canvas.cells[y][_LABEL] = (g.post, "axis")
    for y in range(0, canvas.high, max(canvas.high // 5, 2)):
        _write(canvas.cells[y], 0, f"{rough_text(canvas.top - canvas.line_bpb * y)}".rjust(_LABEL - 1), "axis")


def _record(row: Row, x: int, canvas: TimeCanvas, g: Glyphs) -> None:
    y, reach, style = canvas.line_of(score(row)), spread(row), "held" if row.held else "other"
    first, last = canvas.line_of(score(row) + reach), canvas.line_of(score(row) - reach)
    if 2 * reach >= canvas.line_bpb:  # a shorter bar would look too long
        for between in range(max(first, 0), min(last, canvas.high - 1) + 1):
            canvas.put(x, between, (g.post, "spread"))
    canvas.put(x, max(y, 0), (g.up if y < 0 else g.held if row.held else g.other, style))


def _xs(chart: Timeline, wide: int) -> list[int]:
    if chart.order == "turn":
        last = max(len(chart.rows) - 1, 1)
        return [index * (wide - 1) // last for index in range(len(chart.rows))]
    first, last_day = when(chart.rows[0]), when(chart.rows[-1])
    whole = (last_day - first).total_seconds() or 1.0
    return [round((when(row) - first).total_seconds() / whole * (wide - 1)) for row in chart.rows]


def _steps(chart: Timeline, canvas: TimeCanvas, g: Glyphs) -> None:
    pairs = zip(canvas.xs, chart.rows, strict=True)
    held = [(x, canvas.line_of(score(row))) for x, row in pairs if row.held]
    for index, (x, y) in enumerate(held):
        next_x, next_y = held[index + 1] if index + 1 < len(held) else (canvas.wide, y)
        for between in range(x, next_x):
            canvas.put(between, y, (g.rule, "line"))
        if next_y != y:
            canvas.put(next_x, y, (g.rise if next_x > x else g.post, "line"))
            for between in range(min(y, next_y) + 1, max(y, next_y)):
                canvas.put(next_x, between, (g.post, "line"))


def _time_axis(chart: Timeline, canvas: TimeCanvas, g: Glyphs) -> None:
    for x in range(_LABEL, len(canvas.cells[0])):
        canvas.cells[-2][x] = (g.rule, "axis")
    dated = [(column, when(row).strftime("%m-%d")) for column, row in zip(canvas.xs, chart.rows, strict=True)]
    column, newest = dated[-1]
    end = min(_LABEL + 1 + column, len(canvas.cells[-1]) - len(newest))  # flush right if it would pass the edge
    free = 0
    for column, label in dated:
        x = _LABEL + 1 + column
        if x >= free and x + len(label) + 2 <= end:  # the newest is always shown
            _write(canvas.cells[-1], x, label, "axis")
            free = x + len(label) + 2
    _write(canvas.cells[-1], end, newest, "axis")


def _write(cells: list[ChartCell], start: int, text: str, style: str) -> None:
    for index, character in enumerate(text, start=start):
        if index < len(cells):
            cells[index] = (character, style)
