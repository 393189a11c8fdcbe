"""Round numbers for the axes of a chart."""

import math


def nice(low: float, high: float, count: int) -> list[float]:
    """Return about `count` round numbers in a range: multiples of 1, 2 or 5 of a power of ten."""
    if not high > low:
        return [low]
    step = nice_step(high - low, count)
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def nice_step(span: float, count: int) -> float:
    """Return the distance between about `count` round numbers in a range as wide as `span` > 0."""
    rough = span / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))


def tick_decimals(span: float, count: int) -> int:
    """Return the number of decimals that tells the ticks of a range apart."""
    return min(6, max(0, -math.floor(math.log10(nice_step(span, count)) + 1e-9))) if span > 0 else 4
