"""The ranges of a chart's axes, and the round numbers on them."""

import math
from datetime import UTC, datetime

DAY_SECONDS = 86_400.0
Tick = tuple[float, str]  # a value on an axis, and its label
_DAY_STEPS = (1, 2, 3, 7, 14, 28, 91, 182, 365, 730, 3650, 36_500)


def padded(low: float, high: float, share: float, least: float) -> tuple[float, float]:
    """Return a range with a share of its width added at both ends, or with half of `least` if that is more."""
    room = max((high - low) * share, least / 2)
    return low - room, high + room


def nice(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers in a range: multiples of 1, 2 or 5 of a power of ten."""
    if not high > low:
        return [low]
    step = nice_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def ticks(low: float, high: float, count: int, option: str = "") -> list[Tick]:
    """Return about `count` round numbers in a range with their labels; `option` is "+" for signs, "," for thousands."""
    decimals = tick_decimals(high - low, count)
    return [(value, f"{value:{option}.{decimals}f}") for value in nice(low, high, count)]


def day_ticks(first: float, last: float, most: int = 7) -> list[Tick]:
    """Return at most `most` midnights, as days since 1970, in a range of less than six centuries, with their dates."""
    step = next(days for days in _DAY_STEPS if (last - first) / days <= most - 1)
    days = range(math.ceil(first), int(last) + 1, step)
    return [(float(day), f"{datetime.fromtimestamp(day * DAY_SECONDS, UTC):%b %-d}") for day in days]


def nice_step(span: float, count: int) -> float:
    """Return the distance between about `count` round numbers in a range as wide as `span` > 0."""
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def tick_decimals(span: float, count: int) -> int:
    """Return the number of decimals that tells the ticks of a range apart."""
    return min(6, max(0, -math.floor(math.log10(nice_step(span, count)) + 1e-9))) if span > 0 else 4
