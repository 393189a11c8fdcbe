"""What is known of one rescoring, ready to be printed in any format. Losses are nats per token."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What follows for the claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    MEASURED = "measured"  # nothing was claimed
    INCOMPARABLE = "incomparable"  # the claim is about other text than what was scored


@dataclass(frozen=True, slots=True)
class Sourced:
    """A setting of the evaluation, and who said so."""

    value: str | int | float | bool
    source: str


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A file that the score depends on."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A score that somebody states; `digits` are its decimals, None where the claim does not say."""

    val_bpb: float
    digits: int
    source: str
    val_loss_nats: float | None = None
    tokens: int | None = None
    text_bytes: int | None = None
    activations: str | None = None  # "bf16" or "fp32"
    device: str | None = None  # "cpu", "cuda" or "mps"


@dataclass(frozen=True, slots=True)
class Measured:
    """A score of ours, with the rotary tables and the precision of the activations that it was made with."""

    val_loss_nats: float
    val_bpb: float
    tokens: int
    text_bytes: int
    rope_tables: str
    precision: str
    seq_len: int
    stride: int | None  # of a window that slides; None: sequences side by side
    seconds: float
    rank_sequences: tuple[int, ...]  # how many sequences or windows each rank scored
    sequence_losses: tuple[float, ...]  # the mean of each sequence, in their order; none where a window slides


@dataclass(frozen=True, slots=True)
class Probe:
    """A property that every language model has, tested on the loaded one."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class RawCheck:
    """Whether an artifact is what the format makes of raw weights; `differ` names the tensors that are not."""

    file: FileDigest
    tensors: int
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rescore:
    """One artifact: what it is, what was claimed, what was measured, and what follows."""

    artifact: FileDigest
    tokenizer: FileDigest
    shards: tuple[FileDigest, ...]
    seed: int | None
    settings: dict[str, Sourced]
    device: str
    claim: Claim | None
    measured: Measured
    other_tables: Measured | None  # with the other rotary tables, tried where the claim was missed
    tolerance_bpb: float
    tolerance_source: str
    outcome: Outcome
    reason: str
    probes: tuple[Probe, ...]
    raw: RawCheck | None
    notes: tuple[str, ...]
    seconds: float

    @property
    def delta_bpb(self) -> float | None:
        """Measured minus claimed."""
        return None if self.claim is None else self.measured.val_bpb - self.claim.val_bpb
