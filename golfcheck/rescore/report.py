"""What is known of one rescoring, ready to be printed in any format. Losses are nats per token."""

from dataclasses import dataclass
from enum import StrEnum


class RescoreOutcome(StrEnum):
    """The verdict on a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    MEASURED = "measured"  # nothing was claimed
    INCOMPARABLE = "incomparable"  # the claim may be about other text, other code or another sequence length than ours


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
    """A score that somebody states; `digits` are its decimals. None is what the claim does not say."""

    val_bpb: float
    digits: int
    source: str
    val_loss_nats: float | None = None
    tokens: int | None = None
    text_bytes: int | None = None
    activations: str | None = None  # "bf16" or "fp32"
    device: str | None = None  # "cpu", "cuda" or "mps"
    is_compiled: bool = False  # the claim's run used torch.compile
    is_sliding: bool | None = None  # of a window that slides, or of sequences side by side; None: it does not say
    stride: int | None = None  # of the window, where it is stated
    seq_len: int | None = None  # of the evaluation's sequences or window, where it is not training's


@dataclass(frozen=True, slots=True)
class Estimate:
    """How well a score is known of which only some sequences were scored, in a random order.

    The interval holds at `level` for all looks at once, however often and whenever somebody looks.
    """

    low_bpb: float
    high_bpb: float
    fixed_half_width_bpb: float  # of an interval for one look at this many sequences, had that been the plan
    level: float
    within_bpb: float  # how close to the claim the interval must be to confirm it
    sequences: int
    of_sequences: int
    order_seed: int
    order_source: str  # who drew the seed
    widened: bool  # the losses hardly vary: their spread was taken from the text's
    covariates: tuple[str, ...]

    @property
    def half_width_bpb(self) -> float:
        """Half of the interval."""
        return (self.high_bpb - self.low_bpb) / 2

    @property
    def share(self) -> float:
        """The share of the tokens that was scored."""
        return self.sequences / self.of_sequences


@dataclass(frozen=True, slots=True)
class Measured:
    """A score of ours, with the rotary tables and the precision of the activations that it was made with.

    `tokens` and `text_bytes` are those of the text that the score is about; an estimate has seen only some of them.
    """

    val_loss_nats: float
    val_bpb: float
    tokens: int
    text_bytes: int
    rope_tables: str | None  # None: the submission's predictor.py has its own
    precision: str | None
    seq_len: int
    stride: int | None  # of a window that slides; None: sequences side by side
    seconds: float
    rank_sequences: tuple[int, ...]  # how many sequences or windows each rank scored
    sequence_losses: tuple[float, ...]  # of each in the text's order; none of a sliding window or an estimate
    estimate: Estimate | None = None  # None: every token was scored
    mlp: str | None = None  # the function in the MLP, where it is not the reference's


@dataclass(frozen=True, slots=True)
class Probe:
    """A property that every language model has, tested on the loaded one."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Challenges:
    """The result of the twin test (rescore/twin.py). Counts are of sequences; each was cut at one position."""

    seed: int  # of what was asked: which calls, cuts, ends
    cuts: int
    differ: int  # of the cuts: the answer moved by more than rounding
    moved_nats: float  # the most that a log-probability moved
    gained_nats: float  # by looking ahead, a token, in the mean over the cuts
    gained_half_width_nats: float | None  # of its interval; None: too few cuts
    level: float
    uncut: int  # asked as they were scored
    uncut_differ: int
    repeated: int
    repeated_differ: int
    reordered: int
    reordered_differ: int
    unrelated: int  # asked again in a call with unrelated sequences of the text
    unrelated_differ: int
    may_vary: bool  # it adapts on a GPU, where sums come in any order, and learning makes a small difference large

    @property
    def is_steady(self) -> bool:
        """Whether the same question got the same answer, from another box and again from the same one."""
        return not (self.uncut_differ or self.repeated_differ)

    @property
    def most_that_look_ahead(self) -> float | None:
        """The most that the share of positions that look ahead can be, where no cut differed."""
        if self.differ or not self.cuts:
            return None
        return float(1 - (1 - self.level) ** (1 / self.cuts))

    def failures(self) -> list[str]:
        """Return what refutes the predictor, each in a few words.

        Where the same question gets several answers, what moved at a cut proves nothing: only the mean gain does.
        """
        reasons, half = list[str](), self.gained_half_width_nats
        gained = f"looking ahead gained {self.gained_nats:.4f} ± {half or 0.0:.4f} nats a token"
        if self.uncut_differ and not self.may_vary:
            again = f"{self.repeated_differ} of {self.repeated} again in the same one"
            reasons.append(
                f"it answers differently when asked twice: {self.uncut_differ} of {self.uncut} in another box, {again}"
            )
        elif self.repeated_differ and not self.may_vary:
            reasons.append(f"asking leaves a trace: {self.repeated_differ} of {self.repeated} differ when asked again")
        if self.is_steady and self.differ:
            reasons.append(f"it looks ahead: {self.differ} of {self.cuts} cuts changed an answer; {gained}")
        if not self.is_steady and half is not None and self.gained_nats > half:
            reasons.append(f"it looks ahead: {gained}")
        if self.reordered_differ or self.unrelated_differ:
            reordered = f"{self.reordered_differ} of {self.reordered} differ in another order"
            unrelated = f"{self.unrelated_differ} of {self.unrelated} among unrelated sequences"
            reasons.append(f"answers depend on the other sequences of a call: {reordered}, {unrelated}")
        return reasons


@dataclass(frozen=True, slots=True)
class Predictor:
    """The submission's own predictor.py: what it was shown, how it was asked, and what it took."""

    interface: int
    sandbox: str | None  # None: it ran without one
    files: tuple[FileDigest, ...]  # all that it could see of the submission
    visible_bytes: int
    not_shown: tuple[str, ...]  # what of the folder it could not see
    vocab_size: int
    seq_len: int  # the most that it takes
    adaptive: bool
    strict: bool  # asked token by token
    boxes: int
    load_seconds: float
    answer_seconds: float  # of all boxes together, for logits() and step()
    adapt_seconds: float
    peak_bytes: int  # of the largest box
    challenges: Challenges | None  # None: not asked for, or strict


@dataclass(frozen=True, slots=True)
class RawCheck:
    """Whether an artifact is what the format makes of raw weights; `differ` names the tensors that are not."""

    file: FileDigest
    tensors: int
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rescore:
    """One artifact: what it is, what was claimed, what was measured, and the verdict."""

    artifact: FileDigest
    tokenizer: FileDigest
    shards: tuple[FileDigest, ...]
    seed: int | None
    settings: dict[str, Sourced]
    device: str
    claim: Claim | None
    measured: Measured
    other_tables: Measured | None  # with other rotary tables, or another function in the MLP, tried on a miss
    tolerance_bpb: float
    tolerance_source: str
    outcome: RescoreOutcome
    reason: str
    probes: tuple[Probe, ...]
    raw: RawCheck | None
    control: FileDigest | None  # the report whose losses helped to estimate
    json_claim: Claim | None  # what submission.json states of the same artifact, where the claim is the log's
    other_code: str | None  # how the record's own model differs from the one that was evaluated
    notes: tuple[str, ...]
    seconds: float
    text: str = ""  # what is known of the text
    predictor: Predictor | None = None  # None: the reference's model was evaluated

    @property
    def delta_bpb(self) -> float | None:
        """Measured minus claimed."""
        return None if self.claim is None else self.measured.val_bpb - self.claim.val_bpb


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over all seeds that submission.json claims, and ours."""

    claim: Claim
    val_bpb: float
    val_loss_nats: float
    tolerance_bpb: float
    outcome: RescoreOutcome
