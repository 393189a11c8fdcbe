"""Judge one record folder of a pull request; the result depends only on its content and on the record to beat."""

import os
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from golfcheck.judging.judged import Judged
from golfcheck.judging.verify import judge
from golfcheck.queue.evidence import Evidence, evidence_of
from golfcheck.queue.named import Named, named_in
from golfcheck.queue.objects import Objects
from golfcheck.queue.treefiles import TreeFiles
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.record import load_from

# Nothing can exist below it, so a repository path mistaken for a file system path leads nowhere.
_NOWHERE = Path(os.devnull)
_START = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FolderTask:
    """A record folder to judge: its path in the repository, its tree, its number, and the record to beat."""

    path: str
    tree: str
    number: int
    rival: Entry | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """The result of judging a record folder. `broken`: golfcheck failed, and `failure` says why."""

    judged: Judged | None
    failure: str
    evidence: Evidence | None
    named: tuple[Named, ...]
    num_files: int
    size_bytes: int
    broken: bool = False


def at_number(number: int) -> datetime:
    """Return a time that stands for a pull request's number, so that they are ordered by number."""
    return _START + timedelta(seconds=number)


def judge_content(objects: Objects, task: FolderTask, ruleset: str) -> Content:
    """Read a folder from its objects and judge it; nothing of it is executed or written."""
    started = time.perf_counter()
    record = load_from(TreeFiles(objects, task.tree), _NOWHERE / task.path)
    examined = examine(record)
    size_bytes = sum(file.size_bytes for file in record.files)
    rest = (evidence_of(examined), named_in(record), len(record.files), size_bytes)
    verdict = judge(examined, [task.rival] if task.rival else [], ruleset=ruleset, created=at_number(task.number))
    gain = verdict.to_beat and replace(verdict.to_beat, on=f"#{task.number}")
    verdict = replace(verdict, path=task.path, to_beat=gain, seconds=time.perf_counter() - started)
    judged = Judged(verdict, examined.identity.created, examined.bpb, examined.nats, record.submission)
    return Content(judged, "", *rest)
