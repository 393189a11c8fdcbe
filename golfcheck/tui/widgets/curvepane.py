"""The curves of several runs, with a legend and selectable axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from golfcheck.core.numbers import bpb_text, percent_text
from golfcheck.core.text import fit, safe
from golfcheck.live.curves import Curve
from golfcheck.live.series import Smoothing, XAxis, YAxis, bounds, clipped, same_tokens, series, smooths
from golfcheck.tui.widgets.chart import ASCII_MARKS, MARKS, CurveChart, Plot, PlotLine, colors, is_ascii
from golfcheck.tui.widgets.keyline import refit
from golfcheck.tui.widgets.sheet import plain

_LABELS = {YAxis.BPB: "bpb", YAxis.LOSS: "nats", YAxis.LOG: "log nats"}
_Y, _X = tuple(YAxis), tuple(XAxis)
_OTHER_TOKENS = ("the tokens differ: compare bits per byte (y)", "the tokens differ: press y", "tokens differ")
_ZOOMS = (1.0, 0.5, 0.2, 0.05)  # fraction of the run that is shown, up to its end
_SMOOTHINGS = tuple(Smoothing)
_SMOOTHING_TEXT = {Smoothing.TREND: "", Smoothing.STRONG: ", smoother", Smoothing.NONE: ", not smoothed"}
_NAME = 16  # with less room for names, warnings become shorter
_LEAST_NAME = 6


@dataclass(frozen=True, slots=True)
class Bundle:
    """Curves with the same color, those of a seed or of a record; the name is safe to draw."""

    name: str
    curves: tuple[Curve, ...]


class CurvePane(Vertical):
    """A legend and a chart; the keys `y` and `x` switch the axes."""

    DEFAULT_CSS = """
    CurvePane { height: 1fr; }
    CurvePane > .legend { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "turn_y", "axis", tooltip="vertical axis: bits per byte, loss, log of the loss"),
        Binding("x", "turn_x", "axis", tooltip="horizontal axis: steps or seconds"),
        Binding(
            "z", "zoom(1)", "zoom", tooltip="zoom in on the last half of the run, fifth, twentieth, then out again"
        ),
        Binding("Z", "zoom(-1)", "zoom out", show=False, tooltip="zoom out one step"),
        Binding("m", "smooth", "smooth", tooltip="smooth the training losses, more, or not at all"),
        Binding("right", "choose(1)", "next curve", show=False, tooltip="select the next curve in the legend"),
        Binding("left", "choose(-1)", "previous curve", show=False, tooltip="select the previous curve"),
        Binding("space", "hide", "hide", tooltip="hide or show the selected curve"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.y, self.x = YAxis.BPB, XAxis.STEP
        self.zoom, self.smoothing = _ZOOMS[0], Smoothing.TREND
        self.cursor = 0  # of the selected curve in the legend
        self.hidden: set[str] = set()  # names of curves
        self.chosen = False  # whether the user chose y
        self.bundles: tuple[Bundle, ...] = ()
        self.level: float | None = None
        self.missing = ""  # why there is nothing to draw on any axis
        self._drawable: frozenset[tuple[YAxis, XAxis]] = frozenset()  # axes on which there is something to draw
        self._smooths = False  # whether smoothing changes the curves on the present axes

    def compose(self) -> ComposeResult:
        """Yield the legend and the chart."""
        yield Static(classes="legend", markup=False)
        yield CurveChart()

    def show(self, bundles: Sequence[Bundle], level: float | None = None, missing: str = "") -> None:
        """Draw curves; `level` is the score to beat, in bpb. Starts with bpb if a log has it.

        `missing` is the reason if there are none at all, safe to draw.
        """
        self.bundles, self.level, self.missing = tuple(bundles), level, missing
        curves = [curve for bundle in bundles for curve in bundle.curves]
        self._drawable = frozenset((y, x) for y in _Y for x in _X if series(curves, y, x, Smoothing.NONE))
        if not self.chosen:
            self.y = YAxis.LOSS if curves and (YAxis.BPB, self.x) not in self._drawable else YAxis.BPB
        self.redraw()

    def acts(self, action: str) -> bool:
        """Whether a key would change what is drawn."""
        if action == "turn_y":
            return any(y is not self.y for y, _ in self._drawable)
        if action == "turn_x":
            return any(x is not self.x for _, x in self._drawable)
        if action == "hide":
            return self._hides()
        return bool(self._drawable) if action != "smooth" else self._smooths

    def turn_y(self) -> None:
        """Switch the vertical axis."""
        self.y, self.chosen = _Y[(_Y.index(self.y) + 1) % len(_Y)], True
        self.redraw()

    def turn_x(self) -> None:
        """Switch the horizontal axis."""
        self.x = _X[(_X.index(self.x) + 1) % len(_X)]
        self.redraw()

    def action_turn_y(self) -> None:
        """Switch the vertical axis."""
        self.turn_y()

    def action_turn_x(self) -> None:
        """Switch the horizontal axis."""
        self.turn_x()

    def action_zoom(self, way: int) -> None:
        """Zoom in on the end of the run, or out."""
        self.zoom = _ZOOMS[(_ZOOMS.index(self.zoom) + way) % len(_ZOOMS)]
        self.redraw()

    def action_smooth(self) -> None:
        """Smooth the training losses more, or less."""
        self.smoothing = _SMOOTHINGS[(_SMOOTHINGS.index(self.smoothing) + 1) % len(_SMOOTHINGS)]
        self.redraw()

    def action_choose(self, way: int) -> None:
        """Select another curve in the legend."""
        self.cursor = (self.cursor + way) % max(1, len(self.bundles))
        self.redraw()

    def action_hide(self) -> None:
        """Hide or show the selected curve; one always remains."""
        if self._hides():
            self.hidden ^= {self.bundles[self.cursor].name}
            self.redraw()

    def _hides(self) -> bool:
        """Whether the selected curve is hidden, or is not the last one shown."""
        names = {bundle.name for bundle in self.bundles}
        here = self.bundles[self.cursor].name if self.cursor < len(self.bundles) else None
        return here is not None and (here in self.hidden or len(names - self.hidden) > 1)

    def redraw(self) -> None:
        """Draw the curves on the selected axes."""
        runs = [
            (index, run)
            for index, bundle in enumerate(self.bundles)
            if bundle.name not in self.hidden
            for run in series(bundle.curves, self.y, self.x, self.smoothing)
        ]
        chart, frame = self.query_one(CurveChart), bounds([run for _, run in runs], self.y, self.zoom)
        self._smooths = smooths([run for _, run in runs])
        self.query_one(".legend", Static).update(self._legend())
        refit(self.screen)
        if frame is None:
            chart.show(None, self._nothing())
            return
        left = frame[0][0]
        lines = []
        for index, run in runs:
            marks = [point for point in run.val if point[0] >= left]
            lines.append(PlotLine(clipped(run.trend or run.train, left), index, marks))
            if run.trend:
                lines.append(PlotLine([point for point in run.train if point[0] >= left], index, faint=True))
        level = self.level if self.y is YAxis.BPB else None
        label = "s" if self.x is XAxis.TIME else "step"
        x, (low, high) = frame
        if level is not None and low - (high - low) < level < high:
            low = min(low, level)
        margin = 0.03 * (high - low)
        y = (low, high) if self.y is YAxis.LOG else (low - margin, high)
        text = f"to beat {bpb_text(level)}" if level is not None else ""
        chart.show(Plot(lines, x, y, label, _LABELS[self.y], self.y is YAxis.LOG, level, text))

    def on_resize(self) -> None:
        """Draw the legend that fits."""
        self.query_one(".legend", Static).update(self._legend())

    def on_mount(self) -> None:
        """Redraw the legend when the theme changes."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def _nothing(self) -> str:
        """Say why nothing is drawn, and which key helps, if any."""
        if not self._drawable:
            return self.missing or "no log has losses or validation scores to draw"
        wanted = "validation scores" if self.y is YAxis.BPB else "losses"
        return f"the logs have no {wanted}{' with times' if self.x is XAxis.TIME else ''} to draw: press y or x"

    def _legend(self) -> Content:
        """Return the legend: warnings, names, and the axes if there is room."""
        marks, palette = ASCII_MARKS if is_ascii(self) else MARKS, colors(self)
        columns, count = self.size.width - 2, max(1, len(self.bundles))
        warning = ""
        if self.y is not YAxis.BPB and not same_tokens([curve for bundle in self.bundles for curve in bundle.curves]):
            long = (form for form in _OTHER_TOKENS if columns - len(form) - 2 >= count * (_NAME + 4))
            warning = next(long, _OTHER_TOKENS[-1]) + "  "
        room = max(_LEAST_NAME, (columns - len(warning)) // count - 4)
        parts = []
        for index, bundle in enumerate(self.bundles):
            style = "dim strike" if bundle.name in self.hidden else palette[index % len(palette)]
            if index == self.cursor and len(self.bundles) > 1:
                style = f"{style} underline"
            name = f"{marks[index % len(marks)]} {self._shown(bundle.name, room)}"
            parts += [Content.styled(name, style), Content("  ")]
        over = "seconds trained" if self.x is XAxis.TIME else "steps"
        what = {YAxis.BPB: "bits per byte", YAxis.LOSS: "nats per token", YAxis.LOG: "nats per token, log"}[self.y]
        zoomed = "" if self.zoom == 1 else f", last {percent_text(self.zoom)}"
        names, axes = Content("").join(parts), f"{what} over {over}{zoomed}{_SMOOTHING_TEXT[self.smoothing]}"
        notes = (f"{axes}; lines: training, marks: validation", f"{axes}; marks: validation", axes, "")
        room = columns - len(warning) - names.cell_length
        note = next(note for note in notes if len(note) <= room or not note)
        # Before the names, because long lines are cut at the end.
        return Content.assemble((warning, "bold $warning"), names, (note, "dim"))

    def _shown(self, name: str, columns: int) -> str:
        text = fit(safe(name), columns)
        return plain(text) if is_ascii(self) else text
