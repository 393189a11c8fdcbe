"""Which runs a submission's claim is about: a folder may contain reruns, ablations and baselines as well.

The runs that submission.json names come first: by seeds with their scores, by the names of their logs, by seeds. If
it names none, they are the runs whose mean is the claimed score, or else the logs in the folder itself. Score, size,
time, seeds and machine are then those of the same runs, and the report lists what was left out.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from golfcheck.core import stats
from golfcheck.submission.agreement import FINE_DIGITS, LoggedNumbers, agrees, mean_agrees
from golfcheck.submission.claims import ALIASES, Submission
from golfcheck.submission.programs import program_of
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, distinct_runs, seed_of, usable_scores
from golfcheck.submission.unread import why_no_score
from golfcheck.trainlog.events import LoggedRun, ScoreLine, TrainLog

_NUMBERS = re.compile(r"[0-9]+")
# Logs named after what the submission is compared with.
_COMPARED_WITH = re.compile(r"(?<![a-z])(?:baseline|control|ablation|vanilla)(?![a-z])", re.IGNORECASE)
_SAME_LOSSES = 5  # with this many equal first losses and an equal score, two logs show the same run
_MAX_STRINGS = 1_000

Picked = tuple[Result, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Selection:
    """The results of the runs that the claim is about, why these, and the other runs that have a score."""

    results: Picked
    reason: str  # for the choice, or why there is no result
    left_out: Picked = ()


@dataclass(frozen=True, slots=True)
class _Scored:
    """A run with the scores that may be its artifact's, in order."""

    log: TrainLog
    run: LoggedRun
    lines: tuple[ScoreLine, ...]
    last_named: dict[str, ScoreLine]
    numbers: LoggedNumbers

    @property
    def seed(self) -> int | None:
        return seed_of(self.log, self.run)

    @property
    def last(self) -> ScoreLine:
        """The last score that states a loss, or else the last one."""
        return next((line for line in reversed(self.lines) if line.val_loss_nats is not None), self.lines[-1])

    def named(self, name: str) -> Result | None:
        """Return the run's last score of that name."""
        line = self.last_named.get(name)
        return Result(self.log, self.run, line) if line else None

    def agreeing(self, claim: float) -> Result | None:
        """Return the run's score that matches a claim, preferring the one that counts by its position."""
        if not self.numbers.has(claim):
            return None
        for line in (self.last, *reversed(self.lines)):
            if agrees(claim, line.val_bpb, line.digits):
                return Result(self.log, self.run, line)
        return None


@dataclass(frozen=True, slots=True)
class _Option:
    """Runs that a claim may be about, taken together."""

    runs: tuple[_Scored, ...]
    reason: str


def select(record: Record) -> Selection:
    """Choose the runs that a record's claim is about, and in each of them the score that counts."""
    scored = [_scored(log, run, lines) for log, run in distinct_runs(record) if (lines := usable_scores(run))]
    if not scored:
        return Selection((), why_no_score(record))
    picked, reason = _choice(_without_repeats(scored), record.submission)
    chosen = {id(result.run) for result in picked}
    others = tuple(Result(one.log, one.run, one.last) for one in scored if id(one.run) not in chosen)
    return Selection(picked, reason, others)


def _scored(log: TrainLog, run: LoggedRun, lines: Sequence[ScoreLine]) -> _Scored:
    numbers = LoggedNumbers((line.val_bpb, line.digits) for line in lines)
    return _Scored(log, run, tuple(lines), {line.name: line for line in lines}, numbers)


def _choice(scored: Sequence[_Scored], submission: Submission | None) -> tuple[Picked, str]:
    claim = submission.val_bpb if submission else None
    if submission and (picked := _by_seed_scores(scored, submission)):
        return picked, "the runs whose scores submission.json gives by seed"
    options = list(_options(scored, submission))
    if claim is not None:
        for option in options:
            for picked in _by_names(option.runs):
                if mean_agrees(claim, picked):
                    return picked, option.reason
        for option in sorted(options, key=lambda option: len(option.runs)):  # a claim of one of several seeds
            for run in option.runs if len(option.runs) > 1 or len(options) == 1 else ():
                if (result := run.agreeing(claim)) is not None:
                    return _named(option.runs, result.score.name), option.reason
    first = options[0]
    return next(_by_names(_last_attempts_in_a_log(first.runs))), first.reason


def _by_seed_scores(scored: Sequence[_Scored], submission: Submission) -> Picked:
    """Return the runs that have the scores which submission.json gives by seed; () unless all of them are in a log.

    A run with a different seed is accepted: logs state the seed of an evaluation, and some attempts differ only in
    words.
    """
    picked: dict[tuple[int, int], Result] = {}  # by run and line: one run may have evaluations of several seeds
    taken: set[int] = set()
    for seed, value in _scores_by_seed(submission):
        runs = sorted(scored, key=lambda run: (run.seed != seed, id(run.run) in taken))
        result = next((result for run in runs if (result := run.agreeing(value)) is not None), None)
        if result is None:
            return ()
        picked.setdefault((id(result.run), result.score.line), result)
        taken.add(id(result.run))
    if any(claim.val_bpb is not None for claim in submission.seeds):  # a seed without a score has a run nevertheless
        scoreless = {claim.seed for claim in submission.seeds if claim.val_bpb is None}
        name = next(iter(picked.values())).score.name
        others = [run.named(name) for run in scored if run.seed in scoreless and id(run.run) not in taken]
        picked |= {(id(result.run), result.score.line): result for result in others if result is not None}
    return tuple(picked.values())


def _scores_by_seed(submission: Submission) -> Iterator[tuple[int | None, float]]:
    """Yield the scores in submission.json with their seeds; None if an attempt's name is more than a seed."""
    claims = [(claim.seed, claim.val_bpb) for claim in submission.seeds if claim.val_bpb is not None]
    if claims:
        yield from claims
        return
    for key in ALIASES["seeds"]:
        block = submission.raw.get(key)
        items = [item for item in block.values() if isinstance(item, dict)] if isinstance(block, dict) else []
        for name in dict.fromkeys(name for item in items for name in item if name.endswith("bpb")):
            values = [item.get(name) for item in items]
            numbers = [value for value in values if isinstance(value, float) and math.isfinite(value)]
            is_claim = submission.val_bpb is not None and len(numbers) == len(items)
            if is_claim and agrees(submission.val_bpb or 0.0, stats.mean(numbers), FINE_DIGITS):
                yield from ((None, number) for number in numbers)
                return


def _options(scored: Sequence[_Scored], submission: Submission | None) -> Iterator[_Option]:
    """Yield the runs that a claim may be about, from those that submission.json names to all runs."""
    groups = sorted(_groups(scored), key=lambda group: (_depth(group[0]), -len(group)))
    if submission is not None:
        files = _files_named(submission)
        if named := tuple(run for run in scored if run.log.path in files or run.log.path.rpartition("/")[2] in files):
            yield _Option(named, "the logs that submission.json names")
        seeds = {claim.seed for claim in submission.seeds}
        by_seed = [group for group in (_of_seeds(group, seeds) for group in (*groups, scored)) if group]
        for group in sorted(by_seed, key=lambda group: -len({run.seed for run in group})):
            yield from _with_last_attempts(group, "the seeds that submission.json names")
    main = own_runs(scored, lambda run: run.log.path)
    yield from _with_last_attempts(main, "all runs" if len(main) == len(scored) else "the logs in the folder itself")
    for group in groups:
        yield from _with_last_attempts(group, f"the runs like {group[0].log.path}")
    yield from _with_last_attempts(scored, "all runs")


def _with_last_attempts(runs: Sequence[_Scored], reason: str) -> Iterator[_Option]:
    """Yield the runs and, if a seed was run several times, the last attempt of each seed."""
    yield _Option(tuple(runs), reason)
    last = {run.seed: run for run in runs if run.seed is not None}
    if 0 < len(last) < len(runs):
        yield _Option(tuple(last.values()), f"{reason}, the last of each seed")


def own_runs(runs: Sequence[T], path_of: Callable[[T], str]) -> list[T]:
    """Return the runs in the folder itself, without those whose logs are named after a baseline or an ablation.

    If all are named so, they are what the submission is about.
    """
    least = min((path_of(run).count("/") for run in runs), default=0)
    nearest = [run for run in runs if path_of(run).count("/") == least]
    return [run for run in nearest if not _COMPARED_WITH.search(path_of(run))] or nearest


def _last_attempts_in_a_log(runs: Sequence[_Scored]) -> Sequence[_Scored]:
    """Leave out runs that were repeated with the same seed in the same log."""
    last = {(run.log.path, id(run) if run.seed is None else run.seed): run for run in runs}
    return tuple(last.values())


def _groups(scored: Sequence[_Scored]) -> Iterator[list[_Scored]]:
    """Yield runs that belong together: in one folder with the same program, or in one folder with similar names.

    Runs with the same seed are not a sweep over seeds: they differ in something else, and each is on its own.
    """
    by_program: dict[object, list[_Scored]] = defaultdict(list)
    by_name: dict[object, list[_Scored]] = defaultdict(list)
    for run in scored:
        folder = run.log.path.rpartition("/")[0]
        params = run.run.params.value if run.run.params else None
        by_program[folder, frozenset(program_of(run.run).items())].append(run)
        by_name[_NUMBERS.sub("#", run.log.path), params].append(run)
    sweeps = [group for group in by_program.values() if _is_sweep(group)]
    yield from sweeps
    yielded = {tuple(map(id, sweep)) for sweep in sweeps}
    in_sweeps = {id(run) for sweep in sweeps for run in sweep}
    for group in by_name.values():
        if _is_sweep(group) and tuple(map(id, group)) not in yielded:
            yield group
            continue
        for run in group:  # a single run of a sweep is not chosen: the best of several seeds is better by luck
            if id(run) not in in_sweeps:
                yield [run]


def _is_sweep(runs: Sequence[_Scored]) -> bool:
    """Return whether runs differ in their seeds."""
    seeds = [run.seed for run in runs]
    return len(runs) > 1 and (None in seeds or len(set(seeds)) > 1)


def _of_seeds(runs: Iterable[_Scored], seeds: set[int]) -> list[_Scored]:
    return [run for run in runs if run.seed in seeds]


def _by_names(runs: Sequence[_Scored]) -> Iterator[Picked]:
    """Yield the runs' results by each score name that all have, starting with the one that counts by its position.

    That is the last one of every run, or else the last name common to all; if they share none, the last of each.
    """
    common = set.intersection(*(set(run.last_named) for run in runs))
    last = {run.last.name for run in runs}
    full = [line.name for line in runs[0].lines if line.val_loss_nats is not None]
    order = [*last] if len(last) == 1 else [name for name in reversed(full) if name in common][:1]
    order += [line.name for line in reversed(runs[0].lines) if line.name in common]
    for name in dict.fromkeys(order):
        yield _named(runs, name)
    if not common:
        yield tuple(Result(run.log, run.run, run.last) for run in runs)


def _named(runs: Sequence[_Scored], name: str) -> Picked:
    return tuple(result for run in runs if (result := run.named(name)) is not None)


def _without_repeats(scored: Sequence[_Scored]) -> list[_Scored]:
    """Leave out a run that another log shows as well: the same seed, first losses and last score."""
    distinct: dict[object, _Scored] = {}
    for run in scored:
        losses = tuple(point.loss_nats for point in run.run.train[:_SAME_LOSSES])
        same = (run.seed, losses, round(run.last.val_bpb, FINE_DIGITS)) if len(losses) == _SAME_LOSSES else id(run)
        distinct.setdefault(same, run)
    return list(distinct.values())


def _files_named(submission: Submission) -> set[str]:
    """Return the names of logs that occur anywhere in submission.json."""
    names: set[str] = set()
    pending: list[object] = [submission.raw]
    for _ in range(_MAX_STRINGS):
        if not pending:
            break
        value = pending.pop()
        if isinstance(value, dict):
            pending += [*value, *value.values()]
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and value.lower().endswith((".log", ".txt", ".out")):
            names.add(value.removeprefix("./"))
    return names


def _depth(run: _Scored) -> int:
    return run.log.path.count("/")
