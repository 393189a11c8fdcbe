"""Significance tests of the contest's two rulesets, with Student's t distribution in plain Python.

Lower scores are better: a gain of `ours` over `theirs` is mean(theirs) - mean(ours). Every test is one-sided: p is the
probability of results this good if the true gain were exactly `margin`. Units are those of the scores.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_TINY = 1e-300
_EPSILON = 1e-16
_MAX_TERMS = 20_000


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of a test. `delta` is ours minus theirs, so negative is better; `interval` is for `delta`."""

    delta: float
    standard_error: float
    t: float
    df: float  # infinite if the standard deviation is given, not estimated
    p: float
    interval: tuple[float, float]


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean; ValueError if there are no values."""
    if not values:
        raise ValueError("no values to average")
    return math.fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """Return the unbiased sample variance; ValueError with fewer than two values."""
    if len(values) < 2:
        raise ValueError(f"a spread needs at least 2 values, not {len(values)}")
    center = mean(values)
    return math.fsum((value - center) ** 2 for value in values) / (len(values) - 1)


def welch(ours: Sequence[float], theirs: Sequence[float], margin: float = 0.0, confidence: float = 0.95) -> TestResult:
    """Test for a gain above `margin` between two sets of seeds with unequal variances (Welch 1947, Satterthwaite's df).

    ValueError with fewer than two values on a side, or if neither side varies.
    """
    ours_part, theirs_part = variance(ours) / len(ours), variance(theirs) / len(theirs)
    squared = ours_part + theirs_part
    if squared <= 0:
        raise ValueError("no spread between the seeds of either side: t is undefined")
    df = squared**2 / (ours_part**2 / (len(ours) - 1) + theirs_part**2 / (len(theirs) - 1))
    return _outcome(mean(ours) - mean(theirs), math.sqrt(squared), df, margin, confidence)


def one_sample(ours: Sequence[float], reference: float, margin: float = 0.0, confidence: float = 0.95) -> TestResult:
    """Test for a gain above `margin` over a single number that is taken as exact (Student 1908)."""
    squared = variance(ours) / len(ours)
    if squared <= 0:
        raise ValueError("no spread between the seeds: t is undefined")
    return _outcome(mean(ours) - reference, math.sqrt(squared), len(ours) - 1.0, margin, confidence)


def fixed_sigma(
    ours: Sequence[float],
    theirs: Sequence[float],
    sigma: float,
    margin: float = 0.0,
    confidence: float = 0.95,
    *,
    exact: bool = False,
) -> TestResult:
    """Test for a gain above `margin` with a known standard deviation `sigma`: a z-test, for which one seed is enough.

    `exact`: theirs is a single number without variance, not the scores of seeds.
    """
    if sigma <= 0:
        raise ValueError(f"a spread is positive, not {sigma}")
    error = sigma * math.sqrt(1 / len(ours) + (0 if exact else 1 / len(theirs)))
    return _outcome(mean(ours) - mean(theirs), error, math.inf, margin, confidence)


def _outcome(delta: float, error: float, df: float, margin: float, confidence: float) -> TestResult:
    t = (delta + margin) / error
    half = t_quantile(0.5 + confidence / 2, df) * error
    return TestResult(delta, error, t, df, t_tail(-t, df), (delta - half, delta + half))


def power(gain: float, error: float, df: float, margin: float, alpha: float) -> float:
    """Return the power: the probability that a test with this standard error and df shows a true `gain` above `margin`.

    The statistic has a noncentral t distribution. Conditional on s, the estimated standard deviation divided by the
    true one, it is normal. So this integrates Φ(noncentrality - critical · s) over the density of s = √(χ²(df)/df),
    using Simpson's rule over √s because for few degrees of freedom the density has a corner at 0. The result is within
    1e-6 of the exact value for df from 1 to 200.
    """
    noncentrality, critical = (gain - margin) / error, t_quantile(1 - alpha, df)
    if math.isinf(df):
        return normal_tail(critical - noncentrality)
    far = 9.0  # standard deviations: normal_tail(9) is 1e-19
    if critical > 0 and noncentrality <= -far:
        return 0.0
    log_norm = math.log(4) + df / 2 * math.log(df / 2) - math.lgamma(df / 2)

    def integrand(root: float) -> float:
        density = math.exp(log_norm + (2 * df - 1) * math.log(root) - df * root**4 / 2)
        return density * normal_tail(critical * root**2 - noncentrality)

    steps, top = 256, 1 + 12 / math.sqrt(df)
    if critical > 0:
        top = min(top, (noncentrality + far) / critical)
    top = math.sqrt(top)
    width = top / steps
    inner = math.fsum((4 if i % 2 else 2) * integrand(i * width) for i in range(1, steps))
    return min(1.0, width / 3 * (inner + integrand(top)))  # the integrand is 0 at 0; the sum may be 1e-13 above 1


def seeds_needed(
    gain: float,
    ours_sd: float,
    theirs_sd: float,
    theirs_count: int,
    *,
    margin: float,
    alpha: float,
    wanted_power: float = 0.8,
    most: int = 50,
) -> int | None:
    """Return how many seeds of ours show a true `gain` above `margin` with `wanted_power`, given the seeds of theirs.

    None if more than `most` would be needed, or if the gain is not above the margin.
    """
    if gain <= margin or theirs_count < 2 or ours_sd <= 0:
        return None
    theirs_part = theirs_sd**2 / theirs_count

    def error_and_df(count: int) -> tuple[float, float]:
        ours_part = ours_sd**2 / count
        squared = ours_part + theirs_part
        return math.sqrt(squared), squared**2 / (ours_part**2 / (count - 1) + theirs_part**2 / (theirs_count - 1))

    counts = range(2, most + 1)
    return first_with_power(error_and_df, counts, gain=gain, margin=margin, alpha=alpha, wanted_power=wanted_power)


def first_with_power(
    error_and_df: Callable[[int], tuple[float, float]],
    counts: Iterable[int],
    *,
    gain: float,
    margin: float,
    alpha: float,
    wanted_power: float,
) -> int | None:
    """Return the smallest number of seeds that shows a true `gain` with `wanted_power`; None if there is none.

    `error_and_df` returns the standard error and the degrees of freedom of a test for a number of seeds.
    """
    normal_critical = t_quantile(1 - alpha, math.inf)
    for count in counts:
        error, df = error_and_df(count)
        # A z-test, which knows the spread, is at least as powerful, and its power needs no integral.
        most = normal_tail(normal_critical - (gain - margin) / error)
        if most >= wanted_power and power(gain, error, df, margin, alpha) >= wanted_power:
            return count
    return None


def normal_tail(z: float) -> float:
    """Return P(Z > z) of the standard normal distribution."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def t_tail(t: float, df: float) -> float:
    """Return P(T > t) of Student's t with `df` > 0 degrees of freedom (infinite: the normal distribution)."""
    if df <= 0:
        raise ValueError(f"degrees of freedom are positive, not {df}")
    if math.isinf(df):
        return normal_tail(t)
    squared = t * t
    # I_{df/(df+t²)}(df/2, 1/2) is the two-sided tail (Abramowitz & Stegun 26.7.1).
    share = df / (df + squared)
    tail = 0.5 * beta_ratio(df / 2, share, squared / (df + squared)) if share > 0 else 0.0
    return tail if t > 0 else 1.0 - tail


def t_quantile(probability: float, df: float) -> float:
    """Return the t with P(T <= t) = probability, by bisection; ValueError outside (0, 1)."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability lies between 0 and 1, not {probability}")
    if probability < 0.5:
        return -t_quantile(1 - probability, df)
    return _root(lambda t: t_tail(t, df) - (1 - probability))


def _root(decreasing: Callable[[float], float]) -> float:
    """Return the zero on [0, ∞) of a decreasing function that starts above 0."""
    low, high = 0.0, 1.0
    while decreasing(high) > 0 and high < _MAX_TERMS**20:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if decreasing(middle) > 0 else (low, middle)
    return (low + high) / 2


def beta_ratio(a: float, x: float, rest: float) -> float:
    """Return I_x(a, 1/2), the regularized incomplete beta function; `rest` is 1 - x, passed to keep its precision."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    b = 0.5
    log_front = a * _log(x, rest) + b * _log(rest, x) + _log_gamma_step(a) - 0.5 * math.log(math.pi)
    # The continued fraction converges quickly on one side of the mean only; the other side is the complement.
    if x < (a + 1) / (a + b + 2):
        return math.exp(log_front) * _beta_fraction(a, b, x) / a
    return 1.0 - math.exp(log_front) * _beta_fraction(b, a, rest) / b


def _log(x: float, rest: float) -> float:
    """Return log x, where x + rest = 1, accurately even for x close to 1."""
    return math.log1p(-rest) if rest < 0.5 else math.log(x)


def _log_gamma_step(a: float) -> float:
    """Return log Γ(a + 1/2) - log Γ(a), by an asymptotic series where the difference would lose precision."""
    if a < 40:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    return 0.5 * math.log(a) - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5) + 17 / (14336 * a**7)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function (DLMF 8.17.22) with Lentz's method."""
    c, d = 1.0, 1.0 / _away_from_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            value *= d * c
        if abs(d * c - 1) < _EPSILON * 4:
            break
    return value


def _away_from_zero(x: float) -> float:
    return x if abs(x) > _TINY else _TINY
