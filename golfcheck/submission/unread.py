"""Log lines that may state a score under an unknown label, and the reason why a record has no score."""

import re
from collections.abc import Iterator, Sequence

from golfcheck.core import stats
from golfcheck.core.numbers import bytes_text
from golfcheck.submission.agreement import FINE_DIGITS, agrees
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs
from golfcheck.trainlog.events import Fact, LoggedRun, TrainLog

_DECIMAL = re.compile(r"(?<![\w.])[0-9]{1,2}\.[0-9]{2,10}(?![\w.])")
_SEEDS_APART_BPB = 0.01  # twenty times the spread of the seeds of one program


def line_with(claim: float, record: Record) -> tuple[str, int] | None:
    """Return the log and line that has the claim under an unknown label, or None.

    A mean is not in any line, so it is compared with the mean of the numbers closest to it, one from each run.
    """
    nearest: list[tuple[float, str, int]] = []
    runs = distinct_runs(record)
    for log, run in runs:
        numbers = [
            (float(number), log.path, fact.line) for fact in _lines(run) for number in _DECIMAL.findall(fact.value)
        ]
        if numbers:
            nearest.append(min(numbers, key=lambda number: abs(number[0] - claim)))
    for number, path, line in nearest:
        if agrees(claim, number):
            return path, line
    near = [entry for entry in nearest if abs(entry[0] - claim) < _SEEDS_APART_BPB]
    if near and len(near) == len(runs) and agrees(claim, stats.mean([number for number, *_ in near]), FINE_DIGITS):
        return near[0][1:]
    return None


def progress_with(claim: float, record: Record) -> tuple[str, int] | None:
    """Return the log and the line of an evaluation's progress that has the claim, or None."""
    for log, run in distinct_runs(record):
        for fact in reversed(run.progress_texts):
            if any(agrees(claim, float(number)) for number in _DECIMAL.findall(fact.value)):
                return log.path, fact.line
    return None


def other_total(submission: Submission, runs: Sequence[LoggedRun]) -> str:
    """Return that no log has the claimed size either, so that the logs may be of other runs; "" if one has it."""
    claimed, logged = submission.total_bytes, {size.size_bytes for run in runs for size in run.total_bytes}
    if claimed is None or not logged or claimed in logged:
        return ""
    return f"; no log has the claimed {bytes_text(claimed)} bytes either, so the logs may be of other runs"


def why_no_score(record: Record) -> str:
    """Return why the logs of a record have no score, naming a line that may state one."""
    if not record.logs:
        return "there is no log"
    runs = distinct_runs(record)
    if any(run.scores for _, run in runs):
        return "no score in the logs is a finite one of the artifact"
    claim = record.submission.val_bpb if record.submission else None
    if claim is not None and (location := line_with(claim, record)):
        return _unknown_label(*location)
    unread = [(log, fact) for log, run in runs for fact in run.unread]
    if unread:
        # Prefer lines about bits per byte, and the last of them: results come at the end.
        log, fact = max(unread, key=lambda pair: ("bpb" in pair[1].value.lower(), pair[1].line))
        return _unknown_label(log.path, fact.line)
    validated = next(_validations(runs), None)
    if validated is not None:
        path, line, step = validated
        return f"no log has a score of the artifact: {path}:{line} is the validation at step {step}"
    return "no log has a score line after quantization"


def _lines(run: LoggedRun) -> list[Fact[str]]:
    return [*run.unread, *run.numbers]


def _unknown_label(path: str, line: int) -> str:
    return f"no log states a score in a known format: {path}:{line} has an unknown label"


def _validations(runs: list[tuple[TrainLog, LoggedRun]]) -> Iterator[tuple[str, int, int]]:
    return ((log.path, run.val[-1].line, run.val[-1].step) for log, run in runs if run.val)
