"""Curves → the points that a chart draws on the axes one asks for, and the part of them that is worth looking at."""

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
_TREND = 0.03  # of the points on either side that a trend is the mean of

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


@dataclass(frozen=True, slots=True)
class Series:
    """What one run draws, in the order of x."""

    log: str
    seed: int | None
    train: tuple[XY, ...]
    val: tuple[XY, ...]
    trend: tuple[XY, ...] = ()  # the running mean of many training points


def series(curves: Sequence[Curve], y: YAxis, x: XAxis) -> tuple[Series, ...]:
    """Return the points of each curve that has any on these axes.

    As bpb a training loss is divided by the bytes that a token stands for, as the validation points of its run imply. A
    point that states no time gets one between its neighbors, by its step.
    """
    found = []
    for curve in curves:
        ratio = _bytes_per_token(curve) if y is YAxis.BPB else None
        clock = [(float(p.step), p.seconds) for p in curve.train if p.seconds is not None]
        clock += [(float(p.step), p.seconds) for p in curve.val if p.seconds is not None]
        clock.sort()
        train = [] if y is YAxis.BPB and ratio is None else _points(curve.train, y, x, ratio, clock)
        val = _points(curve.val, y, x, ratio, clock)
        if train or val:
            found.append(Series(curve.log, curve.seed, _thinned(train), _thinned(val), _thinned(_trend(train))))
    return tuple(found)


def same_tokens(curves: Sequence[Curve]) -> bool:
    """Return whether tokens of all these runs stand for as many bytes: else their nats per token say nothing together.

    Runs whose logs do not tell are taken to be as the others.
    """
    told = [ratio for ratio in map(_bytes_per_token, curves) if ratio is not None]
    return not told or max(told) <= (1 + _SAME_TOKENS) * min(told)


def bounds(drawn: Sequence[Series], y: YAxis) -> tuple[XY, XY] | None:
    """Return the ranges of x and y that hold what is worth seeing; None where nothing is drawn.

    All of x, from 0; of y, where the first tenth is left out, unless its axis is logarithmic, and the outermost of many
    training points.
    """
    train = [point for each in drawn for point in each.train]
    points = [*train, *(point for each in drawn for point in each.val)]
    if not points:
        return None
    right = max(x for x, _ in points)
    settled = [value for x, value in points if x >= _SETTLED * right]
    values = [value for _, value in points] if y is YAxis.LOG or len(settled) < 3 else settled
    if len(train) >= _NOISY and y is not YAxis.LOG:
        values = sorted(value for x, value in train if x >= _SETTLED * right)
        values = values[len(values) // 50 : len(values) - len(values) // 50]
        values += [value for each in drawn for x, value in each.val if x >= _SETTLED * right]
    low, high = min(values), max(values)
    if low == high:
        low, high = 0.99 * low, 1.01 * high
    return (0.0, right or 1.0), (low, high)


def _points(points: Sequence[Point], y: YAxis, x: XAxis, ratio: float | None, clock: Sequence[XY]) -> list[XY]:
    found = []
    for point in points:
        across = float(point.step) if x is XAxis.STEP else _time(point, clock)
        bpb = point.bpb if point.bpb is not None or ratio is None else point.loss_nats / (LN2 * ratio)
        up = bpb if y is YAxis.BPB else point.loss_nats
        if across is not None and up is not None and 0 < up < _MOST:
            found.append((across, up))
    return sorted(found)


def _time(point: Point, clock: Sequence[XY]) -> float | None:
    if point.seconds is not None or not clock:
        return point.seconds
    place = min(bisect_left(clock, (float(point.step), -math.inf)), len(clock) - 1)
    (step1, time1), (step0, time0) = clock[place], clock[max(place - 1, 0)]
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


def _trend(points: Sequence[XY]) -> list[XY]:
    """Return the running mean of many points; nothing of few."""
    if len(points) < _NOISY:
        return []
    around = max(2, int(len(points) * _TREND))
    sums = list(accumulate((value for _, value in points), initial=0.0))
    found = []
    for place, (x, _) in enumerate(points):
        reach = min(around, place, len(points) - 1 - place)  # as far on either side, or it would lag at the ends
        found.append((x, (sums[place + reach + 1] - sums[place - reach]) / (2 * reach + 1)))
    return found


def _thinned(points: Sequence[XY]) -> tuple[XY, ...]:
    every = -(-len(points) // _MOST_POINTS)
    return tuple(points) if every < 2 else (*points[:-1:every], points[-1])
