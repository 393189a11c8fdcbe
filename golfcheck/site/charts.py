"""The charts: the record over time, the spread of seeds, and the curves of a record."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from golfcheck.board.model import Row
from golfcheck.core import stats
from golfcheck.core.numbers import bpb_text, rough_text
from golfcheck.core.text import fit
from golfcheck.live.axes import nice, tick_decimals
from golfcheck.live.curves import Curve, Point
from golfcheck.render.board_columns import title_of
from golfcheck.site.svg import ACCENT, DIM, INK, SERIES, XY, Chart, Link

_YEARS = range(2015, 2101)  # a folder name may contain any date, but year 1 would squeeze all others into a dot
_DAY_SECONDS = 86_400.0
_DAY_STEPS = (1, 2, 3, 7, 14, 28, 91, 182, 365, 730, 3650, 36_500)  # days between ticks
_RECENT = 0.5  # share of the records that held the lead which the second chart shows
_LEAST_RECENT = 4  # minimum number for a second chart
_SPREAD_ROWS = 40  # number of rows in the chart of seeds
_ROW_PIXELS = 19.0
_OUTLIER = 0.9  # share of the rows that sets the width; values far beyond it are arrows at the edge
_FAR = 3.0  # times the width that this share needs
_NAME_COLUMNS = 40
_SHORT_COLUMNS = 36
_LEGEND_PIXELS = 110.0  # width of a seed's name, in the larger type of a phone
_LEGEND_ROW = 3  # number of names in a row above the chart, beside its unit
_LEGEND_LINE = 20.0  # height of such a row
_LINE_POINTS = 300  # of a curve, more than it has pixels
_MARKED_POINTS = 40  # links on a curve's validations
_WARM_UP = 0.05  # share of the steps in which the loss falls from 6.9 to 3, which would flatten the rest
_SANE = range(10**9)  # steps
_SANE_NATS = 100.0


def progress(rows: Iterable[Row], pages: Mapping[str, str]) -> list[Markup]:
    """Return val_bpb over time: the frontier as steps, other records as circles, the spread of their seeds as bars.

    `pages` maps each record's path to the address of its page. If there are enough records, a second chart shows the
    recent half, whose gains are small compared with the early ones. Empty if no ranked record has a date.
    """
    shown = [row for row in rows if row.takes_part and row.score_bpb and row.created and row.created.year in _YEARS]
    held = sorted((row for row in shown if row.held), key=lambda row: (_day(row), -_score(row)))  # as the record falls
    if not shown:
        return []
    charts = [_through_time("val_bpb of all records over time", "val_bpb, all records", shown, held, pages)]
    recent = held[int(len(held) * _RECENT) :]
    if len(recent) >= _LEAST_RECENT and len(recent) < len(held):
        start, worst = _day(recent[0]), _score(recent[0])
        near = [row for row in shown if _day(row) >= start and _score(row) <= worst]
        title = f"val_bpb since {recent[0].created:%Y-%m-%d}"
        charts.append(_through_time(f"{title}, enlarged", title, near, recent, pages))
    return charts


def _through_time(label: str, unit: str, rows: Sequence[Row], held: Sequence[Row], pages: Mapping[str, str]) -> Markup:
    days, ends = list(map(_day, rows)), [*map(_ends, rows), *((_score(row), _score(row)) for row in rows)]
    x = _padded(min(days), max(days), 0.02, 1.0)
    y = _padded(min(low for low, _ in ends), max(high for _, high in ends), 0.05, 1e-3)
    chart = Chart(label, x, y)
    chart.axis_y(unit)
    chart.axis_x(_day_ticks(*x), lambda day: f"{datetime.fromtimestamp(day * _DAY_SECONDS, UTC):%b %-d}")
    steps: list[XY] = []
    for row in held:
        steps += [(_day(row), steps[-1][1])] if steps else []
        steps.append((_day(row), _score(row)))
    chart.line([*steps, (max(days), steps[-1][1])] if steps else [], ACCENT)
    for row in sorted(rows, key=lambda row: (row.held, row.verdict.path)):  # records on top of the others
        color, (low, high) = ACCENT if row.held else DIM, _ends(row)
        chart.line([(_day(row), low), (_day(row), high)] if high > low else [], color, 1.2)
        link = Link(pages[row.verdict.path], _label(row))
        chart.dot((_day(row), _score(row)), color, 4.5 if row.held else 3.5, link, filled=row.held)
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
    ticks = nice(-limit, limit, 9)
    decimals = tick_decimals(2 * limit, 9)
    chart.axis_x(
        ticks, lambda value: f"{value:+.{decimals}f}", "val_bpb of a seed minus its record's mean, in thousandths"
    )
    chart.line([(0, -0.6), (0, len(shown) - 0.4)], DIM, 0.8)
    for index, (row, values) in enumerate(zip(shown, apart, strict=True)):
        color = ACCENT if row.held else DIM
        link = Link(pages[row.verdict.path], _label(row))
        inside = [min(max(value, -limit), limit) for value in values]
        chart.line([(min(inside), index), (max(inside), index)], color, 1.2)
        for value, drawn in zip(values, inside, strict=True):
            if drawn == value:
                chart.dot((value, index), color, 3.5, link)
            else:
                far = Link(link.href, f"{link.title}; {value:+.1f} thousandths from the mean")
                chart.arrow((drawn, index), color, 1 if value > 0 else -1, far)
        _, y = chart.at(0, index)
        chart.text((chart.left - 10, y + 4), fit(title_of(row), _SHORT_COLUMNS), INK, "end")
    return chart.markup()


def losses(curves: Sequence[Curve], lines: Mapping[tuple[str, int], str]) -> list[Markup]:
    """Return two charts over the steps of all runs: training losses, and validations with dots.

    `lines` returns the address of a line in a log.
    """
    drawings = []
    for name, unit in (("train", "training loss, nats per token"), ("val", "validation, bpb")):
        drawn = [_drawn(getattr(curve, name)) for curve in curves]
        points = [(point.step, _value(point, name)) for each in drawn for point in each]
        if not points:
            continue
        named = len(curves) <= len(SERIES)
        chart = Chart(
            f"{unit} over the steps, all seeds", (0.0, float(max(step for step, _ in points)) or 1.0), _y(points)
        )
        if named:
            extra = _LEGEND_LINE * ((len(curves) - 1) // _LEGEND_ROW)
            chart.top, chart.height = chart.top + extra, chart.height + extra
        chart.axis_y(unit)
        chart.axis_x(nice(*chart.x, 5), lambda step: f"{step:,.0f}", "step")
        for index, (curve, own) in enumerate(zip(curves, drawn, strict=True)):
            color = SERIES[index % len(SERIES)]
            inside = [point for point in _thin(own, _LINE_POINTS) if _value(point, name) <= chart.y[1]]
            chart.line([(point.step, _value(point, name)) for point in inside], color, 1.4)
            for point in _thin(own, _MARKED_POINTS) if name == "val" else ():
                if (href := lines.get((curve.log, point.line))) and _value(point, name) <= chart.y[1]:
                    title = f"{_seed(curve)}, step {point.step:,}: {rough_text(_value(point, name))} bpb"
                    chart.dot((point.step, _value(point, name)), color, 3.5, Link(href, title))
            if named:
                row, column = divmod(index, _LEGEND_ROW)
                columns = min(len(curves) - row * _LEGEND_ROW, _LEGEND_ROW)
                x = chart.width - chart.right - _LEGEND_PIXELS * (columns - 1 - column)
                chart.text((x, 14 + _LEGEND_LINE * row), _seed(curve), color, "end")
        drawings.append(chart.markup())
    return drawings


def marked_lines(curve: Curve) -> list[int]:
    """Return the lines of the validations that `losses` links to."""
    return [point.line for point in _thin(_drawn(curve.val), _MARKED_POINTS)]


def _seed(curve: Curve) -> str:
    return "seed ?" if curve.seed is None else f"seed {curve.seed}"


def _drawn(points: Sequence[Point]) -> list[Point]:
    """Return the points that a chart can show: a log may state any number."""
    sane = (p for p in points if p.step in _SANE and 0 < p.loss_nats < _SANE_NATS)
    return [point for point in sane if point.bpb is None or 0 < point.bpb < _SANE_NATS]


def _thin(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most `most` evenly spaced points, including the first and the last."""
    if len(points) <= most:
        return list(points)
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def _value(point: Point, name: str) -> float:
    return point.bpb if name == "val" and point.bpb is not None else point.loss_nats


def _y(points: Sequence[tuple[int, float]]) -> XY:
    """Return the range of values, without those of the warm-up if there are others."""
    start = _WARM_UP * max(step for step, _ in points)
    return _padded(min(value for _, value in points), max(value for step, value in points if step >= start), 0.05, 1e-3)


def _padded(low: float, high: float, share: float, least: float) -> XY:
    room = max((high - low) * share, least / 2)
    return low - room, high + room


def _day_ticks(first: float, last: float) -> list[float]:
    step = next(days for days in _DAY_STEPS if (last - first) / days <= 6)
    start = -int(-first // 1)  # the first midnight
    return [float(day) for day in range(start, int(last) + 1, step)]


def _day(row: Row) -> float:
    """Return the time of a record in days since 1970."""
    assert row.created is not None
    return row.created.timestamp() / _DAY_SECONDS


def _score(row: Row) -> float:
    assert row.score_bpb is not None
    return row.score_bpb


def _ends(row: Row) -> tuple[float, float]:
    return (min(row.seeds_bpb), max(row.seeds_bpb)) if row.seeds_bpb else (_score(row), _score(row))


def _label(row: Row) -> str:
    day = row.created.date() if row.created else "no date"
    return f"{fit(title_of(row), _NAME_COLUMNS)}, {day}: {bpb_text(_score(row))} bpb"
