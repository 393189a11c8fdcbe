"""The losses of a run over its steps, as points that a chart can draw."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs, seed_of
from golfcheck.trainlog.events import LoggedRun

_STEPS = range(10**9)
MAX_LOSS = 1_000.0  # nats or bits: guessing one of 2^64 tokens costs 44 nats

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a curve; `seconds` is the training time so far, if the log states it."""

    line: int
    step: int
    seconds: float | None
    loss_nats: float  # per token
    bpb: float | None  # of validation points


@dataclass(frozen=True, slots=True)
class Curve:
    """The training losses and validation scores that one run printed."""

    log: str  # the log's path in the record
    seed: int | None
    train: tuple[Point, ...]
    val: tuple[Point, ...]

    @property
    def name(self) -> str:
        """What a chart calls the run."""
        return "seed ?" if self.seed is None else f"seed {self.seed}"


def curves(record: Record) -> tuple[Curve, ...]:
    """Return a curve for each run of the record that has points; identical logs give one curve."""
    drawn = (curve_of(log.path, seed_of(log, run), run) for log, run in distinct_runs(record))
    return tuple(curve for curve in drawn if curve.train or curve.val)


def curve_of(log: str, seed: int | None, run: LoggedRun) -> Curve:
    """Return the curve of one run, without points that no chart can show: a log may state any number."""
    train = (Point(p.line, p.step, _seconds(p.train_ms), p.loss_nats, None) for p in run.train)
    val = (Point(p.line, p.step, _seconds(p.train_ms), p.val_loss_nats, p.val_bpb) for p in run.val)
    return Curve(log, seed, _drawable(train), _drawable(p for p in val if p.bpb is not None))


def thinned(points: Sequence[T], most: int) -> list[T]:
    """Return at most `most` evenly spaced points, including the first and the last."""
    if len(points) <= most:
        return list(points)
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def _drawable(points: Iterable[Point]) -> tuple[Point, ...]:
    possible = (point for point in points if point.step in _STEPS and 0 < point.loss_nats < MAX_LOSS)
    return tuple(point for point in possible if point.bpb is None or 0 < point.bpb < MAX_LOSS)


def _seconds(ms: float | None) -> float | None:
    return None if ms is None or not math.isfinite(ms) else ms / 1000
