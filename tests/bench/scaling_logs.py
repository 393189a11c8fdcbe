"""What public logs of 8×H100 say of a step's time, and of what is no step: quoted here, and found again by `read`.

The records are of this very model (17,059,912 parameters) by the contest's own script, on three machines.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from golfcheck import trainlog
from golfcheck.reference.settings import PRESETS, Settings

SHARD_TOKENS = 100_000_000  # in a shard of the contest's training data
RANKS = 8
SYNCHRONOUS_STEPS = 10  # at first every step is logged, and waits for its loss

SEQ4096 = Settings()
SEQ1024 = Settings(**PRESETS["baseline"])
SEQ2048 = replace(SEQ1024, train_seq_len=2048)


def step_tokens(settings: Settings) -> int:
    """Return what a step takes of the stream: each rank's span is one token longer than its part of the batch."""
    return settings.train_batch_tokens + RANKS


@dataclass(frozen=True, slots=True)
class LogTimes:
    """A run's times: least squares of the windows between its logged steps, ms = step·steps + stall·shards begun."""

    path: str
    settings: Settings
    steps: int
    train_ms: float  # of all steps
    eval_ms: float  # of the final artifact, on the whole validation split
    step_ms: float
    stall_s: float  # of a shard begun
    early_stall_s: float  # the mean over the first half of the windows, and the second
    late_stall_s: float
    free_ms: tuple[float, ...]  # a step in the quickest and the slowest of the windows in which no shard was begun
    launch_ms: float  # when the first step's log line was made, before the device can have been done with it
    logged_step_ms: float  # the mean of steps 2 to 10, each with a loss read and a line written

    @property
    def average_ms(self) -> float:
        return self.train_ms / self.steps

    @property
    def stalled_s(self) -> float:
        """What all the stalls together took."""
        return self.stall_s * (self.steps * step_tokens(self.settings) // SHARD_TOKENS)


# fmt: off
LOG_1024 = LogTimes(
    "2026-03-17_NaiveBaseline/train.log", SEQ1024,
    steps=13780, train_ms=600038, eval_ms=1401, step_ms=42.76, stall_s=0.12,
    early_stall_s=0.12, late_stall_s=0.12, free_ms=(42.3, 43.0), launch_ms=24, logged_step_ms=42.8,
)
LOG_2048 = LogTimes(
    "2026-03-18_LongContextSeq2048/train.log", SEQ2048,
    steps=11564, train_ms=600038, eval_ms=1639, step_ms=51.66, stall_s=0.04,
    early_stall_s=0.05, late_stall_s=0.03, free_ms=(), launch_ms=27, logged_step_ms=50.8,
)
SECOND_4096 = LogTimes(
    "2026-03-19_TrainingOptSeq4096/train_seed1338.log", SEQ4096,
    steps=9092, train_ms=599903, eval_ms=2235, step_ms=52.02, stall_s=3.61,
    early_stall_s=3.22, late_stall_s=4.03, free_ms=(51.8, 52.2), launch_ms=37, logged_step_ms=68.9,
)
LOG_4096 = LogTimes(
    "2026-03-19_TrainingOptSeq4096/train_seed1339.log", SEQ4096,
    steps=8508, train_ms=599920, eval_ms=2098, step_ms=52.18, stall_s=4.71,
    early_stall_s=3.86, late_stall_s=5.51, free_ms=(51.9, 52.4), launch_ms=40, logged_step_ms=68.2,
)
# fmt: on
LOGS = (LOG_1024, LOG_2048, SECOND_4096, LOG_4096)


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run on another machine, of a script that somebody changed; as many parameters as the settings give."""

    path: str
    what: str
    settings: Settings
    step_ms: float  # least squares, as above


OTHERS = (
    OtherRun("2026-03-19_SlidingWindowEval/train.log", "the same at 1,024", SEQ1024, 44.17),
    OtherRun(
        "2026-03-19_WarmdownQuantization/train.log",
        "MLP three times the width, 786,432 tokens a step at 2,048",
        replace(SEQ2048, mlp_mult=3, train_batch_tokens=786_432),
        82.43,
    ),
    OtherRun(
        "2026-03-19_SlidingWindow_FP16Emb_10L_MuonWD_OvertoneInit/train_seed1337.log",
        "ten layers at 1,024",
        replace(SEQ1024, num_layers=10),
        56.73,
    ),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Steps between two log lines, the shards begun in them, and the time."""

    steps: int
    shards: int
    ms: float


def windows(run: trainlog.Run, settings: Settings) -> list[Window]:
    """Return the windows between the first steps and the last shard, whose length the log does not tell."""
    tokens = step_tokens(settings)
    ends = {point.step: point.train_ms for point in run.val} | {point.step: point.train_ms for point in run.train}
    starts = ends | {point.step: point.train_ms for point in run.val}  # the clock stands while a validation runs
    last = (int(run.settings["train_shards"].value) - 1) * SHARD_TOKENS // tokens
    return [
        Window(b - a, b * tokens // SHARD_TOKENS - a * tokens // SHARD_TOKENS, ends[b] - starts[a])
        for a, b in pairwise(sorted(step for step in ends if SYNCHRONOUS_STEPS <= step < last))
    ]


def least_squares(found: list[Window]) -> tuple[float, float]:
    """Return the ms of a step and the ms of a shard begun that explain the windows best."""
    aa = sum(w.steps * w.steps for w in found)
    ab = sum(w.steps * w.shards for w in found)
    bb = sum(w.shards * w.shards for w in found)
    a, b = sum(w.steps * w.ms for w in found), sum(w.shards * w.ms for w in found)
    determinant = aa * bb - ab * ab
    return (a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant


def run_of(records: Path, quoted: LogTimes | OtherRun) -> trainlog.Run:
    """Return the run of a quoted log."""
    return trainlog.read(quoted.path, (records / "track_10min_16mb" / quoted.path).read_bytes()).runs[0]


def read(records: Path, quoted: LogTimes) -> LogTimes:
    """Read the times of a quoted log again, rounded as they are quoted."""
    run = run_of(records, quoted)
    found = windows(run, quoted.settings)
    step_ms, stall_ms = least_squares(found)

    def stall_s(some: list[Window]) -> float:
        return sum(w.ms - step_ms * w.steps for w in some if w.shards) / sum(w.shards for w in some) / 1000

    half, last = len(found) // 2, run.val[-1]
    free = [round(w.ms / w.steps, 1) for w in found if not w.shards]
    times = {point.step: point.train_ms for point in run.train}
    return LogTimes(
        quoted.path,
        quoted.settings,
        last.step,
        last.train_ms,
        next(score.eval_ms for score in run.scores if score.eval_ms is not None),
        round(step_ms, 2),
        round(stall_ms / 1000, 2),
        round(stall_s(found[:half]), 2),
        round(stall_s(found[half:]), 2),
        (min(free), max(free)) if free else (),
        times[1],
        round((times[SYNCHRONOUS_STEPS] - times[1]) / (SYNCHRONOUS_STEPS - 1), 1),
    )
