"""The result of a run: the score that counts, its bytes and its times."""

import math
import re
from dataclasses import dataclass

from golfcheck.core import units
from golfcheck.submission.identity import seed_in_name
from golfcheck.submission.record import Record
from golfcheck.trainlog.choose import artifact_scores, counts
from golfcheck.trainlog.events import LoggedRun, ScoreLine, Size, TrainLog, TrainPoint, ValPoint

_EVALUATION = re.compile(r"eval(?:uation)?(?: (?:done|finished|completed?))?$", re.IGNORECASE)
_PASS = re.compile(r"(?<![a-z])pass[ _#-]{0,2}[1-9](?![0-9.])|(?<![a-z])(?:first|second|third) pass(?![a-z])")
_OTHER_WORK = re.compile(r"hessian|calib|gptq|quant|train|warm|compil|compress|search|prun", re.IGNORECASE)
_EXACT = "_exact"
_LEAST, _MOST = 1e-6, 1_000.0  # nats or bits: guessing one of 2^64 tokens costs 44 nats
_SAME_RATIO = 1.02  # of bytes per token within a run: scores have few decimals, documents may lack their first token


@dataclass(frozen=True, slots=True)
class Result:
    """A run that reached a score, and the line of it that counts."""

    log: TrainLog
    run: LoggedRun
    score: ScoreLine

    @property
    def seed(self) -> int | None:
        """The logged seed, or else the one in the log's file name."""
        return seed_of(self.log, self.run)

    @property
    def name(self) -> str:
        """The score's name; if its line only repeats an earlier one under a different name, the earlier name."""
        return _same_score(self.score, self.run)[0].name

    @property
    def nats(self) -> float | None:
        """The loss per token; if the line has none, computed from the bytes per token of the run's other lines."""
        if self.score.val_loss_nats is not None:
            return self.score.val_loss_nats
        ratio = self.bytes_per_token
        return None if ratio is None else self.score.val_bpb * units.nats_per_bpb(ratio)

    @property
    def eval_ms(self) -> float | None:
        """How long the evaluation that gave the score took, including all of its passes.

        For an `_exact` line, this is the time of the line that it repeats.
        """
        near = 0.5 * 10.0**-4 + 1e-9
        lines = [line for line in final_scores(self.run) if abs(line.val_bpb - self.score.val_bpb) <= near]
        lines_ms = [line.eval_ms for line in lines if line.eval_ms]
        lines_ms += [1000 * phase.seconds for phase in self.run.phases if _is_evaluation(phase.name)]
        return max([*lines_ms, *_passes_ms(self.run)], default=0.0) or None

    @property
    def total_bytes(self) -> Size | None:
        """The size of its artifact, code and compressed model together."""
        return total_bytes(self.run)

    @property
    def model_bytes(self) -> Size | None:
        """The size of its compressed model."""
        return model_bytes(self.run)

    @property
    def bytes_per_token(self) -> float | None:
        """The bytes of text per token, from the score's two numbers, or from another line of the run."""
        if self.score.val_loss_nats is not None:
            return units.bytes_per_token(self.score.val_loss_nats, self.score.val_bpb)
        lines: list[ScoreLine | ValPoint] = [*self.run.scores, *self.run.val]
        ratios = [
            units.bytes_per_token(line.val_loss_nats, line.val_bpb)
            for line in lines
            if line.val_loss_nats is not None and _LEAST < line.val_loss_nats < _MOST and _LEAST < line.val_bpb < _MOST
        ]
        return ratios[-1] if ratios and max(ratios) / min(ratios) <= _SAME_RATIO else None


def total_bytes(run: LoggedRun) -> Size | None:
    """Return the last total of code and compressed model; a total with the raw model does not count.

    A total without a label is of a compressed model if it is the sum of such a model and the code.
    """
    codes = {size.size_bytes for size in run.code_bytes}
    sums = {size.size_bytes + code for size in run.model_bytes if size.label for code in codes}
    stated: dict[int, Size] = {}  # each number once: a try that was too large may be said again at the end
    for size in run.total_bytes:
        if size.label or size.size_bytes in sums:
            stated.setdefault(size.size_bytes, size)
    labelled = list(stated.values())
    if labelled:
        return labelled[-1]
    raw = {size.size_bytes for size in run.model_bytes if not size.label}
    others = {0, *codes, *raw, *(model + code for model in raw for code in codes)}
    # Without a label, a total far below the raw model's size is of a compressed one.
    compressed = [s for s in run.total_bytes if s.size_bytes not in others and s.size_bytes < max(raw, default=0)]
    return compressed[-1] if compressed else None


def model_bytes(run: LoggedRun) -> Size | None:
    """Return the size of the compressed model that belongs to the total, or else the last one."""
    labelled = [size for size in run.model_bytes if size.label]
    total = total_bytes(run)
    of_total = (size for size in reversed(labelled) if total and size.label == total.label)
    return next(of_total, labelled[-1] if labelled else None)


def _passes_ms(run: LoggedRun) -> list[float]:
    """Return how long each evaluation in several passes took, including all of its passes."""
    timed = [(line.name, line.eval_ms or 0.0) for line in final_scores(run)]
    timed += [(phase.name, 1000 * phase.seconds) for phase in run.phases if not _OTHER_WORK.search(phase.name)]
    by_stem: dict[str, dict[str, float]] = {}
    for name, ms in timed:
        if (stem := _pass_stem(name)) is not None:
            passes = by_stem.setdefault(stem, {})
            passes[name.lower()] = max(ms, passes.get(name.lower(), 0.0))
    return [sum(passes.values()) for passes in by_stem.values()]


def _pass_stem(name: str) -> str | None:
    """Return the name of an evaluation in several passes, without the number of the pass; None for any other."""
    stem, passes = _PASS.subn("pass", name.lower())
    return stem if passes else None


def _is_evaluation(name: str) -> bool:
    return bool(_EVALUATION.search(name)) and "pre" not in name.lower()


def _same_score(score: ScoreLine, run: LoggedRun) -> list[ScoreLine]:
    same = (score.val_bpb, score.val_loss_nats)
    return [line for line in final_scores(run) if (line.val_bpb, line.val_loss_nats) == same] or [score]


def is_score(line: ScoreLine) -> bool:
    """Whether the numbers of a score are finite, positive, and possible for a loss."""
    values = (line.val_bpb,) if line.val_loss_nats is None else (line.val_bpb, line.val_loss_nats)
    return all(_LEAST < value < _MOST for value in values)


def final_scores(run: LoggedRun) -> list[ScoreLine]:
    """Return the score lines of a run that may count by their names, in order."""
    return [line for line in run.scores if counts(line)]


def usable_scores(run: LoggedRun) -> list[ScoreLine]:
    """Return the scores of a run's artifact that are finite, in order."""
    return [line for line in artifact_scores(run) if is_score(line)]


def base_name(name: str) -> str:
    """Return the name `X` of the line whose full digits a line `X_exact` gives."""
    return name.removesuffix(_EXACT)


def seed_of(log: TrainLog, run: LoggedRun) -> int | None:
    """Return a run's logged seed, or else the one in the log's file name."""
    return run.seed.value if run.seed else seed_in_name(log.path)


def distinct_runs(record: Record) -> list[tuple[TrainLog, LoggedRun]]:
    """Return the runs of all logs that differ in content."""
    distinct = {log.sha256: log for log in reversed(record.logs)}
    return [(log, run) for log in record.logs if distinct[log.sha256] is log for run in log.runs]


def train_ms(run: LoggedRun) -> float | None:
    """Return how long training took, from the stop line or else the last line with an exact time."""
    times = [run.stop.train_ms] if run.stop else [p.train_ms for p in timed_points(run) if p.train_ms is not None]
    return max(filter(math.isfinite, times), default=None)


def step_ms(run: LoggedRun) -> float | None:
    """Return the average time of a step over the whole run."""
    if run.stop and run.stop.step > 0:
        return run.stop.train_ms / run.stop.step
    timed = timed_points(run)
    return max(timed, key=lambda point: point.step).step_avg_ms if timed else None


def last_steps_ms(run: LoggedRun) -> float | None:
    """Return the average time of a step at the end of training: since the previous step line."""
    points = timed_points(run)
    ends = [(run.stop.step, run.stop.train_ms)] if run.stop else [(p.step, p.train_ms or 0.0) for p in points[-1:]]
    before = [point for point in points if ends and point.step < ends[0][0]]
    if not before:
        return None
    step, ms = ends[0]
    return max(ms - (before[-1].train_ms or 0.0), 0.0) / (step - before[-1].step)


def timed_points(run: LoggedRun) -> list[TrainPoint | ValPoint]:
    """Return the points of a run whose time is printed in milliseconds, with the average of a step, by line."""
    points: list[TrainPoint | ValPoint] = [*run.train, *run.val]
    exact = (point for point in points if point.train_ms is not None and point.step_avg_ms is not None)
    return sorted(exact, key=lambda point: point.line)
