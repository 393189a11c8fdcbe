"""The result of one rescoring as plain data, for every output format. Losses are in nats per token."""

from dataclasses import dataclass
from enum import StrEnum

from golfcheck.core.numbers import rough_text


class RescoreOutcome(StrEnum):
    """The verdict on a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    MEASURED = "measured"  # nothing was claimed
    INCOMPARABLE = "incomparable"  # the claim may be about other text, other code or another sequence length


@dataclass(frozen=True, slots=True)
class Sourced:
    """A setting of the evaluation, and where it comes from."""

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
    """A claimed score; `digits` is its number of decimals. A field is None if the claim does not state it."""

    val_bpb: float
    digits: int
    source: str
    val_loss_nats: float | None = None
    tokens: int | None = None
    text_bytes: int | None = None
    activations: str | None = None  # "bf16" or "fp32"
    device: str | None = None  # "cpu", "cuda" or "mps"
    is_compiled: bool = False  # the claim's run used torch.compile
    is_sliding: bool | None = None  # scored with a sliding window, or in sequences side by side; None: not stated
    stride: int | None = None  # of the sliding window, if stated
    seq_len: int | None = None  # of the evaluation's sequences or window, if it differs from training's


@dataclass(frozen=True, slots=True)
class Estimate:
    """The confidence interval of a score estimated from some of the sequences, scored in a random order.

    The interval holds at `level` for all looks at once, so the evaluation may stop at any time.
    """

    low_bpb: float
    high_bpb: float
    fixed_half_width_bpb: float  # of an interval for a single look at a number of sequences fixed beforehand
    level: float
    within_bpb: float  # how close to the claim the interval must be to confirm it
    sequences: int
    of_sequences: int
    order_seed: int
    order_source: str  # where the order's seed comes from
    widened: bool  # the losses hardly vary, so the text's spread was used instead
    covariates: tuple[str, ...]

    @property
    def half_width_bpb(self) -> float:
        """Half the width of the interval."""
        return (self.high_bpb - self.low_bpb) / 2

    @property
    def share(self) -> float:
        """The share of the tokens that were scored."""
        return self.sequences / self.of_sequences


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured score, with the rotary tables and the precision of the activations used for it.

    `tokens` and `text_bytes` are those of the whole text; an estimate has scored only some of them.
    """

    val_loss_nats: float
    val_bpb: float
    tokens: int
    text_bytes: int
    rope_tables: str | None  # None: the submission's predictor.py computed its own
    precision: str | None
    seq_len: int
    stride: int | None  # of a sliding window; None: sequences side by side
    seconds: float
    rank_sequences: tuple[int, ...]  # how many sequences or windows each rank scored
    sequence_losses: tuple[float, ...]  # in the order of the text; empty for a sliding window or an estimate
    estimate: Estimate | None = None  # None: every token was scored
    mlp: str | None = None  # the MLP's activation function, if it is not the reference's


@dataclass(frozen=True, slots=True)
class Probe:
    """A property that every language model has, tested on the loaded one."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Challenges:
    """The result of the twin test (rescore/twin.py). Counts are numbers of sequences; each was cut at one position."""

    seed: int  # from which the calls, the cuts and their new ends were drawn
    cuts: int
    differ: int  # cuts where the answer changed by more than rounding
    moved_nats: float  # the largest change of a log-probability
    gained_nats: float  # per token by looking ahead, as the mean over the cuts
    gained_half_width_nats: float | None  # of its confidence interval; None: too few cuts
    level: float
    uncut: int  # asked unchanged, as they were scored
    uncut_differ: int
    repeated: int
    repeated_differ: int
    reordered: int
    reordered_differ: int
    unrelated: int  # asked again in a call with unrelated sequences of the text
    unrelated_differ: int
    may_vary: bool  # it adapts on a GPU, where sums are in no fixed order and learning amplifies small differences

    @property
    def is_steady(self) -> bool:
        """Whether the same call got the same answer from another box, and again from the same one."""
        return not (self.uncut_differ or self.repeated_differ)

    @property
    def most_that_look_ahead(self) -> float | None:
        """Upper bound of the share of positions that look ahead; None if any cut differed, or there were no cuts."""
        if self.differ or not self.cuts:
            return None
        return float(1 - (1 - self.level) ** (1 / self.cuts))

    def failures(self) -> list[str]:
        """Return the reasons that refute the predictor, each in a few words.

        If the same call gets different answers, a change at one cut proves nothing; only the mean gain does.
        """
        reasons, half = list[str](), self.gained_half_width_nats
        gained = f"looking ahead gained {rough_text(self.gained_nats)} ± {rough_text(half or 0.0)} nats per token"
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
class PredictorReport:
    """The submission's own predictor.py: the files it could see, how it was asked, and the resources it used."""

    interface: int
    sandbox: str | None  # None: it ran without one
    files: tuple[FileDigest, ...]  # every file of the submission that it could see
    visible_bytes: int
    not_shown: tuple[str, ...]  # files of the folder that it could not see
    vocab_size: int
    seq_len: int  # the longest that it accepts
    adaptive: bool
    strict: bool  # asked token by token
    boxes: int
    load_seconds: float
    answer_seconds: float  # of all boxes together, for logits() and step()
    adapt_seconds: float
    peak_bytes: int  # of the largest box
    challenges: Challenges | None  # None: not requested, or strict


@dataclass(frozen=True, slots=True)
class RawCheck:
    """Whether quantizing the raw weights gives the artifact; `differ` names the tensors for which it does not."""

    file: FileDigest
    tensors: int
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rescore:
    """The rescoring of one artifact: its files and settings, the claim, the measured score and the verdict."""

    artifact: FileDigest
    tokenizer: FileDigest
    shards: tuple[FileDigest, ...]
    seed: int | None
    settings: dict[str, Sourced]
    device: str
    claim: Claim | None
    measured: Measured
    other_tables: Measured | None  # with other rotary tables or another activation function, tried after a miss
    tolerance_bpb: float
    tolerance_source: str
    outcome: RescoreOutcome
    reason: str
    probes: tuple[Probe, ...]
    raw: RawCheck | None
    control: FileDigest | None  # the report whose losses served as a covariate of the estimate
    json_claim: Claim | None  # submission.json's claim about the same artifact, if `claim` is the log's
    other_code: str | None  # how the record's own model differs from the one that was evaluated
    notes: tuple[str, ...]
    seconds: float
    text: str = ""  # which text was scored, in words
    predictor: PredictorReport | None = None  # None: the reference's model was evaluated

    @property
    def delta_bpb(self) -> float | None:
        """Measured minus claimed."""
        return None if self.claim is None else self.measured.val_bpb - self.claim.val_bpb


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over all seeds as submission.json claims it, and as measured."""

    claim: Claim
    val_bpb: float
    val_loss_nats: float
    tolerance_bpb: float
    outcome: RescoreOutcome
