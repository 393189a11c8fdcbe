"""Whether a claimed number equals a logged one, allowing for rounding."""

from collections.abc import Sequence

from golfcheck.core import stats
from golfcheck.submission.results import Result

_EXACT_DIGITS = 8  # the most decimals that a log prints
FINE_DIGITS = 4


def agrees(claim: float, logged: float, digits: int = _EXACT_DIGITS) -> bool:
    """Return whether a claim is a logged value with that many decimals, rounded to the claim's own decimals.

    A claim is read as written out to four decimals (1.2 is 1.2000). It may differ by one unit of its last decimal,
    since it may be truncated, or the mean of rounded values, and by half a unit of the log's last one.
    """
    text = repr(claim)
    decimals = _EXACT_DIGITS if "e" in text else min(len(text.partition(".")[2]), _EXACT_DIGITS)
    allowed = max(10.0 ** -max(decimals, FINE_DIGITS), 0.5 * 10.0**-digits)
    return abs(claim - logged) <= allowed + 1e-12


def mean_agrees(claim: float, picked: Sequence[Result]) -> bool:
    """Return whether a claim is the mean of some results."""
    digits = min(result.score.digits for result in picked)
    return agrees(claim, stats.mean([result.score.val_bpb for result in picked]), digits)
