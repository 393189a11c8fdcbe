"""Handmade verdicts, for the tests of everything that prints them."""

from dataclasses import replace
from typing import Any

from golfcheck.core.verdict import (
    Finding,
    LedgerRow,
    ScoreSummary,
    Severity,
    SizeSummary,
    Skipped,
    TimeSummary,
    ToBeat,
    TokenBytes,
    Verdict,
)

TIME = Finding(
    rule="train-time-over-cap",
    severity=Severity.INFO,
    message="600,058 ms: 58 ms over the cap, within one step",
    path="train_seed42.log",
    line=66,
    hint="lower MAX_WALLCLOCK_SECONDS, or submit to the unlimited track",
)
BYTES = Finding(
    rule="total-drift",
    severity=Severity.ERROR,
    message="bytes_total is 15,984,000, the log of seed 42 says 15,984,850 (850 more)",
    path="submission.json",
    line=9,
    hint="golfcheck verify --fix writes the logged number",
)
SEEDS = Finding(
    "seed-repeated", Severity.WARNING, "seeds 42 and 43 have the same first five losses", None, None, "run it"
)
WAIVED = replace(SEEDS, waived="the second run was resumed from the first")

RECORD = Verdict(
    path="records/track_10min_16mb/2026-03-25_ValCalib_GPTQ",
    name="AR Self-Gen GPTQ + XSA-all + BigramHash 3072x112",
    author="abaybektursun",
    date="2026-03-25",
    track="10min_16mb",
    ruleset="written",
    findings=(TIME,),
    passed=("bytes-over-cap", "bytes-not-conserved", "gain-not-significant", "score-not-in-logs"),
    skipped=(Skipped("script-missing", "the folder lists its sources without shipping them"),),
    score=ScoreSummary(1.1147, "final_int6_sliding_window_exact", 1.11474, 1.88218, 0.00035, (314, 42, 999)),
    size=SizeSummary(15_984_850, 16_000_000, 42),
    time=TimeSummary(600_058.0, 600_000.0, 86.7, 77_200.0, 600_000.0),
    token_bytes=TokenBytes(2.4359, "sp1024"),
    to_beat=ToBeat(
        "2026-03-23_LeakyReLU",
        1.11938,
        -0.00464,
        -0.00784,
        -11.83,
        3.3,
        0.0004,
        0.0096,
        0.005,
        (-0.0098, -0.0058),
        None,
    ),
    ledger=(
        LedgerRow("code", "train_gpt.py", 26_420, 104_721, 26_420, "lzma+base85 -> 104,721 raw"),
        LedgerRow("model", "final_model.int6.ptz", 15_939_298, 15_966_544, 15_939_298),
        LedgerRow("total", None, 15_965_718, 16_071_265, 15_965_718),
    ),
    seconds=0.21,
)


def a_verdict(**changes: Any) -> Verdict:
    """Return the record above with some fields changed."""
    return replace(RECORD, **changes)
