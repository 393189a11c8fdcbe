"""README.md: whether the scores, sizes, machine and times that it states belong to this record."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from golfcheck.core import stats
from golfcheck.core.numbers import bytes_text, counted, seconds_text
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import WARNING, Context, Skip, rule
from golfcheck.submission.readmenumbers import (
    MAX_STATED,
    cards_in,
    machines_in,
    names_machine,
    scores_in,
    sizes_in,
    training_times_in,
)
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs, train_ms
from golfcheck.trainlog.events import LoggedRun

_README = "README.md"
_MOST_APART = 2
_LEAST_MS = 30_000.0  # a shorter time is of a trial
_SAME_SHARE = 0.03  # of a time: some round generously


@rule(WARNING)
def readme_score_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """README.md states scores, and none of them is the claim or in a log.

    Lines about bpb and the tables below them are read, except numbers that are said to be of a baseline or a previous
    record. One number that agrees is enough.
    Example: README.md:3: states 1.1500 bpb; the claim is 1.11473509, and no log has any score that README.md states
    Fix: copy the mean and the scores of the seeds from submission.json to README.md.
    """
    readme = _readme(record)
    stated = list(islice(scores_in(readme), MAX_STATED))
    claim = record.submission.val_bpb if record.submission else None
    results = ctx.scored()
    if not stated:
        raise Skip("README.md states no score")
    values = [result.score.val_bpb for result in results]
    shown = [*values, stats.mean(values), *([claim] if claim is not None else [])]
    shown += [line.val_bpb for _, run in distinct_runs(record) for line in run.scores]
    own = [one for one in stated if not one.is_other]
    shown.sort()
    if not own or any(one.is_among(shown) for one in stated):
        return
    yield Problem(
        f"states {own[0].text} bpb; the claim is {claim if claim is not None else 'none'}, and no log has any score "
        "that README.md states",
        _README,
        own[0].line,
    )


@rule(WARNING)
def readme_size_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """README.md states sizes of the artifact, and no log and no key of submission.json has any of them.

    Numbers of bytes or megabytes on lines about the artifact, the submission, the total or the model are read, except
    the cap itself. They may also quote other records, so one number that agrees is enough.
    Example: README.md:3: states 15,100,000 bytes; the logs' totals are 15,798,101, 15,799,101, 15,800,101
    Fix: copy the largest total from the logs to README.md.
    """
    readme = _readme(record)
    stated = list(islice(sizes_in(readme), MAX_STATED))
    totals = [total.size_bytes for result in ctx.results if (total := result.total_bytes)]
    if not totals:
        raise Skip("no log states the size of the artifact")
    # A number that is far smaller is the size of something else.
    stated = [one for one in stated if one.value * _MOST_APART > min(totals)]
    if not stated:
        raise Skip("README.md states no size of the artifact")
    shown = {size for _, run in distinct_runs(record) for size in _sizes(run)}
    shown |= {file.size_bytes for file in record.files}
    shown |= set(_whole_numbers(record.submission.raw)) if record.submission else set()
    own = [one for one in stated if not one.is_other]
    sizes = sorted((*shown, stats.mean(totals)))
    if not own or any(one.is_among(sizes) for one in stated):
        return
    listed = ", ".join(bytes_text(total) for total in sorted(set(totals)))
    yield Problem(f"states {own[0].text}; the logs' totals are {listed}", _README, own[0].line)


@rule(WARNING)
def readme_run_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """README.md states a different machine, or a different training time, from the logs.

    Machines such as 8×H100 and training times are read, except on lines about limits, plans or comparisons. Other runs
    may be described as well, so one machine and one time that agree are enough.
    Example: README.md:3: states 4xH100; the logs show 8 GPUs (NVIDIA H100 80GB HBM3)
    Fix: describe the runs whose logs are submitted.
    """
    readme = _readme(record)
    machines = list(islice(machines_in(readme), MAX_STATED))
    times = list(islice(training_times_in(readme), MAX_STATED))
    runs = [run for _, run in ctx.runs]
    shown = [(len(run.gpus) or (run.world_size.value if run.world_size else 0), _gpu_names(run)) for run in runs]
    shown = [(count, names) for count, names in shown if count]
    trained_ms = [ms for run in runs if (ms := train_ms(run)) and ms >= _LEAST_MS]
    if not (machines and shown) and not (times and trained_ms):
        raise Skip("README.md or the logs state no machine and no training time")
    if machines and shown and not _is_stated(readme, shown):
        count, names = shown[0]
        gpus = counted(count, "GPU") + (f" ({names})" if names else "")
        yield Problem(f"states {machines[0].text}; the logs show {gpus}", _README, machines[0].line)
    if times and trained_ms and not any(one.agrees(ms, _SAME_SHARE) for ms in trained_ms for one in times):
        shown_s = ", ".join(seconds_text(ms) for ms in sorted(set(trained_ms)))
        yield Problem(f"states {times[0].text} of training; the logs show {shown_s} s", _README, times[0].line)


def _readme(record: Record) -> str:
    if record.readme is None:
        raise Skip("there is no README.md")
    return record.readme


def _is_stated(readme: str, shown: Sequence[tuple[int, str]]) -> bool:
    """Tell whether a README names a run's machine at all: what is said of another one may then be of another run."""
    cards = cards_in(readme)
    by_count: dict[int, set[str]] = defaultdict(set)
    for machine in machines_in(readme, anywhere=True):
        by_count[machine.count].add(machine.card.upper())
    return any(
        names_machine(readme, cards, count, names)
        or any(not names or card in names.upper() for card in by_count.get(count, ()))
        for count, names in dict.fromkeys(shown)
    )


def _sizes(run: LoggedRun) -> Iterator[int]:
    for size in (*run.total_bytes, *run.model_bytes, *run.part_bytes):
        yield size.size_bytes


def _gpu_names(run: LoggedRun) -> str:
    return " + ".join(sorted({gpu.value for gpu in run.gpus}))


def _whole_numbers(value: object, depth: int = 0) -> Iterator[int]:
    """Yield the whole numbers anywhere in submission.json."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif depth < 4 and isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _whole_numbers(item, depth + 1)
