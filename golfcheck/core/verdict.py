"""The vocabulary of judging: rules yield problems, problems become findings, and findings make up a verdict."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """Arithmetic proves an error; a person must review a warning; everything else is info."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The printed name."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule yields. `path` is relative to the record, `line` counts from 1."""

    message: str
    path: str | None = None
    line: int | None = None
    severity: Severity | None = None  # if it differs from the severity of the rule


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, with the rule that found it, its severity, and a hint about the fix."""

    rule: str
    severity: Severity
    message: str
    path: str | None
    line: int | None
    hint: str
    waived: str | None = None  # the reason given in the submission for ignoring the rule


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that could not decide, and why."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The score that counts: its mean over the seeds, and the claim in submission.json."""

    claimed_bpb: float | None
    name: str | None  # of the score line
    mean_bpb: float | None
    mean_nats: float | None
    sd_bpb: float | None  # None for a single seed
    seeds: tuple[int | None, ...]
    chosen: str = ""  # why these runs were chosen, or why none was
    left_out: tuple[str, ...] = ()  # other runs that have a score: location and value


@dataclass(frozen=True, slots=True)
class SizeSummary:
    """The largest logged total over all seeds, and its seed."""

    total_bytes: int
    cap_bytes: int
    seed: int | None


@dataclass(frozen=True, slots=True)
class TimeSummary:
    """The longest training and evaluation time over all seeds, with the caps (None: no cap)."""

    train_ms: float | None
    train_cap_ms: float | None
    step_ms: float | None
    eval_ms: float | None
    eval_cap_ms: float | None


@dataclass(frozen=True, slots=True)
class TokenBytes:
    """Bytes per token, and the known tokenizer with that value."""

    bytes_per_token: float
    tokenizer: str | None


@dataclass(frozen=True, slots=True)
class ToBeat:
    """The record to beat, and the difference to it: ours minus theirs, so negative is better."""

    name: str
    bpb: float
    delta_bpb: float
    delta_nats: float | None
    t: float | None
    df: float | None
    p_zero: float | None  # of a gain above 0
    p_margin: float | None  # of a gain above the written margin
    margin_nats: float
    ci_nats: tuple[float, float] | None
    reason: str | None  # why there is no p-value
    on: str | None = None  # the day of the frontier, if it is not the record's own date


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One line of the size ledger; None if a source does not say."""

    part: str  # "code", "model", "total"
    path: str | None
    disk_bytes: int | None
    logged_bytes: int | None
    claimed_bytes: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything known about one record, ready to be printed in any format."""

    path: str
    name: str | None
    author: str | None
    date: str | None
    track: str | None
    ruleset: str
    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    score: ScoreSummary | None
    size: SizeSummary | None
    time: TimeSummary | None
    token_bytes: TokenBytes | None
    to_beat: ToBeat | None
    ledger: tuple[LedgerRow, ...]
    seconds: float

    def count(self, severity: Severity) -> int:
        """Return the number of findings of this severity that are not waived."""
        return sum(1 for finding in self.findings if finding.severity is severity and finding.waived is None)
