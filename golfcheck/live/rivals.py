"""What a run in progress can be compared with: a record of the board, or another run of the user."""

from dataclasses import dataclass
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.live.curves import Curve, curve_of, curves
from golfcheck.live.pace import Reference, bytes_per_token, pace_of, reference_of
from golfcheck.submission.record import Record
from golfcheck.submission.results import final_scores, is_score, train_ms
from golfcheck.trainlog.events import LoggedRun
from golfcheck.trainlog.grow import Growing

_MAX_LOG_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Rival:
    """What a run is compared with: its pace, None if its logs have no times, and its curves."""

    reference: Reference | None
    curves: tuple[Curve, ...]


def rival_of_record(record: Record) -> Rival:
    """Return a record as a rival."""
    return Rival(reference_of(record), curves(record))


def rival_of_log(path: Path) -> Rival:
    """Return the last run of a log as a rival; its score is the final one, or its last validation.

    Raises UsageError if the file has neither, and OSError if it cannot be read.
    """
    log = Growing()
    with path.open("rb") as file:
        log.feed(file.read(_MAX_LOG_BYTES))
    run = log.runs[-1] if log.runs else LoggedRun()
    ratio, score = bytes_per_token(run), _score(run)
    if ratio is None or score is None:
        raise UsageError(f"{path}: neither a score nor a validation in this log: nothing to compare with")
    seconds = train_ms(run)
    pace = pace_of(run, ratio)
    reference = Reference(path.name, score, seconds / 1000 if seconds else None, (pace,)) if pace.points else None
    return Rival(reference, (curve_of(str(path), run.seed.value if run.seed else None, run),))


def _score(run: LoggedRun) -> float | None:
    final = next((line.val_bpb for line in reversed(final_scores(run)) if is_score(line)), None)
    return final if final is not None else run.val[-1].val_bpb if run.val else None
