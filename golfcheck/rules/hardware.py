"""The machine that the ranked track requires: one node of 8×H100."""

import re
from collections import Counter
from collections.abc import Iterator

from golfcheck.core.numbers import counted
from golfcheck.core.ruleset import ACCELERATOR, WORLD_SIZE
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import WARNING, Context, Skip, rule
from golfcheck.submission.record import Record
from golfcheck.trainlog.events import Fact, LoggedRun

_FAST = re.compile(r"\b(?:H100|H200|GH200|G?B200|G?B300)\b")
_CLAIMED_MACHINE = re.compile(r"(?<![0-9.])8\s?[x×*]\s?(?:NVIDIA )?(?:H100|H200|GH200|G?B200)", re.IGNORECASE)
_MACHINE_CHARS = 1_000


def _ranked(ctx: Context) -> None:
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} requires no particular machine")


@rule(WARNING)
def not_8xh100(record: Record, ctx: Context) -> Iterator[Problem]:
    """The log shows a machine other than 8×H100.

    The time limit applies to 8×H100 SXM; two ranked records ran on 8×H200. The machine is read from nvidia-smi's table.
    Example: train_seed42.log:16: ran on 1×NVIDIA H200 + 7×NVIDIA H100 80GB HBM3, not on 8×H100
    Fix: run on 8×H100, or submit to the track without a ranking.
    """
    _ranked(ctx)
    shown = [(log, run) for log, run in ctx.runs if run.gpus or _device(run.settings) == "cpu"]
    if not shown:
        raise Skip("no log has nvidia-smi's table")
    for log, run in shown:
        names = Counter(gpu.value for gpu in run.gpus)
        if not names:
            yield Problem("ran on a CPU", log.path, run.settings["device"].line)
        elif len(run.gpus) != WORLD_SIZE or not all(ACCELERATOR in name for name in names):
            machine = " + ".join(f"{count}×{name}" for name, count in names.items())
            yield Problem(f"ran on {machine}, not on {WORLD_SIZE}×{ACCELERATOR}", log.path, run.gpus[0].line)


def is_contest_machine(run: LoggedRun, *, is_claimed: bool) -> bool:
    """Return whether its log, or else a claim, shows that a run used eight GPUs at least as fast as the H100."""
    if _device(run.settings) == "cpu" or any(not _FAST.search(gpu.value) for gpu in run.gpus):
        return False
    if run.world_size is not None:
        return run.world_size.value >= WORLD_SIZE
    return len(run.gpus) >= WORLD_SIZE or is_claimed


def claims_contest_machine(record: Record) -> bool:
    """Return whether submission.json names such a machine."""
    values = record.submission.raw.values() if record.submission else ()
    return any(isinstance(value, str) and _CLAIMED_MACHINE.search(value[:_MACHINE_CHARS]) for value in values)


def _device(settings: dict[str, Fact[str]]) -> str | None:
    return settings["device"].value if "device" in settings else None


@rule(WARNING)
def world_size(record: Record, ctx: Context) -> Iterator[Problem]:
    """The run did not have eight ranks.

    Example: train_seed1337.log:28: 4 ranks, not 8
    Fix: start it with `torchrun --standalone --nproc_per_node=8`.
    """
    _ranked(ctx)
    stated = [(log, run.world_size) for log, run in ctx.runs if run.world_size]
    if not stated:
        raise Skip("no log states its world size")
    for log, fact in stated:
        if fact.value != WORLD_SIZE:
            yield Problem(f"{counted(fact.value, 'rank')}, not {WORLD_SIZE}", log.path, fact.line)
