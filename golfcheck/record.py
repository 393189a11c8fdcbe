"""A submission folder → Record, or the problems met on the way. Loading never raises on content."""

from dataclasses import dataclass
from pathlib import Path

from golfcheck.code import Source
from golfcheck.submission import Submission
from golfcheck.trainlog.events import TrainLog
from golfcheck.verdict import Problem


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """What loading had to say, under the rule that stands for it (`json-invalid`, `unexpected-file`, …)."""

    rule: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file of the folder: its path inside it, and its size."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one submission folder."""

    path: Path
    files: tuple[RecordFile, ...]
    submission: Submission | None
    logs: tuple[TrainLog, ...]  # in the order of their names; files equal in content are all here
    sources: tuple[Source, ...]  # every source file the main script reaches, itself first
    artifacts: tuple[RecordFile, ...]
    readme: str | None
    problems: tuple[LoadProblem, ...]
