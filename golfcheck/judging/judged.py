"""A record's verdict with the numbers that the replay needs, in the small form that is cached: no log, no source."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.core.verdict import Verdict
from golfcheck.judging.cache import Cache, Derivation, sources_version, stamp_of
from golfcheck.judging.packing import packing_of
from golfcheck.judging.standing import Standing, read_standing
from golfcheck.judging.verify import chosen_rules, compared, judge, nothing_to_check, refuted
from golfcheck.rules import Rule
from golfcheck.submission.claims import Submission
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.history import Branch
from golfcheck.submission.record import load, load_claim

_FUTURE_RULE = "date-in-future"  # depends on today's date, so the verdict is not cached


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of judging a record, and the values that the replay and a comparison need."""

    verdict: Verdict  # not yet compared with another record
    created: datetime | None  # from its folder's name or its JSON
    bpb: tuple[float, ...]  # of each seed
    nats: tuple[float, ...]
    submission: Submission | None = None
    packing: str | None = None  # what packing saves, in words; None: not asked

    @property
    def github_id(self) -> str | None:
        """The login of its author, from submission.json."""
        return self.submission.github_id if self.submission else None

    @property
    def standing(self) -> Standing:
        """The record's values for the replay."""
        verdict = self.verdict
        return Standing(verdict.name, verdict.track, self.created, self.bpb, self.nats, refuted(verdict))

    def against(self, best: Entry | None, path: Path, created: datetime | None) -> "Judged":
        """Return it compared with the record to beat, if there is one; nothing is read again."""
        ours = self.standing.entry(path, created)
        if ours is None or best is None:
            return self
        return replace(self, verdict=compared(self.verdict, self.submission, ours, best))


@dataclass(frozen=True, slots=True)
class How:
    """How records are judged: names of rules or families, and the branch, if one is judged (never cached).

    `packing`: also by how much `golfcheck pack` makes the code smaller, which takes a tenth of the time of judging.
    """

    ruleset: str
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    branch: Branch | None = None
    packing: bool = False

    @property
    def derivation(self) -> Derivation:
        """The name under which a judgment is cached, and golfcheck's version."""
        names = f"{self.ruleset} +{','.join(sorted(self.select))} -{','.join(sorted(self.ignore))}"
        return Derivation(names, sources_version())

    @property
    def standing_derivation(self) -> Derivation:
        """The name under which a standing is cached."""
        return Derivation(f"standing {self.derivation.name}", sources_version())


def claim(folder: Path, ruleset: str) -> Judged | None:
    """Return what a record's submission.json says, before anything is judged; None if it cannot be read.

    The verdict has no findings, because no rule ran. Raises UsageError if the folder is gone.
    """
    record = load_claim(folder)
    if record.submission is None:
        return None
    examined = examine(record)
    verdict = judge(examined, (), ruleset=ruleset, rules=())
    return Judged(verdict, examined.identity.created, (), (), record.submission)


def judge_folders(folders: Sequence[Path], how: How, cache: Cache | None) -> list[Judged]:
    """Judge records one after another, and store the results in the cache."""
    rules = chosen_rules(how.select, how.ignore)
    judgments = []
    for folder in folders:
        path = folder.resolve()
        stamp = stamp_of(path) if cache and how.branch is None else None
        judged = _judged(folder, how, rules)
        if cache and not any(finding.rule == _FUTURE_RULE for finding in judged.verdict.findings):
            cache.keep(judged, how.derivation, path, stamp)
        judgments.append(judged)
    return judgments


def _judged(folder: Path, how: How, rules: Sequence[Rule]) -> Judged:
    started = time.perf_counter()
    try:
        examined = examine(load(folder))
    except UsageError as error:  # it is gone, or cannot be read: the others are judged anyway
        why = str(error).removeprefix(f"{folder}: ")
        return Judged(nothing_to_check(folder, how.ruleset, why), None, (), ())
    verdict = judge(examined, (), ruleset=how.ruleset, rules=rules, branch=how.branch)
    packing = packing_of(examined.record) if how.packing else None
    verdict = replace(verdict, seconds=time.perf_counter() - started)
    submission = examined.record.submission
    return Judged(verdict, examined.identity.created, examined.bpb, examined.nats, submission, packing)


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
