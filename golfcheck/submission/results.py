"""What a record's logs say its result is: the score that counts in each run, its bytes and its times."""

import math
from dataclasses import dataclass

from golfcheck.core import units
from golfcheck.submission.identity import seed_in_name
from golfcheck.submission.record import Record
from golfcheck.trainlog.choose import choose_score, counts
from golfcheck.trainlog.events import Run, ScoreLine, Size, TrainLog, TrainPoint, ValPoint

_EXACT = "_exact"
_LEAST, _MOST = 1e-6, 1_000.0  # nats or bits: guessing one of 2^64 tokens costs 44 nats


@dataclass(frozen=True, slots=True)
class Result:
    """A run that reached a score, and the line of it that counts."""

    log: TrainLog
    run: Run
    score: ScoreLine

    @property
    def seed(self) -> int | None:
        """The seed as logged, or else as the log's file name gives it."""
        return seed_of(self.log, self.run)

    @property
    def name(self) -> str:
        """The score's name; where its line only repeats an earlier one under another name, that earlier name."""
        return _same_score(self.score, self.run)[0].name

    @property
    def eval_ms(self) -> float | None:
        """How long the evaluation took that gave the score: an `_exact` line gives the digits of one that is timed."""
        near = 0.5 * 10.0**-4 + 1e-9
        lines = [line for line in final_scores(self.run) if abs(line.val_bpb - self.score.val_bpb) <= near]
        return max((line.eval_ms for line in lines if line.eval_ms), default=None)

    @property
    def total_bytes(self) -> Size | None:
        """The last total of a compressed model; a total without a label counts the raw one, which nobody submits."""
        return next((size for size in reversed(self.run.total_bytes) if size.label), None)

    @property
    def model_bytes(self) -> Size | None:
        """The compressed model that belongs to the total."""
        labelled = [size for size in self.run.model_bytes if size.label]
        total = self.total_bytes
        return next(
            (s for s in reversed(labelled) if total and s.label == total.label), labelled[-1] if labelled else None
        )

    @property
    def bytes_per_token(self) -> float:
        """How many bytes of text a token stands for, as the two numbers of the score imply."""
        return units.bytes_per_token(self.score.val_loss_nats, self.score.val_bpb)


def _same_score(score: ScoreLine, run: Run) -> list[ScoreLine]:
    same = (score.val_bpb, score.val_loss_nats)
    return [line for line in final_scores(run) if (line.val_bpb, line.val_loss_nats) == same] or [score]


def results(record: Record) -> tuple[Result, ...]:
    """Return each run that has the score which counts (`choose_score` says which that is), if it is a score at all."""
    chosen = choose_score(record.logs).scores
    return tuple(Result(found.log, found.run, found.score) for found in chosen if is_score(found.score))


def is_score(line: ScoreLine) -> bool:
    """Whether both numbers of a score are finite, positive, and such as a loss can be."""
    return all(_LEAST < value < _MOST for value in (line.val_bpb, line.val_loss_nats))


def final_scores(run: Run) -> list[ScoreLine]:
    """Return the score lines of a run that may count, in their order."""
    return [line for line in run.scores if counts(line)]


def base_name(name: str) -> str:
    """Return the name of the line that a line `X_exact` gives all digits of: `X`."""
    return name.removesuffix(_EXACT)


def seed_of(log: TrainLog, run: Run) -> int | None:
    """Return a run's seed as logged, or else as the log's file name gives it."""
    return run.seed.value if run.seed else seed_in_name(log.path)


def distinct_runs(record: Record) -> list[tuple[TrainLog, Run]]:
    """Return the runs of all logs that differ in content."""
    distinct = {log.sha256: log for log in reversed(record.logs)}
    return [(log, run) for log in record.logs if distinct[log.sha256] is log for run in log.runs]


def train_ms(run: Run) -> float | None:
    """Return how long training took: as the stop says, or else the last line that has an exact time."""
    times = [run.stop.train_ms] if run.stop else [p.train_ms for p in timed_points(run) if p.train_ms is not None]
    return max(filter(math.isfinite, times), default=None)


def step_ms(run: Run) -> float | None:
    """Return the average time of a step over the whole run."""
    if run.stop and run.stop.step > 0:
        return run.stop.train_ms / run.stop.step
    timed = timed_points(run)
    return max(timed, key=lambda point: point.step).step_avg_ms if timed else None


def timed_points(run: Run) -> list[TrainPoint | ValPoint]:
    """Return the points of a run whose time is printed in milliseconds, with the average of a step, by their lines."""
    points: list[TrainPoint | ValPoint] = [*run.train, *run.val]
    exact = (point for point in points if point.train_ms is not None and point.step_avg_ms is not None)
    return sorted(exact, key=lambda point: point.line)
