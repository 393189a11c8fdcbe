"""Curves → the points that a chart draws on the axes one asks for, and the ranges that show them best."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from golfcheck.core import units
from golfcheck.core.units import LN2
from golfcheck.live.curves import Curve, Point

_MOST = 1_000.0  # nats or bits: guessing one of 2^64 tokens costs 44 nats
_MOST_POINTS = 2_000  # of a curve; more than a screen has columns
_SETTLED = 0.1  # of the whole: before it a loss falls from what chance gives, and would flatten the rest
_NOISY = 41  # training points from which on single batches hide the trend, and one in fifty may lie off the chart
_SAME_TOKENS = 0.005  # by what part the bytes of two runs' tokens may differ: four printed digits move it by 0.0001
_FEW = 9  # training points: too few to smooth

XY = tuple[float, float]


class YAxis(StrEnum):
    """What is drawn upwards."""

    BPB = "bpb"
    LOSS = "loss"  # nats per token
    LOG = "log"  # nats per token, by their logarithm


class XAxis(StrEnum):
    """What is drawn to the right."""

    STEP = "step"
    TIME = "time"  # seconds trained


class Smoothing(StrEnum):
    """How noisy training losses are drawn."""

    TREND = "trend"  # the running mean of many points over dots for each
    STRONG = "strong"  # the same over three times as many
    NONE = "none"  # every point as it is


_REACH = {Smoothing.TREND: (0.03, _NOISY), Smoothing.STRONG: (0.1, _FEW)}  # share on either side; least points


@dataclass(frozen=True, slots=True)
class Series:
    """What one run draws, in the order of x."""

    log: str
    seed: int | None
    train: tuple[XY, ...]
    val: tuple[XY, ...]
    trend: tuple[XY, ...] = ()  # the running mean of many training points


def series(curves: Sequence[Curve], y: YAxis, x: XAxis, smoothing: Smoothing = Smoothing.TREND) -> tuple[Series, ...]:
    """Return the points of each curve that has any on these axes.

    As bpb a training loss is divided by the bytes that a token stands for, as the validation points of its run imply. A
    point that states no time gets one between its neighbors, by its step.
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
                Series(curve.log, curve.seed, _thinned(train), _thinned(val), _thinned(_trend(train, smoothing)))
            )
    return tuple(out)


def same_tokens(curves: Sequence[Curve]) -> bool:
    """Return whether tokens of all these runs stand for as many bytes: else their nats per token say nothing together.

    Runs whose logs do not show it are taken to be like the others.
    """
    ratios = [ratio for ratio in map(_bytes_per_token, curves) if ratio is not None]
    return not ratios or max(ratios) <= (1 + _SAME_TOKENS) * min(ratios)


def bounds(drawn: Sequence[Series], y: YAxis, zoom: float = 1.0) -> tuple[XY, XY] | None:
    """Return the ranges of x and y that show the points best; None where nothing is drawn.

    The last `zoom` of x, all of it from 0 by default; of y what lies there, without the first tenth of the run unless
    the axis is logarithmic, and without the outermost of many training points.
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
    """Return the points from `left` on, with one on the straight line that enters there."""
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
        bpb = point.bpb if point.bpb is not None or ratio is None else point.loss_nats / (LN2 * ratio)
        up = bpb if y is YAxis.BPB else point.loss_nats
        if across is not None and up is not None and 0 < up < _MOST:
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
    """Return what the last validation of a run implies."""
    ratios = [
        units.bytes_per_token(p.loss_nats, p.bpb)
        for p in curve.val
        if p.bpb is not None and p.bpb > 0 and p.loss_nats > 0
    ]
    return ratios[-1] if ratios and 0 < ratios[-1] < math.inf else None


def _trend(points: Sequence[XY], smoothing: Smoothing) -> list[XY]:
    """Return the running mean of points; nothing where they are too few for it."""
    share, least = _REACH.get(smoothing, (0.0, math.inf))
    if len(points) < least:
        return []
    around = max(2, int(len(points) * share))
    sums = list(accumulate((value for _, value in points), initial=0.0))
    means = []
    for index, (x, _) in enumerate(points):
        reach = min(around, index, len(points) - 1 - index)  # as far on either side, or it would lag at the ends
        means.append((x, (sums[index + reach + 1] - sums[index - reach]) / (2 * reach + 1)))
    return means


def _thinned(points: Sequence[XY]) -> tuple[XY, ...]:
    every = -(-len(points) // _MOST_POINTS)
    return tuple(points) if every < 2 else (*points[:-1:every], points[-1])
