"""A record's verdict with the numbers that the replay needs, in the small form that is cached: no log, no source."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.core.verdict import Verdict
from golfcheck.judging.cache import Cache, Derivation, sources_version, stamp_of
from golfcheck.judging.standing import Standing, read_standing
from golfcheck.judging.verify import chosen_rules, judge, nothing_to_check, refuted
from golfcheck.rules import Rule
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.history import Branch
from golfcheck.submission.record import load, load_claim

ALONE = ""  # compared with no record
_FUTURE_RULE = "date-in-future"  # depends on today's date, so the verdict is not cached


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of judging a record, and the values that the replay needs."""

    verdict: Verdict
    created: datetime | None  # from its folder's name or its JSON
    bpb: tuple[float, ...]  # of each seed
    nats: tuple[float, ...]
    rival: str  # `key_of` the record that it was compared with
    github_id: str | None = None  # of its author, from submission.json

    @property
    def standing(self) -> Standing:
        """The record's values for the replay."""
        verdict = self.verdict
        return Standing(verdict.name, verdict.track, self.created, self.bpb, self.nats, refuted(verdict))


@dataclass(frozen=True, slots=True)
class How:
    """How records are judged: names of rules or families, and the branch, if one is judged (never cached)."""

    ruleset: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    branch: Branch | None = None

    @property
    def derivation(self) -> Derivation:
        """The name under which a judgment is cached, and golfcheck's version."""
        names = f"{self.ruleset} +{','.join(sorted(self.select))} -{','.join(sorted(self.ignore))}"
        return Derivation(names, sources_version())

    @property
    def standing_derivation(self) -> Derivation:
        """The name under which a standing is cached."""
        return Derivation(f"standing {self.derivation.name}", sources_version())


@dataclass(frozen=True, slots=True)
class Task:
    """A record to judge: its folder as the user names it, and the record to beat when it was made."""

    folder: Path
    rival: Entry | None = None
    created: datetime | None = None


def claim(folder: Path, ruleset: str) -> Judged | None:
    """Return what a record's submission.json says, before anything is judged; None if it cannot be read.

    The verdict has no findings, because no rule ran. Raises UsageError if the folder is gone.
    """
    record = load_claim(folder)
    if record.submission is None:
        return None
    examined = examine(record)
    verdict = judge(examined, (), ruleset=ruleset, rules=())
    return Judged(verdict, examined.identity.created, (), (), ALONE, record.submission.github_id)


def judge_tasks(tasks: Sequence[Task], how: How, cache: Cache | None) -> list[Judged]:
    """Judge records one after another, and store the results in the cache."""
    rules = chosen_rules(how.select, how.ignore)
    judgments = []
    for task in tasks:
        path = task.folder.resolve()
        stamp = stamp_of(path) if cache and how.branch is None else None
        judged = _judged(task, how, rules)
        if cache and not any(finding.rule == _FUTURE_RULE for finding in judged.verdict.findings):
            cache.keep(judged, how.derivation, path, stamp)
        judgments.append(judged)
    return judgments


def _judged(task: Task, how: How, rules: Sequence[Rule]) -> Judged:
    started = time.perf_counter()
    try:
        examined = examine(load(task.folder))
    except UsageError as error:  # it is gone, or cannot be read: the others are judged anyway
        why = str(error).removeprefix(f"{task.folder}: ")
        return Judged(nothing_to_check(task.folder, how.ruleset, why), None, (), (), ALONE)
    rivals = [task.rival] if task.rival else []
    verdict = judge(examined, rivals, ruleset=how.ruleset, rules=rules, created=task.created, branch=how.branch)
    return Judged(
        replace(verdict, seconds=time.perf_counter() - started),
        examined.identity.created,
        examined.bpb,
        examined.nats,
        key_of(task.rival),
        examined.record.submission.github_id if examined.record.submission else None,
    )


def read_standings(folders: Sequence[Path], how: How, cache: Cache | None) -> list[Standing]:
    """Read the standings of records, or take them from the cache, and store there those that were read."""
    rules = chosen_rules(how.select, how.ignore)
    standings = []
    for folder in folders:
        path = folder.resolve()
        stamp = stamp_of(path) if cache else None
        standing = cache.derived(Standing, how.standing_derivation, path, stamp) if cache else None
        if standing is None:
            standing = read_standing(folder, rules, how.ruleset)
            if cache:
                cache.keep(standing, how.standing_derivation, path, stamp)
        standings.append(standing)
    return standings


def key_of(rival: Entry | None) -> str:
    """Return a short digest of everything in the other record that a comparison depends on."""
    if rival is None:
        return ALONE
    return hashlib.sha256(f"{rival.name!a} {rival.bpb} {rival.nats}".encode()).hexdigest()[:16]
