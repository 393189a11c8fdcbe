"""The drawings: the record through time, the spread of seeds, and the curves of one record."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from typing import Any

from markupsafe import Markup
from matplotlib.dates import ConciseDateFormatter, date2num
from matplotlib.ticker import MaxNLocator

from golfcheck.board.model import Row
from golfcheck.core import stats
from golfcheck.core.numbers import bpb_text
from golfcheck.core.text import fit
from golfcheck.live.curves import Curve, Point
from golfcheck.render.board_columns import title_of
from golfcheck.site.svg import ACCENT, DIM, INK, PAPER, SERIES, drawing, titled

_INCHES = 13.5  # of 72 points: at the width of a page, text is as large as the page's
_YEARS = range(2015, 2101)  # a folder may be named for any day, but one of year 1 would make a dot of all others
_SPREAD_ROWS = 40  # of the seeds' chart: what a page has room for
_NAME_COLUMNS = 40
_LINE_POINTS = 300  # of a curve: more than its pixels show
_MARKED_POINTS = 40  # of a curve's validations: each is a link
_WARM_UP = 0.05  # of the steps: the loss falls from 6.9 to 3 there, and would flatten all that follows
_SANE = range(10**9)  # steps
_SANE_NATS = 100.0


def progress(rows: Iterable[Row], pages: Mapping[str, str]) -> Markup | None:
    """Return val_bpb over time: the records as steps, all others as dots, with the spread of their seeds as bars.

    `pages` has the address of each record's page by its path. None where no record that takes part has a day.
    """
    drawn = [row for row in rows if row.takes_part and row.score_bpb and row.made and row.made.year in _YEARS]
    held = sorted((row for row in drawn if row.held), key=_day)
    if not drawn:
        return None
    with drawing("progress", _INCHES, 5.0, left=0.6) as (figure, out):
        axes = figure.subplots()
        if held:
            days = [*map(_day, held), max(map(_day, drawn))]
            scores = [*map(_score, held), _score(held[-1])]
            axes.step(days, scores, where="post", color=ACCENT, linewidth=1.6, zorder=2)
        for chosen, color, size in ((False, DIM, 18), (True, ACCENT, 46)):
            group = sorted((row for row in drawn if row.held is chosen), key=lambda row: row.verdict.path)
            days, ends = list(map(_day, group)), list(map(_ends, group))
            axes.vlines(
                days, [low for low, _ in ends], [high for _, high in ends], color=color, linewidth=1.2, zorder=2
            )
            dots = axes.scatter(
                days,
                list(map(_score, group)),
                s=size,
                color=color if chosen else PAPER,
                edgecolors=PAPER if chosen else DIM,
                linewidths=1.2,
                zorder=4 if chosen else 3,
            )
            dots.set_urls([pages[row.verdict.path] for row in group])
        _labelled(axes, "val_bpb")
        axes.xaxis_date(UTC)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator(), UTC))  # type: ignore[no-untyped-call]
        axes.grid(visible=False, axis="x")
    return titled(out[0], "val_bpb of the records over time", {pages[row.verdict.path]: _label(row) for row in drawn})


def spread(rows: Iterable[Row], pages: Mapping[str, str]) -> Markup | None:
    """Return how far each seed's val_bpb is from the mean of its record, in thousandths, the best records first.

    None where no record that takes part has two seeds.
    """
    drawn = [row for row in rows if row.takes_part and len(row.seeds_bpb) > 1][:_SPREAD_ROWS]
    if not drawn:
        return None
    with drawing("spread", _INCHES, 0.8 + 0.29 * len(drawn), left=3.9, top=0.05) as (figure, out):
        axes = figure.subplots()
        for place, row in enumerate(drawn):
            color = ACCENT if row.held else DIM
            mean = stats.mean(row.seeds_bpb)
            apart = [(bpb - mean) * 1e3 for bpb in row.seeds_bpb]
            axes.hlines(place, min(apart), max(apart), color=color, linewidth=1.2, zorder=2)
            dots = axes.scatter(apart, [place] * len(apart), s=26, color=color, edgecolors=PAPER, zorder=3)
            dots.set_urls([pages[row.verdict.path]] * len(apart))
        axes.set_yticks(range(len(drawn)), [_short(row) for row in drawn])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.axvline(0, color=DIM, linewidth=0.8, zorder=1)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("val_bpb of a seed minus its record's mean, thousandths")
    return titled(out[0], "spread of the seeds", {pages[row.verdict.path]: _label(row) for row in drawn})


def losses(curves: Sequence[Curve], lines: Mapping[tuple[str, int], str]) -> Markup | None:
    """Return the training loss and the validation score of every run over its steps, side by side.

    `lines` has the address of a validation's line by its log's path and number. None where nothing can be drawn.
    """
    panels = [
        (name, unit, [_drawn(getattr(curve, name)) for curve in curves])
        for name, unit in (("train", "training loss, nats per token"), ("val", "validation, bpb"))
    ]
    panels = [panel for panel in panels if any(panel[2])]
    if not panels:
        return None
    titles: dict[str, str] = {}
    with drawing("losses", _INCHES / 2 * len(panels), 4.2, left=0.6) as (figure, out):
        for axes, (name, unit, found) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for place, (curve, points) in enumerate(zip(curves, found, strict=True)):
                color = SERIES[place % len(SERIES)]
                label = "seed ?" if curve.seed is None else f"seed {curve.seed}"
                line = _thin(points, _LINE_POINTS)
                marker = "o" if len(line) <= _MARKED_POINTS // 2 and name == "train" else ""
                steps, values = [point.step for point in line], [_value(point, name) for point in line]
                axes.plot(steps, values, color=color, linewidth=1.3, marker=marker, markersize=3, label=label)
                if name == "val":
                    marked = [point for point in _thin(points, _MARKED_POINTS) if (curve.log, point.line) in lines]
                    dots = axes.scatter(
                        [point.step for point in marked],
                        [_value(point, name) for point in marked],
                        s=30,
                        color=color,
                        edgecolors=PAPER,
                        linewidths=0.6,
                        zorder=3,
                    )
                    dots.set_urls([lines[curve.log, point.line] for point in marked])
                    for point in marked:
                        told = f"{label}, step {point.step:,}: {_value(point, name):.4f} bpb"
                        titles[lines[curve.log, point.line]] = told
            _frame(axes, [(point.step, _value(point, name)) for points in found for point in points])
            _labelled(axes, unit)
            axes.set_xlabel("step")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
            if name == panels[0][0] and len(curves) <= len(SERIES):
                axes.legend(loc="upper right", fontsize=9, labelcolor=DIM)
    return titled(out[0], "losses of all seeds over the steps", titles, tab_stops=False)


def marked_lines(curve: Curve) -> list[int]:
    """Return the lines of the validations that `losses` marks, to be linked."""
    return [point.line for point in _thin(_drawn(curve.val), _MARKED_POINTS)]


def _drawn(points: Sequence[Point]) -> list[Point]:
    """Return what a chart can show: a log may state any number."""
    sane = (p for p in points if p.step in _SANE and 0 < p.loss_nats < _SANE_NATS)
    return [point for point in sane if point.bpb is None or 0 < point.bpb < _SANE_NATS]


def _thin(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most `most` points at even distances, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _value(point: Point, name: str) -> float:
    return point.bpb if name == "val" and point.bpb is not None else point.loss_nats


def _frame(axes: Any, points: Sequence[tuple[int, float]]) -> None:
    """Cut off the warm-up's losses, unless nothing else is there."""
    start = _WARM_UP * max(step for step, _ in points)
    values = [value for step, value in points if step >= start]
    low, high = min(value for _, value in points), max(values)
    if high > low:
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _labelled(axes: Any, unit: str) -> None:
    """Name the y axis above it, where it is read without turning the head."""
    axes.set_title(unit, loc="left", fontsize=10, color=DIM)
    axes.tick_params(axis="both", length=0)


def _day(row: Row) -> float:
    """Return when a record was made, in matplotlib's days."""
    assert row.made is not None
    return float(date2num(row.made))  # type: ignore[no-untyped-call]


def _score(row: Row) -> float:
    assert row.score_bpb is not None
    return row.score_bpb


def _ends(row: Row) -> tuple[float, float]:
    return (min(row.seeds_bpb), max(row.seeds_bpb)) if row.seeds_bpb else (_score(row), _score(row))


def _short(row: Row) -> str:
    return fit(title_of(row), _NAME_COLUMNS)


def _label(row: Row) -> str:
    day: date | str = row.made.date() if row.made else "no date"
    return f"{_short(row)}, {day}: {bpb_text(_score(row))} bpb"
