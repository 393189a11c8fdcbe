"""Log lines that may state a score under an unknown label, and the reason why a record has no score."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from golfcheck.core import stats
from golfcheck.core.numbers import bytes_text
from golfcheck.submission.agreement import FINE_DIGITS, agrees, nearest
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs
from golfcheck.trainlog.events import Fact, LoggedRun, TrainLog

_DECIMAL = re.compile(r"(?<![\w.])[0-9]{1,2}\.[0-9]{2,10}(?![\w.])")
_SEEDS_APART_BPB = 0.01  # twenty times the spread of the seeds of one program


class UnreadNumbers:
    """The numbers in a record's logs that are no scores: in lines with an unknown label, in an evaluation's progress.

    They are collected once, and looked up for many claims.
    """

    def __init__(self, record: Record) -> None:
        self.record, self.runs = record, distinct_runs(record)

    @cached_property
    def _labeled(self) -> list[tuple[str, list[float], dict[float, int]]]:
        return [(log.path, *_numbers(_lines(run))) for log, run in self.runs]

    @cached_property
    def _progress(self) -> list[tuple[str, list[float], dict[float, int]]]:
        return [(log.path, *_numbers(reversed(run.progress_texts))) for log, run in self.runs]

    def line_with(self, claim: float) -> tuple[str, int] | None:
        """Return the log and line that has the claim under an unknown label, or None.

        A mean is not in any line, so it is compared with the mean of the numbers closest to it, one from each run.
        """
        closest: list[tuple[float, str, int]] = []
        for path, numbers, lines in self._labeled:
            if numbers:
                number = min(nearest(numbers, claim), key=lambda number: abs(number - claim))
                closest.append((number, path, lines[number]))
        for number, path, line in closest:
            if agrees(claim, number):
                return path, line
        near = [one for one in closest if abs(one[0] - claim) < _SEEDS_APART_BPB]
        if not near or len(near) < len(self.runs):
            return None
        mean = stats.mean([number for number, *_ in near])
        return near[0][1:] if agrees(claim, mean, FINE_DIGITS) else None

    def progress_with(self, claim: float) -> tuple[str, int] | None:
        """Return the log and the line of an evaluation's progress that has the claim, or None."""
        for path, numbers, lines in self._progress:
            for number in nearest(numbers, claim):
                if agrees(claim, number):
                    return path, lines[number]
        return None


def _numbers(facts: Iterable[Fact[str]]) -> tuple[list[float], dict[float, int]]:
    """Return the numbers in lines, sorted, and the first of the lines that has each."""
    lines: dict[float, int] = {}
    for fact in facts:
        for number in _DECIMAL.findall(fact.value):
            lines.setdefault(float(number), fact.line)
    return sorted(lines), lines


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
    if claim is not None and (location := UnreadNumbers(record).line_with(claim)):
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
