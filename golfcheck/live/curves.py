"""The losses of a run over its steps, as points that a chart can draw."""

import math
from dataclasses import dataclass

from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs, seed_of
from golfcheck.trainlog.events import LoggedRun


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


def curves(record: Record) -> tuple[Curve, ...]:
    """Return a curve for each run of the record that has points; identical logs give one curve."""
    drawn = (curve_of(log.path, seed_of(log, run), run) for log, run in distinct_runs(record))
    return tuple(curve for curve in drawn if curve.train or curve.val)


def curve_of(log: str, seed: int | None, run: LoggedRun) -> Curve:
    """Return the curve of one run; points whose loss is not finite are left out."""
    train = (Point(p.line, p.step, _seconds(p.train_ms), p.loss_nats, None) for p in run.train)
    val = (Point(p.line, p.step, _seconds(p.train_ms), p.val_loss_nats, p.val_bpb) for p in run.val)
    return Curve(
        log,
        seed,
        tuple(point for point in train if math.isfinite(point.loss_nats)),
        tuple(p for p in val if math.isfinite(p.loss_nats) and p.bpb is not None and math.isfinite(p.bpb)),
    )


def _seconds(ms: float | None) -> float | None:
    return None if ms is None or not math.isfinite(ms) else ms / 1000
