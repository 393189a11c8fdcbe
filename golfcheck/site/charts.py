"""The charts: the record over time, the spread of seeds, and the curves of a record."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from markupsafe import Markup

from golfcheck.board.model import Row, chronological, score, when
from golfcheck.core import stats
from golfcheck.core.numbers import bpb_text, rough_text
from golfcheck.core.text import fit
from golfcheck.live.axes import DAY_SECONDS, day_ticks, padded, ticks
from golfcheck.live.curves import Curve, thinned
from golfcheck.render.board_columns import title_of
from golfcheck.site.svg import ACCENT, DIM, INK, XY, Chart, Link

_YEARS = range(2015, 2101)  # a folder name may contain any date, but year 1 would squeeze all others into a dot
_RECENT = 0.5  # share of the records that held the lead which the second chart shows
_LEAST_RECENT = 4  # minimum number for a second chart
_SPREAD_ROWS = 40  # number of rows in the chart of seeds
_ROW_PIXELS = 19.0
_OUTLIER = 0.9  # share of the rows that sets the width; values far beyond it are arrows at the edge
_FAR = 3.0  # times the width that this share needs
_NAME_COLUMNS = 36
_SERIES = tuple(f"var(--s{number})" for number in range(1, 7))  # colors of the seeds
_LINE_POINTS = 300  # of a curve, more than it has pixels
_MARKED_POINTS = 40  # links on a curve's validations
_WARM_UP = 0.05  # share of the steps in which the loss falls from 6.9 to 3, which would flatten the rest


def progress(rows: Iterable[Row], pages: Mapping[str, str]) -> list[Markup]:
    """Return val_bpb over time: the frontier as steps, other records as circles, the spread of their seeds as bars.

    `pages` maps each record's path to the address of its page. If there are enough records, a second chart shows the
    recent half, whose gains are small compared with the early ones. Empty if no ranked record has a date.
    """
    dated = (row for row in rows if row.takes_part and row.score_bpb and row.created and row.created.year in _YEARS)
    shown = chronological(dated)
    held = [row for row in shown if row.held]
    if not shown:
        return []
    charts = [_through_time("val_bpb of all records over time", "val_bpb, all records", shown, held, pages)]
    recent = held[int(len(held) * _RECENT) :]
    if _LEAST_RECENT <= len(recent) < len(held):
        near = [row for row in shown if when(row) >= when(recent[0]) and score(row) <= score(recent[0])]
        title = f"val_bpb since {when(recent[0]):%Y-%m-%d}"
        charts.append(_through_time(f"{title}, enlarged", title, near, recent, pages))
    return charts


def _through_time(label: str, unit: str, rows: Sequence[Row], held: Sequence[Row], pages: Mapping[str, str]) -> Markup:
    days, scores = list(map(_day, rows)), [bpb for row in rows for bpb in (score(row), *row.seeds_bpb)]
    x, y = padded(days[0], days[-1], 0.02, 1.0), padded(min(scores), max(scores), 0.05, 1e-3)
    chart = Chart(label, x, y)
    chart.axis_y(unit)
    chart.axis_x(day_ticks(*x))
    steps: list[XY] = []
    for row in held:
        steps += [(_day(row), steps[-1][1])] if steps else []
        steps.append((_day(row), score(row)))
    chart.line([*steps, (days[-1], steps[-1][1])] if steps else [], ACCENT)
    for row in sorted(rows, key=lambda row: row.held):  # records on top of the others
        color = ACCENT if row.held else DIM
        if len(set(row.seeds_bpb)) > 1:
            chart.line([(_day(row), min(row.seeds_bpb)), (_day(row), max(row.seeds_bpb))], color, 1.2)
        chart.dot((_day(row), score(row)), color, 4.5 if row.held else 3.5, _link(row, pages), filled=row.held)
    return chart.markup()


def spread(rows: Iterable[Row], pages: Mapping[str, str]) -> Markup | None:
    """Return how far each seed's val_bpb is from the mean of its record, in thousandths, the best records first.

    A log with several configurations has very different scores, which would squeeze all others. So values beyond the
    width that most records need are arrows at the edge. Empty if no ranked record has two seeds.
    """
    shown = [row for row in rows if row.takes_part and len(row.seeds_bpb) > 1][:_SPREAD_ROWS]
    if not shown:
        return None
    apart = [[(bpb - stats.mean(row.seeds_bpb)) * 1e3 for bpb in row.seeds_bpb] for row in shown]
    reaches = sorted(max(map(abs, values)) for values in apart)
    usual = reaches[int(_OUTLIER * (len(reaches) - 1))] or reaches[-1] or 1.0
    limit = 1.15 * (reaches[-1] if usual < reaches[-1] <= _FAR * usual else usual)
    height = 58.0 + _ROW_PIXELS * len(shown)
    chart = Chart("spread of the seeds", (-limit, limit), (len(shown) - 0.4, -0.6), 960, height, left=300, top=4)
    chart.axis_x(ticks(-limit, limit, 9, "+"), "val_bpb of a seed minus its record's mean, in thousandths")
    chart.line([(0, -0.6), (0, len(shown) - 0.4)], DIM, 0.8)
    for index, (row, values) in enumerate(zip(shown, apart, strict=True)):
        color, (href, title) = ACCENT if row.held else DIM, _link(row, pages)
        inside = [min(max(value, -limit), limit) for value in values]
        chart.line([(min(inside), index), (max(inside), index)], color, 1.2)
        for value, drawn in zip(values, inside, strict=True):
            if drawn == value:
                chart.dot((value, index), color, 3.5, (href, title))
            else:
                far = f"{title}; {value:+.1f} thousandths from the mean"
                chart.arrow((drawn, index), color, 1 if value > 0 else -1, (href, far))
        _, y = chart.at(0, index)
        chart.text((chart.left - 10, y + 4), fit(title_of(row), _NAME_COLUMNS), INK, "end")
    return chart.markup()


def losses(curves: Sequence[Curve], href: Callable[[str, int], str | None]) -> list[Markup]:
    """Return the training losses and the validations of all runs over their steps; the dots of validations are links.

    `href` returns the address of a line in a log, or None if the site does not contain it.
    """
    charts = []
    train = [[(float(point.step), point.loss_nats) for point in curve.train] for curve in curves]
    val = [[(float(point.step), point.bpb or 0.0) for point in curve.val] for curve in curves]
    for unit, runs in (("training loss, nats per token", train), ("validation, bpb", val)):
        points = [point for run in runs for point in run]
        if not points:
            continue
        end = max(step for step, _ in points)
        settled = [value for step, value in points if step >= _WARM_UP * end]
        y = padded(min(value for _, value in points), max(settled), 0.05, 1e-3)
        chart = Chart(f"{unit} over the steps, all seeds", (0.0, end or 1.0), y)
        chart.axis_y(unit)
        chart.axis_x(ticks(*chart.x, 5, ","), "step")
        for index, (curve, run) in enumerate(zip(curves, runs, strict=True)):
            color = _SERIES[index % len(_SERIES)]
            chart.line([point for point in thinned(run, _LINE_POINTS) if point[1] <= y[1]], color, 1.4)
            for mark in thinned(curve.val, _MARKED_POINTS) if runs is val else ():
                bpb = mark.bpb or 0.0
                if bpb <= y[1] and (address := href(curve.log, mark.line)):
                    title = f"{curve.name}, step {mark.step:,}: {rough_text(bpb)} bpb"
                    chart.dot((mark.step, bpb), color, 3.5, (address, title))
        charts.append(chart.markup())
    return charts


def legend(curves: Sequence[Curve]) -> list[str]:
    """Return the names of the curves in the order of their colors; empty if there are more curves than colors."""
    return [curve.name for curve in curves] if len(curves) <= len(_SERIES) else []


def _day(row: Row) -> float:
    return when(row).timestamp() / DAY_SECONDS


def _link(row: Row, pages: Mapping[str, str]) -> Link:
    day = row.created.date() if row.created else "no date"
    return pages[row.verdict.path], f"{fit(title_of(row), _NAME_COLUMNS)}, {day}: {bpb_text(score(row))} bpb"
