"""Curves → the points that a chart draws on given axes, and the ranges that show them best."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from golfcheck.core import units
from golfcheck.live.curves import MAX_LOSS, Curve, Point, thinned

_MOST_POINTS = 2_000  # of a curve; more than a screen has columns
_SETTLED = 0.1  # of the run: before that, the loss falls from chance level, and would flatten the rest
_NOISY = 41  # training points: with more, single batches hide the trend, and one in fifty may be off the chart
_SAME_TOKENS = (
    0.005  # relative difference of the bytes per token of two runs; printing four digits changes it by 0.0001
)
_FEW = 9  # training points: too few to smooth

XY = tuple[float, float]


class YAxis(StrEnum):
    """What the y axis shows."""

    BPB = "bpb"
    LOSS = "loss"  # nats per token
    LOG = "log"  # nats per token, on a logarithmic axis


class XAxis(StrEnum):
    """What the x axis shows."""

    STEP = "step"
    TIME = "time"  # seconds trained


class Smoothing(StrEnum):
    """How noisy training losses are drawn."""

    TREND = "trend"  # the running mean of many points, over a dot for each point
    STRONG = "strong"  # the same with three times as many points
    NONE = "none"  # every point, unchanged


_REACH = {Smoothing.TREND: (0.03, _NOISY), Smoothing.STRONG: (0.1, _FEW)}  # share on either side; least points


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one run, ordered by x."""

    log: str
    seed: int | None
    train: tuple[XY, ...]
    val: tuple[XY, ...]
    trend: tuple[XY, ...] = ()  # the running mean of many training points


def series(curves: Sequence[Curve], y: YAxis, x: XAxis, smoothing: Smoothing = Smoothing.TREND) -> tuple[Series, ...]:
    """Return the points of each curve that has any on these axes.

    For bpb, a training loss is divided by the bytes per token that the validation points of its run imply. A point
    without a time gets one between those of its neighbors, by its step.
    """
    out = []
    for curve in curves:
        ratio = _bytes_per_token(curve) if y is YAxis.BPB else None
        clock = [(float(p.step), p.seconds) for p in curve.train if p.seconds is not None]
        clock += [(float(p.step), p.seconds) for p in curve.val if p.seconds is not None]
        clock.sort()
        train = [] if y is YAxis.BPB and ratio is None else _points(curve.train, y, x, ratio, clock)
        val = _points(curve.val, y, x, ratio, clock)
        if train or val:
            out.append(
                Series(
                    curve.log,
                    curve.seed,
                    *(tuple(thinned(points, _MOST_POINTS)) for points in (train, val, _trend(train, smoothing))),
                )
            )
    return tuple(out)


def smooths(drawn: Sequence[Series]) -> bool:
    """Return whether smoothing would change any of these runs."""
    return any(len(each.train) >= _FEW for each in drawn)


def same_tokens(curves: Sequence[Curve]) -> bool:
    """Return whether all these runs have the same bytes per token; if not, their nats per token cannot be compared.

    Runs whose logs do not show it are assumed to be like the others.
    """
    ratios = [ratio for ratio in map(_bytes_per_token, curves) if ratio is not None]
    return not ratios or max(ratios) <= (1 + _SAME_TOKENS) * min(ratios)


def bounds(drawn: Sequence[Series], y: YAxis, zoom: float = 1.0) -> tuple[XY, XY] | None:
    """Return the ranges of x and y that show the points best; None if there are none.

    The x range is the last `zoom` of the run, by default all of it from 0. The y range covers the values in there,
    without those of the first tenth of the run unless the axis is logarithmic, and without the outermost of many
    training points.
    """
    train = [point for each in drawn for point in each.train]
    points = [*train, *(point for each in drawn for point in each.val)]
    if not points:
        return None
    right = max(x for x, _ in points) or 1.0
    left = (1 - zoom) * right
    start = max(left, 0.0 if y is YAxis.LOG else _SETTLED * right)
    seen = [value for x, value in points if x >= start]
    values = seen if len(seen) >= 3 or (zoom < 1 and seen) else [value for _, value in points]
    if len(train) >= _NOISY and y is not YAxis.LOG:
        inner = sorted(value for x, value in train if x >= start)
        inner = inner[len(inner) // 50 : len(inner) - len(inner) // 50]
        values = [*inner, *(value for each in drawn for x, value in each.val if x >= start)] or values
    low, high = min(values), max(values)
    if low == high:
        low, high = 0.99 * low, 1.01 * high
    return (left, right), (low, high)


def clipped(points: Sequence[XY], left: float) -> tuple[XY, ...]:
    """Return the points from `left` on, beginning with an interpolated one at `left`."""
    inside = [point for point in points if point[0] >= left]
    before = next((point for point in reversed(points) if point[0] < left), None)
    if before is None or not inside:
        return tuple(inside)
    (x0, y0), (x1, y1) = before, inside[0]
    return ((left, y0 + (y1 - y0) * (left - x0) / (x1 - x0)), *inside)


def _points(points: Sequence[Point], y: YAxis, x: XAxis, ratio: float | None, clock: Sequence[XY]) -> list[XY]:
    out = []
    for point in points:
        across = float(point.step) if x is XAxis.STEP else _time(point, clock)
        bpb = point.bpb if point.bpb is not None or ratio is None else point.loss_nats / units.nats_per_bpb(ratio)
        up = bpb if y is YAxis.BPB else point.loss_nats
        if across is not None and up is not None and 0 < up < MAX_LOSS:
            out.append((across, up))
    return sorted(out)


def _time(point: Point, clock: Sequence[XY]) -> float | None:
    if point.seconds is not None or not clock:
        return point.seconds
    index = min(bisect_left(clock, (float(point.step), -math.inf)), len(clock) - 1)
    (step1, time1), (step0, time0) = clock[index], clock[max(index - 1, 0)]
    if step1 == step0 or point.step > step1:
        return time1 * point.step / step1 if step1 else time1
    return time0 + (time1 - time0) * (point.step - step0) / (step1 - step0)


def _bytes_per_token(curve: Curve) -> float | None:
    """Return the bytes per token that the last validation of a run implies."""
    ratios = [
        units.bytes_per_token(p.loss_nats, p.bpb)
        for p in curve.val
        if p.bpb is not None and p.bpb > 0 and p.loss_nats > 0
    ]
    return ratios[-1] if ratios and 0 < ratios[-1] < math.inf else None


def _trend(points: Sequence[XY], smoothing: Smoothing) -> list[XY]:
    """Return the running mean of points; empty if there are too few."""
    share, least = _REACH.get(smoothing, (0.0, math.inf))
    if len(points) < least:
        return []
    around = max(2, int(len(points) * share))
    sums = list(accumulate((value for _, value in points), initial=0.0))
    means = []
    for index, (x, _) in enumerate(points):
        reach = min(around, index, len(points) - 1 - index)  # the same on both sides, or the mean would lag at the ends
        means.append((x, (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)))
    return means
