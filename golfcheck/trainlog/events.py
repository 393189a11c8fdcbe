"""The contents of a training log, independent of its dialect. Every fact has its line number (counted from 1)."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value and the line that states it."""

    value: T
    line: int


@dataclass(frozen=True, slots=True)
class TrainPoint:
    """The training loss after a step. Dialect B prints its time in tenths of minutes: ±3,000 ms."""

    line: int
    step: int
    iterations: int
    loss_nats: float
    train_ms: float | None
    step_avg_ms: float | None


@dataclass(frozen=True, slots=True)
class ValPoint:
    """A validation score during training."""

    line: int
    step: int
    iterations: int
    val_loss_nats: float
    val_bpb: float
    train_ms: float | None
    step_avg_ms: float | None


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A score after training, with its name in the log; `digits` is the number of decimals of val_bpb."""

    line: int
    name: str
    val_loss_nats: float | None  # None if the line only has bits per byte
    val_bpb: float
    eval_ms: float | None
    digits: int
    stride: int | None = None  # of a sliding window, if the line states it


@dataclass(frozen=True, slots=True)
class Size:
    """A byte count; `label` is the log's name for the format ("int8+zlib"; "" for the raw model)."""

    line: int
    label: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Stop:
    """A run that ended before its last iteration."""

    line: int
    reason: str
    train_ms: float
    step: int
    iterations: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the work with its duration; `name` is the text before it on the line."""

    line: int
    name: str
    seconds: float


@dataclass(slots=True)
class LoggedRun:
    """One training run of a log, with its facts in the order of their lines."""

    seed: Fact[int] | None = None
    world_size: Fact[int] | None = None
    params: Fact[int] | None = None
    val_tokens: Fact[int] | None = None
    val_bytes: Fact[int] | None = None  # of the validation text, if the log states it (`data:val_text`)
    train: list[TrainPoint] = field(default_factory=list)
    val: list[ValPoint] = field(default_factory=list)
    scores: list[ScoreLine] = field(default_factory=list)
    stop: Stop | None = None
    code_bytes: list[Size] = field(default_factory=list)
    model_bytes: list[Size] = field(default_factory=list)
    total_bytes: list[Size] = field(default_factory=list)
    part_bytes: list[Size] = field(default_factory=list)  # of parts of the artifact that are neither code nor model
    settings: dict[str, Fact[str]] = field(default_factory=dict)  # printed hyperparameters, by lower-case name
    gpus: list[Fact[str]] = field(default_factory=list)  # names in the nvidia-smi table, each GPU once
    peak_memory_mib: Fact[int] | None = None  # allocated on a GPU
    calibration: list[Fact[str]] = field(default_factory=list)  # lines about Hessians or calibration data
    phases: list[Phase] = field(default_factory=list)
    progress: list[int] = field(default_factory=list)  # a checksum of each line of an evaluation's progress
    progress_line: int | None = None  # the last of those lines
    progress_texts: list[Fact[str]] = field(default_factory=list)  # the text of the last ones; not in the JSON
    unread: list[Fact[str]] = field(default_factory=list)  # lines that seem to state a score in an unknown format
    numbers: list[Fact[str]] = field(
        default_factory=list
    )  # the last lines after training with a decimal number, in an unknown format


@dataclass(frozen=True, slots=True)
class SourceDump:
    """Source text found in a log: its first line number, the file's name if the log states it, and its bytes."""

    line: int
    name: str | None
    text: bytes


@dataclass(frozen=True, slots=True)
class TrainLog:
    """A log file: its runs, the source dumped into it, and notes about reading it."""

    path: str
    sha256: str
    runs: tuple[LoggedRun, ...]
    dumps: tuple[SourceDump, ...]
    notes: tuple[Fact[str], ...]  # "UTF-16", "only the first 64 MiB were read", "lines cut at 16 KiB"
    unread_from: int | None = None  # the first line that was not read because the record costs too much
    is_blank: bool = False  # no byte, or nothing but blanks and newlines
