"""Whether a claimed number equals a logged one, allowing for rounding."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence

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


class LoggedNumbers:
    """Logged numbers, with their decimals, to look up many claims: each takes the logarithm of their count."""

    def __init__(self, numbers: Iterable[tuple[float, int]]) -> None:
        by_digits: dict[int, list[float]] = defaultdict(list)
        for value, digits in numbers:
            if math.isfinite(value):
                by_digits[digits].append(value)
        self._by_digits = {digits: sorted(values) for digits, values in by_digits.items()}

    def has(self, claim: float) -> bool:
        """Return whether the claim agrees with any of them."""
        return any(
            agrees(claim, value, digits)
            for digits, values in self._by_digits.items()
            for value in nearest(values, claim)
        )


def nearest(values: Sequence[float], value: float) -> Sequence[float]:
    """Return the one or two of the sorted `values` that are next to `value`: no other is closer."""
    at = bisect_left(values, value)
    return values[max(0, at - 1) : at + 1]


def mean_agrees(claim: float, picked: Sequence[Result]) -> bool:
    """Return whether a claim is the mean of some results."""
    digits = min(result.score.digits for result in picked)
    return agrees(claim, stats.mean([result.score.val_bpb for result in picked]), digits)
