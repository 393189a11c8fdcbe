"""How far a run is ahead of or behind a record at the same time, and the score that it is headed for.

Everything is in bits per byte, so that runs with different tokenizers can be compared: each training loss is divided by
the bytes per token of its own log.
"""

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from golfcheck.board.model import Board, Row
from golfcheck.core import units
from golfcheck.core.numbers import margin_text, whole_seconds_text
from golfcheck.core.ruleset import TOKENIZERS
from golfcheck.submission.examined import results
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, is_score, train_ms
from golfcheck.trainlog.events import LoggedRun

_WINDOW = 0.2  # of the training time so far: the gap is the mean over this last part, because single batches are noisy
_SAME_CAP = 0.05  # training times that differ by more do not allow a projection

# (share of the training time, errors against other code, errors against the same code): how far from the projection
# runs ended, in bpb, as the median and the 90th percentile. tests/golfcheck/live/test_logwatch.py computes them from
# the runs of the 24 ten-minute records in the test data, against all other records and against the other seeds.
ERRORS_BPB: tuple[tuple[float, tuple[float, float], tuple[float, float]], ...] = (
    (0.25, (0.0330, 0.0825), (0.0012, 0.0051)),
    (0.50, (0.0382, 0.0975), (0.0007, 0.0017)),
    (0.75, (0.0389, 0.0866), (0.0007, 0.0032)),
    (0.90, (0.0190, 0.0475), (0.0006, 0.0024)),
)

# (share of the training time, bpb): the smallest gap at which nine in ten of these runs, against other code, ended on
# the same side of the record. With any gap, they did so in 80% of 1,383 pairs at a quarter of the time, 77% of 1,515
# at half, 80% at three quarters and 94% at nine tenths, leaving out pairs whose scores are within 0.002 bpb. Earlier
# gaps mislead: at 30 s and 45 s, only 21% of the pairs ended on the same side.
CLEAR_BPB: tuple[tuple[float, float], ...] = ((0.25, 0.04), (0.50, 0.05), (0.75, 0.03), (0.90, 0.0))


@dataclass(frozen=True, slots=True)
class Pace:
    """The training of one run: (seconds trained, bpb) in the order of time."""

    points: tuple[tuple[float, float], ...]

    def at(self, seconds: float) -> float | None:
        """Return the bpb at a time, interpolated between two points; None before the first and after the last."""
        index = bisect_left(self.points, (seconds, -math.inf))
        if index == len(self.points) or (index == 0 and self.points[0][0] != seconds):
            return None
        (x1, y1), (x0, y0) = self.points[index], self.points[max(index - 1, 0)]
        return y1 if x1 == x0 else y0 + (y1 - y0) * (seconds - x0) / (x1 - x0)


@dataclass(frozen=True, slots=True)
class Reference:
    """The record that a run is compared with."""

    name: str
    score_bpb: float  # mean over its seeds
    train_seconds: float | None  # of its longest seed
    paces: tuple[Pace, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A run's bpb minus the record's at the same times, averaged over `points` of them; negative means ahead."""

    bpb: float
    points: int
    unsure: str = ""  # why it does not show yet which one is better


@dataclass(frozen=True, slots=True)
class Projection:
    """The score that a run may end with: the record's score plus the current gap.

    Half of real runs ended within the first bpb of each pair, nine in ten within the second.
    """

    score_bpb: float
    other_code_bpb: tuple[float, float]
    same_code_bpb: tuple[float, float]  # if the record has other seeds of the same code


def to_chase(board: Board) -> Row | None:
    """Return the row that a run is compared with: the record to beat, or the best score if there is no frontier."""
    held = board.frontier
    return held[-1] if held else next((row for row in board.rows if row.score_bpb is not None), None)


def reference_of(record: Record) -> Reference | None:
    """Return the paces and the score of a record; None if its logs have no score or no times."""
    runs = results(record)
    paces = [pace for result in runs if (pace := _pace_of(result)).points]
    if not paces:
        return None
    times = [ms / 1000 for result in runs if (ms := train_ms(result.run))]
    name = record.submission.name if record.submission else None
    score_bpb = statistics.fmean(result.score.val_bpb for result in runs)
    return Reference(name or record.path.name, score_bpb, max(times, default=None), tuple(paces))


def pace_of(run: LoggedRun, bytes_per_token: float) -> Pace:
    """Return a run's training losses that have a time, or its validation scores if it prints nothing else."""
    losses = [(p.train_ms, p.loss_nats / units.nats_per_bpb(bytes_per_token)) for p in run.train]
    timed = [(ms / 1000, bpb) for ms, bpb in losses or [(p.train_ms, p.val_bpb) for p in run.val] if ms is not None]
    return Pace(tuple(sorted(pair for pair in timed if all(map(math.isfinite, pair)))))


def _pace_of(result: Result) -> Pace:
    return pace_of(result.run, result.bytes_per_token or TOKENIZERS[0].bytes_per_token)


def bytes_per_token(run: LoggedRun) -> float | None:
    """Return the bytes of text per token, as the run's last validation implies; None before the first one."""
    for line in reversed(run.val):
        if 0 < line.val_loss_nats < math.inf and 0 < line.val_bpb < math.inf:
            return units.bytes_per_token(line.val_loss_nats, line.val_bpb)
    scores = [(loss, line.val_bpb) for line in run.scores if is_score(line) and (loss := line.val_loss_nats)]
    return units.bytes_per_token(*scores[-1]) if scores else None


def gap(pace: Pace, paces: Sequence[Pace], until: float) -> Gap | None:
    """Return how far `pace` is from the mean of `paces` in the last fifth of the time up to `until` seconds."""
    start = bisect_left(pace.points, (until * (1 - _WINDOW), -math.inf))
    gaps = []
    for seconds, bpb in pace.points[start:]:
        others = [other for each in paces if (other := each.at(seconds)) is not None]
        if seconds <= until and others:
            gaps.append(bpb - statistics.fmean(others))
    return Gap(statistics.fmean(gaps), len(gaps)) if gaps else None


def unsure(now: Gap, seconds: float, train_seconds: float | None) -> str:
    """Return why the sign of a gap is not reliable yet, `seconds` into a training of `train_seconds`; "" if it is.

    The part in parentheses can be left out if there is no room.
    """
    if not train_seconds:
        return "too early to say (the training time is unknown)"
    reached = [least for share, least in CLEAR_BPB if share <= seconds / train_seconds]
    if not reached:
        first = whole_seconds_text(CLEAR_BPB[0][0] * train_seconds)
        return f"too early to say ({whole_seconds_text(seconds)} s; shown from {first} s on)"
    least = reached[-1]
    return "" if abs(now.bpb) >= least else f"too close to say (under {margin_text(least)} bpb at this time)"


def projection(now: Gap, reference: Reference, seconds: float, cap_seconds: float | None) -> Projection | str:
    """Return where a run ends if its gap stays, `seconds` into a training of `cap_seconds`, or why that is unknown."""
    if cap_seconds is None or not reference.train_seconds:
        return "the training time is unknown"
    if abs(cap_seconds / reference.train_seconds - 1) > _SAME_CAP:
        ours, theirs = whole_seconds_text(cap_seconds), whole_seconds_text(reference.train_seconds)
        return f"this run trains {ours} s, the record {theirs} s"
    reached = [errors for errors in ERRORS_BPB if errors[0] <= seconds / cap_seconds]
    if not reached:
        first = whole_seconds_text(ERRORS_BPB[0][0] * cap_seconds)
        return f"shown from {first} s on: before that the gap means nothing"
    _, other_code, same_code = reached[-1]
    return Projection(reference.score_bpb + now.bpb, other_code, same_code)
