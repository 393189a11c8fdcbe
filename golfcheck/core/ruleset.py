"""The limits of the contest with units and sources, the rulesets, and the known tokenizers and texts.

Sources in parentheses are public pull requests or pages of the contest; "measured" means computed from the logs of its
60 merged records. No other module defines a limit of the contest; docs/limits.md gives the reasons.
"""

from dataclasses import dataclass
from datetime import date

SIZE_CAP_BYTES = 16_000_000  # code and compressed model together; decimal megabytes (the contest's README)
CLOCK_CAP_MS = 600_000.0  # for training, and again for evaluation (the contest's README)
WORLD_SIZE = 8  # 8×H100 SXM (the contest's README)
ACCELERATOR = "H100"
RECORD_SEEDS = 3  # "usually 3 seeds" (the contest's README)
SCRIPT_LINES = 1500  # of a root training script (the contest's README)
OVERSHOOT_STEPS = 2  # the clock is checked between steps; measured overshoot: 8 to 137 ms

VAL_TEXT_BYTES = 151_080_000  # the first 50,000 documents of FineWeb's validation split (measured)
VAL_TEXT_TOLERANCE = 4e-4  # spread of 145 logs: tails are cut to whole sequences, scores have 4 decimals (measured)
TOKEN_BYTES_TOLERANCE = 4e-4
# Prefixes of the validation split, the longest first, in the contest's own 1,024 pieces: tokens, their sha256 as
# little-endian uint16, bytes without the first token (measured).
VAL_BEGINNINGS_VOCAB = 1024
VAL_BEGINNINGS = (
    (131_073, "c351fbe905e45ef25708b65dc60f4289796590ada1532b5a1ebec8373e8edef7", 315_259),
    (65_537, "03de2456f97de3b48c512647e0a5bf1b6970520b09db3130dc7c9e0dafcf8812", 159_910),
    (16_385, "d7a884a6ebf86d20c6b267ce1fb6c29e1694f5870cbbb87d80313ec640376ff5", 40_403),
    (4_097, "5003d89309c6aa0b6c8170241f7e576962241724aab6cb24d71b514f047ce988", 10_221),
    (1_025, "d0a209b18595ef083e341bfb1330abbb2e90491d297bc5525f3db8b3321b24e1", 2_648),
)
VAL_DOCUMENTS = 50_000  # in the split; if each is scored alone, its first token is not predicted
OVERCOUNT_TOLERANCE = 5e-3  # exports with other vocabularies are 0.16 to 0.22% off (five submissions)

# From the ranked records, replayed as in docs/calibration.md: the largest and the median of the eleven improvements of
# the record, and the best score ever accepted. Larger jumps, and scores further below the best, need review.
LARGEST_MOVE_BPB = 0.05  # 0.0489, over three days in March
MEDIAN_MOVE_BPB = 0.0087
BEST_ACCEPTED_BPB = 1.0611

STRICT_FROM = date(2026, 6, 1)  # the schema was published after the contest, so no record could follow it
WRAP_TOLERANCE = 1.5  # people also rename and reorder code before they pack it; golfcheck does not
THIN_MARGIN_BYTES = 4_096  # zlib builds differ by more than this on one model (up to 2.3%; docs/limits.md)


@dataclass(frozen=True, slots=True)
class Track:
    """A track's limits; None means no cap. In a `ranked` track, a record must beat the one before."""

    name: str
    ranked: bool
    train_cap_ms: float | None
    eval_cap_ms: float | None
    size_cap_bytes: int = SIZE_CAP_BYTES


TRACKS = {
    track.name: track
    for track in (
        Track("10min_16mb", ranked=True, train_cap_ms=CLOCK_CAP_MS, eval_cap_ms=CLOCK_CAP_MS),
        Track("non_record_16mb", ranked=False, train_cap_ms=None, eval_cap_ms=None),
    )
}
DEFAULT_TRACK = "10min_16mb"


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What makes a gain significant: a one-sided Welch test for more than `margin_nats` per token, p below `alpha`."""

    name: str
    margin_nats: float
    alpha: float
    source: str


RULESETS = {
    ruleset.name: ruleset
    for ruleset in (
        Ruleset("written", margin_nats=0.005, alpha=0.01, source="the contest's README"),
        Ruleset("audit-2026-05", margin_nats=0.0, alpha=0.25, source="the final audit (#1902)"),
    )
}
DEFAULT_RULESET = "written"


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer, and its average number of bytes of validation text per token (measured)."""

    name: str
    vocab_size: int
    bytes_per_token: float


# Two exports of sp4096 exist, and two evaluations of sp8192 (with and without the documents' first tokens).
TOKENIZERS = (
    Tokenizer("sp1024", 1024, 2.43592),
    Tokenizer("sp4096", 4096, 3.31968),
    Tokenizer("sp4096", 4096, 3.31925),
    Tokenizer("sp8192", 8192, 3.72663),
    Tokenizer("sp8192-CaseOps", 8192, 3.15715),
    Tokenizer("bytes", 256, 1.0),
)


@dataclass(frozen=True, slots=True)
class ValidationExport:
    """A validation split that differs from the fixed one for a known, legitimate reason."""

    tokens: int
    text_bytes: int
    name: str  # printed next to the bytes per token


VALIDATION_EXPORTS = (ValidationExport(63_779_840, 155_770_000, "sp1024 (export of the first baseline, 1.2244)"),)


def tokenizer_of(bytes_per_token: float) -> Tokenizer | None:
    """Return the known tokenizer with that many bytes per token, or None."""
    nearest = min(TOKENIZERS, key=lambda tokenizer: abs(tokenizer.bytes_per_token - bytes_per_token))
    close = abs(nearest.bytes_per_token - bytes_per_token) <= TOKEN_BYTES_TOLERANCE * bytes_per_token
    return nearest if close else None


def export_of(tokens: int) -> ValidationExport | None:
    """Return the known exceptional validation split with that many tokens, or None."""
    return next((export for export in VALIDATION_EXPORTS if export.tokens == tokens), None)
