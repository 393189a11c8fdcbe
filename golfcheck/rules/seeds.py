"""The seeds: whether there are enough, each is a run of its own, and all are of one program."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from golfcheck.core.ruleset import RECORD_SEEDS
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, rule
from golfcheck.submission.identity import seed_in_name
from golfcheck.submission.programs import program_of
from golfcheck.submission.record import Record
from golfcheck.submission.results import seed_of
from golfcheck.trainlog.events import LoggedRun, TrainLog

_PROVING_LOSSES = 20  # equal to every decimal: no two runs of 165 real logs agree in as many
_CHANCE_DECIMALS = 2  # losses of so few decimals often agree by chance
_MOST_SHARED = 0.9
_SHOWN = 8  # values of a setting, and runs with each
_EARLY_LOSSES = 5  # fewer may agree by chance: first losses are close to ln(vocabulary)


@rule(WARNING)
def too_few_seeds(record: Record, ctx: Context) -> Iterator[Problem]:
    """A record shows fewer than three seeds.

    A gain is shown by run logs, usually of three seeds.
    Example: (record): 2 seeds have a score; a record shows 3
    Fix: run more seeds of the same code, and submit all their logs.
    """
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} requires no number of seeds")
    runs = ctx.scored()
    seeds = {result.seed for result in runs if result.seed is not None}
    count = len(seeds) + sum(result.seed is None for result in runs)
    if count < RECORD_SEEDS and record.is_cut:
        raise Skip("a part of the record was not read: it may hold more seeds")
    if count < RECORD_SEEDS:
        yield Problem(f"{count} {'seed has' if count == 1 else 'seeds have'} a score; a record shows {RECORD_SEEDS}")


@rule(WARNING)
def seed_repeated(record: Record, ctx: Context) -> Iterator[Problem]:
    """Two claimed runs have the same seed, or are the same run.

    Two runs with equal losses at 20 steps in a row, or at 20 steps that are half of all, or with 20 equal lines of
    their evaluation, are one run under two names: under different seeds that is an error. An equal seed or five equal
    first losses are evidence.
    Example: train_seed42.log:30: its first 5 losses are those of train_seed1337.log, under another seed
    Fix: run each seed once, with SEED set to it.
    """
    runs = [_traces_of(log, run) for log, run in ctx.runs if run.train or run.scores]
    if len(runs) < 2:
        raise Skip("there is only one run")
    for index, run in enumerate(runs):
        problems = (_one_run(run, other) for other in runs[:index])
        yield from islice(filter(None, problems), 1)


@dataclass(frozen=True, slots=True)
class _Traces:
    """What a run is recognized by, prepared once for all comparisons."""

    log: TrainLog
    run: LoggedRun
    seed: int | None
    losses: dict[int, float]  # by step
    early: tuple[tuple[int, float], ...]
    progress: frozenset[int]

    @property
    def line(self) -> int:
        return self.run.train[0].line if self.run.train else self.run.scores[0].line


def _traces_of(log: TrainLog, run: LoggedRun) -> _Traces:
    losses = [(point.step, point.loss_nats) for point in run.train]
    early = tuple(losses[:_EARLY_LOSSES])
    return _Traces(log, run, seed_of(log, run), dict(losses), early, frozenset(run.progress))


def _one_run(one: _Traces, other: _Traces) -> Problem | None:
    """Return the evidence that two runs are the same, or have the same seed."""
    differ = one.seed is not None and other.seed is not None and one.seed != other.seed
    under = ", under another seed" if differ else ""
    path = other.log.path
    if equal := _equal_losses(one.losses, other.losses):
        message = f"its losses at {equal} steps are those of {path}{under}"
        return Problem(message, one.log.path, one.line, ERROR if differ else None)
    shared, fewest = len(one.progress & other.progress), min(len(one.run.progress), len(other.run.progress))
    if shared >= _PROVING_LOSSES and shared >= _MOST_SHARED * fewest:
        message = f"{shared} lines of its evaluation's progress are those of {path}{under}"
        return Problem(message, one.log.path, one.line, ERROR if differ else None)
    if one.early == other.early and len(one.early) == _EARLY_LOSSES:
        return Problem(f"its first {_EARLY_LOSSES} losses are those of {path}{under}", one.log.path, one.line)
    if one.seed is not None and one.seed == other.seed and one.run.seed:
        return Problem(f"seed {one.seed} is also that of {path}", one.log.path, one.run.seed.line)
    return None


def _equal_losses(losses: dict[int, float], others: dict[int, float]) -> int:
    """Return at how many steps two runs have equal losses, or 0 if these may agree by chance.

    Two seeds agree in the third decimal at a few steps in a hundred, so neither 20 steps in a row nor 20 that are half
    of all are chance. Losses of fewer decimals prove nothing, nor do those of a run that no longer learns, which
    repeats them.
    """
    if len(losses.items() & others.items()) < _PROVING_LOSSES:
        return 0
    common = sorted(losses.keys() & others.keys())
    equal: list[float] = []
    in_a_row = longest = 0
    for step in common:
        in_a_row = in_a_row + 1 if losses[step] == others[step] else 0
        longest = max(longest, in_a_row)
        if in_a_row:
            equal.append(losses[step])
    precise = sum(round(loss, _CHANCE_DECIMALS) != loss for loss in equal)
    may_be_chance = longest < _PROVING_LOSSES and 2 * len(equal) < len(common)
    if may_be_chance or len(equal) < _PROVING_LOSSES or 2 * min(precise, len(set(equal))) < len(equal):
        return 0
    return len(equal)


@rule(WARNING)
def seed_mismatch(record: Record, ctx: Context) -> Iterator[Problem]:
    """The seed in a log is not the one that its file name or submission.json gives.

    Example: train_seed43.log:29: the file is named for seed 43, the run's seed is 42
    Fix: name each log after the seed it logged, and list those seeds in submission.json.
    """
    logged = [(log, run.seed) for log, run in ctx.runs if run.seed]
    if not logged:
        raise Skip("no log states its seed")
    for log, seed in logged:
        named = seed_in_name(log.path) if len(log.runs) == 1 else None
        if named is not None and named != seed.value and "seed" in log.path.rsplit("/", 1)[-1].lower():
            yield Problem(f"the file is named for seed {named}, the run's seed is {seed.value}", log.path, seed.line)
    if record.submission is None or len(logged) < len(ctx.runs) or record.is_cut:
        return
    claimed, logged_seeds = {seed.seed for seed in record.submission.seeds}, {seed.value for _, seed in logged}
    if absent := sorted(claimed - logged_seeds):
        yield Problem(
            f"no log of seed {', '.join(map(str, absent))}, which submission.json names", record.submission.path
        )


@rule(INFO)
def duplicate_log(record: Record, ctx: Context) -> Iterator[Problem]:
    """Two logs are equal byte for byte; they count as one.

    Four merged records ship a `train.log` that is also a seed's log.
    Example: train_seed42_copy.log: the same file as train_seed42.log
    Fix: ship each log once.
    """
    if not record.logs:
        raise Skip("there is no log")
    first: dict[str, str] = {}
    for log in record.logs:
        if log.sha256 in first:
            yield Problem(f"the same file as {first[log.sha256]}", log.path)
        first.setdefault(log.sha256, log.path)


@rule(WARNING)
def settings_differ(record: Record, ctx: Context) -> Iterator[Problem]:
    """The runs of one record did not run the same program.

    A mean over seeds means something only if nothing but the seed differs.
    Example: (record): model_params differs: 17059912 in train_seed1337.log, train_seed2025.log; 17059913 in
    train_seed42.log
    Fix: run all seeds with the same code and settings.
    """
    runs = [(result.log, program_of(result.run)) for result in ctx.scored()]
    if len(runs) < 2:
        raise Skip("only one run has a score")
    values: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for log, printed in runs:
        for key, value in printed.items():
            values[key][value].append(log.path)
    if not values:
        raise Skip("the logs print no settings")
    for key, by_value in values.items():
        if len(by_value) > 1:
            shown = islice(by_value.items(), _SHOWN)
            parts = "; ".join(f"{value} in {', '.join(paths[:_SHOWN])}" for value, paths in shown)
            more = f"; and {len(by_value) - _SHOWN} more values" if len(by_value) > _SHOWN else ""
            yield Problem(f"{key} differs: {parts}{more}")
