"""The curves of runs over each other, with what they are drawn on and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from golfcheck.core.numbers import bpb_text
from golfcheck.core.text import fit, safe
from golfcheck.live.curves import Curve
from golfcheck.live.series import XAxis, YAxis, bounds, same_tokens, series
from golfcheck.tui.widgets.chart import ASCII_MARKS, MARKS, CurveChart, Plot, PlotLine, colors, is_ascii
from golfcheck.tui.widgets.sheet import plain

_LABELS = {YAxis.BPB: "bpb", YAxis.LOSS: "nats", YAxis.LOG: "log nats"}
_Y, _X = tuple(YAxis), tuple(XAxis)
_OTHER_TOKENS = ("the tokens differ: compare bits per byte (y)", "the tokens differ: press y", "tokens differ")
_NAME = 16  # columns of a name below which a warning takes a shorter form
_LEAST_NAME = 6


@dataclass(frozen=True, slots=True)
class Bundle:
    """Curves of one color: a seed's, or all of a record's; the name is safe to draw."""

    name: str
    curves: tuple[Curve, ...]


class CurvePane(Vertical):
    """A legend and a chart; `y` and `x` go through the axes."""

    DEFAULT_CSS = """
    CurvePane { height: 1fr; }
    CurvePane > .legend { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.y, self.x = YAxis.BPB, XAxis.STEP
        self.chosen = False  # whether y was, and so stays
        self.bundles: tuple[Bundle, ...] = ()
        self.level: float | None = None
        self.missing = ""  # why there is nothing to draw, where no other axis can help

    def compose(self) -> ComposeResult:
        """Yield the legend and the chart."""
        yield Static(classes="legend", markup=False)
        yield CurveChart()

    def show(self, bundles: Sequence[Bundle], level: float | None = None, missing: str = "") -> None:
        """Draw curves; `level` is the score to beat, in bpb. Begins with bpb where a log allows it.

        `missing` says, in words of ours or safe to draw, why there may be none at all.
        """
        self.bundles, self.level, self.missing = tuple(bundles), level, missing
        curves = [curve for bundle in bundles for curve in bundle.curves]
        if not self.chosen:
            self.y = YAxis.LOSS if curves and not series(curves, YAxis.BPB, self.x) else YAxis.BPB
        self.redraw()

    def turn_y(self) -> None:
        """Take the next axis upwards."""
        self.y, self.chosen = _Y[(_Y.index(self.y) + 1) % len(_Y)], True
        self.redraw()

    def turn_x(self) -> None:
        """Take the next axis to the right."""
        self.x = _X[(_X.index(self.x) + 1) % len(_X)]
        self.redraw()

    def redraw(self) -> None:
        """Draw the curves on the present axes."""
        lines, drawn = [], []
        for place, bundle in enumerate(self.bundles):
            for found in series(bundle.curves, self.y, self.x):
                drawn.append(found)
                lines.append(PlotLine(found.trend or found.train, place, found.val))
                lines += [PlotLine(found.train, place, faint=True)] if found.trend else []
        chart, frame = self.query_one(CurveChart), bounds(drawn, self.y)
        self.query_one(".legend", Static).update(self._legend())
        if frame is None:
            chart.show(None, self._nothing())
            return
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
        """Draw the legend again when a theme is chosen."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.redraw())

    def _nothing(self) -> str:
        """Say why nothing is drawn, and which key helps where one does."""
        curves = [curve for bundle in self.bundles for curve in bundle.curves]
        if not any(series(curves, y, x) for y in _Y for x in _X):
            return self.missing or "no log has losses or validation scores to draw"
        wanted = "validation scores" if self.y is YAxis.BPB else "losses"
        return f"the logs have no {wanted}{' with times' if self.x is XAxis.TIME else ''} to draw: press y or x"

    def _legend(self) -> Content:
        """Return what is wrong with the curves side by side, whose they are, and their axes where there is room."""
        marks, palette = ASCII_MARKS if is_ascii(self) else MARKS, colors(self)
        columns, count = self.size.width - 2, max(1, len(self.bundles))
        warning = ""
        if self.y is not YAxis.BPB and not same_tokens([curve for bundle in self.bundles for curve in bundle.curves]):
            long = (form for form in _OTHER_TOKENS if columns - len(form) - 2 >= count * (_NAME + 4))
            warning = next(long, _OTHER_TOKENS[-1]) + "  "
        room = max(_LEAST_NAME, (columns - len(warning)) // count - 4)
        parts = [
            Content.styled(f"{marks[n % len(marks)]} {self._shown(bundle.name, room)}  ", palette[n % len(palette)])
            for n, bundle in enumerate(self.bundles)
        ]
        over = "seconds trained" if self.x is XAxis.TIME else "steps"
        what = {YAxis.BPB: "bits per byte", YAxis.LOSS: "nats per token", YAxis.LOG: "nats per token, log"}[self.y]
        names, axes = Content("").join(parts), f"{what} over {over}"
        notes = (f"{axes}; lines: training, marks: validation", f"{axes}; marks: validation", axes, "")
        room = columns - len(warning) - names.cell_length
        note = next(note for note in notes if len(note) <= room or not note)
        # Before the names: of a line that is too long the end is cut.
        return Content.assemble((warning, "bold $warning"), names, (note, "dim"))

    def _shown(self, name: str, columns: int) -> str:
        text = fit(safe(name), columns)
        return plain(text) if is_ascii(self) else text
