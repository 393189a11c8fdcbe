"""A chart: lines and marks in a frame with ticks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rich.text import Text
from textual.widget import Widget

from golfcheck.live.axes import nice, tick_decimals
from golfcheck.tui.drawing.canvas import DotCanvas

DARK = ("#7fc8a9", "#e8c170", "#89a8d6", "#e8716b", "#c79be0", "#d9ddd7")  # on a dark background
LIGHT = ("#1f6f54", "#8a5a00", "#33598f", "#b3261e", "#7a3fa0", "#22282a")
MARKS = ("●", "▲", "■", "◆", "▼", "○")
ASCII_MARKS = ("o", "^", "#", "*", "v", "@")
_TICK_ROWS, _TICK_COLUMNS = 4, 9  # minimum number of cells between ticks
_LABEL = 8  # columns of a number

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A line through points sorted by x, and points with a mark; a mark is always a validation."""

    points: Points
    index: int = 0  # selects its color and mark
    marks: Points = ()
    faint: bool = False  # dots in a weaker color, below the other lines


@dataclass(frozen=True, slots=True)
class Plot:
    """What a chart shows; x and y are ranges."""

    lines: Sequence[PlotLine]
    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str = ""
    y_label: str = ""
    log_y: bool = False
    level: float | None = None  # a value of y with a horizontal line
    level_label: str = ""
    x_text: Callable[[float], str] = field(default=lambda value: f"{value:,.0f}")


class CurveChart(Widget, can_focus=True):
    """A plot as large as the widget, or a line that says why there is none."""

    DEFAULT_CSS = """
    CurveChart { height: 1fr; padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.plot: Plot | None = None
        self.reason = "reading"

    def show(self, plot: Plot | None, reason: str = "") -> None:
        """Draw a plot, or say why there is none; both are trusted."""
        self.plot, self.reason = plot, reason
        self.refresh()

    def on_mount(self) -> None:
        """Redraw when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Text:
        """Return the chart."""
        columns, rows = self.content_size
        if self.plot is None or columns < 24 or rows < 5:
            return Text(self.reason, "dim")
        return Text("\n", no_wrap=True, end="").join(
            draw(self.plot, columns, rows, colors=colors(self), ascii_only=is_ascii(self))
        )


def colors(widget: Widget) -> Sequence[str]:
    """Return the colors of lines in the app's theme."""
    return DARK if widget.app.current_theme.dark else LIGHT


def is_ascii(widget: Widget) -> bool:
    """Whether the app uses only ASCII."""
    return bool(getattr(widget.app, "ascii_only", False))


def draw(plot: Plot, columns: int, rows: int, *, colors: Sequence[str] = DARK, ascii_only: bool = False) -> list[Text]:
    """Return `rows` lines of `columns` cells: the frame with its ticks, and the lines with their marks."""
    canvas = DotCanvas(columns - _LABEL - 2, rows - 2, ascii_only=ascii_only)
    low, high = (_log(value, plot) for value in plot.y)
    left, right = plot.x
    wide, tall = (right - left) or 1.0, (high - low) or 1.0

    def index(x: float, y: float) -> tuple[float, float]:
        return (x - left) / wide * (canvas.width - 1), (_log(y, plot) - low) / tall * (canvas.height - 1)

    if plot.level is not None:
        _, at = index(left, plot.level)
        for across in range(0, canvas.width, 2 if ascii_only else 4):
            canvas.dot(across, at, "dim")
    for line in sorted(plot.lines, key=lambda line: (not line.faint, -line.index)):
        style = f"{'dim ' if line.faint else ''}{colors[line.index % len(colors)]}"
        dots = [index(x, y) for x, y in line.points]
        for start, end in pairwise(dots) if not line.faint else ():
            canvas.line(start, end, style)
        for dot in dots if line.faint or len(dots) == 1 else ():
            canvas.dot(*dot, style)
    marks = ASCII_MARKS if ascii_only else MARKS
    for line in sorted(plot.lines, key=lambda line: -line.index):  # the first line is on top
        for x, y in line.marks:
            canvas.mark(*index(x, y), marks[line.index % len(marks)], f"bold {colors[line.index % len(colors)]}")
    return _framed(plot, canvas, (low, high), (left, right))


def _framed(plot: Plot, canvas: DotCanvas, y: tuple[float, float], x: tuple[float, float]) -> list[Text]:
    """Draw the axes around a canvas: ticks of y on the left, ticks of x below, labels in the last line."""
    side, at_y, corner, floor, at_x = ("|", "+", "+", "-", "+") if canvas.ascii_only else ("│", "┤", "└", "─", "┬")
    values = [10**value if plot.log_y else value for value in y]
    count = max(2, canvas.rows // (1 if plot.log_y else _TICK_ROWS))
    digits = tick_decimals(values[1] - values[0], count)
    ticks: dict[int, str] = {}
    for value in nice(values[0], values[1], count):
        share = (_log(value, plot) - y[0]) / ((y[1] - y[0]) or 1.0)
        ticks.setdefault(
            canvas.rows - 1 - int(share * (canvas.height - 1)) * canvas.rows // canvas.height, f"{value:.{digits}f}"
        )
    lines = []
    for row, drawn in enumerate(canvas.lines()):
        head = f"{ticks[row]:>{_LABEL}} {at_y}" if row in ticks else " " * (_LABEL + 1) + side
        lines.append(Text.assemble((head, "dim"), drawn, no_wrap=True, end=""))
    base, below = [floor] * canvas.columns, [" "] * canvas.columns
    label = f" {plot.x_label}"
    for value in nice(x[0], x[1], max(2, canvas.columns // _TICK_COLUMNS)):
        column = int((value - x[0]) / ((x[1] - x[0]) or 1.0) * (canvas.width - 1)) * canvas.columns // canvas.width
        text = plot.x_text(value)
        start = max(0, min(column - len(text) // 2, canvas.columns - len(text)))
        if start + len(text) > canvas.columns - len(label) or any(
            c != " " for c in below[max(0, start - 1) : start + len(text) + 1]
        ):
            continue
        base[column] = at_x
        below[start : start + len(text)] = text
    below[canvas.columns - len(label) :] = label
    lines.append(Text(" " * (_LABEL + 1) + corner + "".join(base), "dim", no_wrap=True, end=""))
    lines.append(Text(f"{plot.y_label:>{_LABEL}}  " + "".join(below), "dim", no_wrap=True, end=""))
    if plot.level is not None and plot.level_label:
        _write_level(plot, canvas, lines, y)
    return lines


def _write_level(plot: Plot, canvas: DotCanvas, lines: list[Text], y: tuple[float, float]) -> None:
    """Write the label of the level above its line, on the left, where there are few curves."""
    assert plot.level is not None
    share = (_log(plot.level, plot) - y[0]) / ((y[1] - y[0]) or 1.0)
    if not 0 <= share <= 1:
        return
    row = canvas.rows - 1 - int(share * (canvas.height - 1)) * canvas.rows // canvas.height
    start = _LABEL + 3
    label = Text(f" {plot.level_label} ", "dim")
    lines[row] = Text("", no_wrap=True, end="").join([lines[row][:start], label, lines[row][start + len(label) :]])


def _log(value: float, plot: Plot) -> float:
    return math.log10(max(value, 1e-12)) if plot.log_y else value
