"""A confidence sequence: an interval for the mean of a finite population that holds at every look at once.

Sequences are drawn without replacement, their losses y regressed on covariates x that are known of all of them. For a
hypothetical mean the statistic below is a martingale of mean 1 while sampling goes on, so by Ville's inequality it ever
exceeds 1 / alpha with probability at most alpha: the means that it has not rejected are an interval that is valid
however often one looks, and whenever one stops.

It is the mixture t-test: Robbins' normal mixture (1970, Ann. Math. Statist. 41) with the unknown variance integrated
out as in Lai (1976, Ann. Statist. 4) and Wang & Ramdas (2024, arXiv:2310.03722), unknown regression coefficients as in
Lindon, Ham, Tingley & Bojinov (2022, arXiv:2210.08589), and the covariance of a sample without replacement in place of
an independent one, which is where the finite population correction comes from (cf. Waudby-Smith & Ramdas 2020,
arXiv:2006.04347).

What it assumes: with residuals that are normal it is exact from the first sequences on. With others it is asymptotic,
in the sense of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021, arXiv:2103.06476), as the regression estimator and
its variance are (Cochran, Sampling Techniques, 1977, ch. 7), whether or not the regression is true; `MIN_SEQUENCES` is
the burn-in, and the first term by which skewed residuals move a t-statistic is added on both sides, above the mean with
a skewness of `LEAST_SKEWNESS`, or twice the sample's. Intervals that need no such assumption exist, but know of a loss
only that it lies between 0 and 2 softcaps + ln(vocabulary), 67 nats: at 99 % they need some 35,000 sequences for 0.01
nats, whatever the losses. Against claims that are too low, a bet on the mean m needs only that no loss is below 0
(Waudby-Smith & Ramdas 2024, JRSS B 86): its stakes are at most 1 / m, so that a claim d nats too low takes 5.3 m / d
sequences or more however well they are predicted: 2,500 for 0.005 bpb at 3.6 nats, where the report of a similar
artifact needs 120 here.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEVEL = 0.99
MIN_SEQUENCES = 24  # beyond one for every coefficient
# Of residuals, toward higher losses, however little of it a sample shows: that of log-normal ones is 6, of a hundredth
# of outliers 1.6, of the public artifact's 0.1. It costs nothing below the mean, where claims that are too low are
# refuted.
LEAST_SKEWNESS = 3.0
# The mixture's weight, in sequences: the interval is relatively tightest at about 12 times as many. Fixed beforehand.
_PRIOR_SEQUENCES = 10.0


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the population's mean is: from `mean - below` to `mean + above`, at level `LEVEL` for all looks at once.

    `fixed_half_width` is what one look would have at a size fixed beforehand; `widened` tells that the sample varies
    less than was taken to be possible. Fields are numbers, or arrays [...].
    """

    mean: Any
    below: Any
    above: Any
    fixed_half_width: Any
    widened: Any


def design(covariates: Array) -> Array:
    """Return covariates [N, k] as [N, rank], each of mean 0 and variance 1 over the population and uncorrelated."""
    centered = covariates - covariates.mean(axis=0)
    scale = centered.std(axis=0)
    standard = centered / np.where(scale > 0, scale, 1)
    left, singular, _ = np.linalg.svd(standard, full_matrices=False)
    is_kept = singular > 1e-6 * max(singular.max(initial=0.0), 1.0)
    return np.asarray(left[:, is_kept] * math.sqrt(len(covariates)), np.float64)


def rows(covariates: Array, losses: Array) -> Array:
    """Return the rows (1, x, y) that `interval` takes: [n, k] and [n] -> [n, k + 2]."""
    return np.column_stack([np.ones(len(losses)), covariates, losses])


def interval(rows: Array, population: int, *, least_variance: float = 0.0, text: int | None = None) -> Interval:
    """Return the interval for the mean of y over the population, from the `rows` of a sample [..., n, k + 2].

    Of the k covariates the first `text` (all, if None) describe the text alone. What they leave of y is taken to have
    at least the variance `least_variance`: a model can be trained until the losses of some sequences are all alike,
    and an interval that believed them would collapse on a few.

    x has mean 0 over the population. The estimate is the regression's value there, so that the known mean of x corrects
    for which sequences were drawn. The half-width is infinite before the burn-in is over and where the x that were
    drawn do not determine the coefficients.
    """
    n, x, y = rows.shape[-2], rows[..., :-1], rows[..., -1:]
    coefficients = x.shape[-1]
    transposed = np.swapaxes(x, -1, -2)
    gram = transposed @ x  # [..., k + 1, k + 1]
    is_known = np.linalg.matrix_rank(gram, hermitian=True) == coefficients
    inverse = np.linalg.inv(np.where(is_known[..., None, None], gram, np.eye(coefficients)))
    solution = inverse @ (transposed @ y)  # [..., k + 1, 1]
    error = (y - x @ solution)[..., 0]  # [..., n]
    residual = (error**2).sum(-1)
    lacking = np.maximum(least_variance * n - _residual(x[..., : 1 + (coefficients if text is None else text)], y), 0.0)
    residual = residual + lacking
    # How many independent draws the estimate is equal to: n / (1 - n / N) without covariates.
    draws = 1 / np.maximum(inverse[..., 0, 0] - 1 / population, 1e-300)
    freedom = n - coefficients
    is_known &= freedom >= MIN_SEQUENCES
    # The martingale at the estimate + d, with c = _PRIOR_SEQUENCES and w = draws, is
    #     sqrt(c / (w + c)) ((residual + w d²) / (residual + w d² c / (w + c)))^((freedom + 1) / 2),
    # below 1 / alpha as long as d² stays below the quotient that follows.
    shrink = _PRIOR_SEQUENCES / (draws + _PRIOR_SEQUENCES)
    growth = (shrink * (1 - LEVEL) ** 2) ** (-1 / max(freedom + 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = (growth - 1) * residual / (draws * (1 - growth * shrink))
    is_known &= growth * shrink < 1
    half_width = np.sqrt(np.where(is_known, squared, 0))
    deviation = np.sqrt(residual / max(freedom, 1) / draws)
    # Skewness g moves a t-statistic's quantile z by g / (6 sqrt(n)) (1 + 2 z²) (Johnson 1978, JASA 73; Hall 1992, The
    # Bootstrap and Edgeworth Expansion, §2.4); here z = half_width / deviation. Rare high losses are missing from many
    # samples, whose skewness is then too small, so that above the mean more of it is taken to be possible.
    skewness = _skewness(error)
    shift = (deviation + 2 * half_width**2 / np.maximum(deviation, 1e-300)) / 6 / math.sqrt(n)
    below = half_width + abs(skewness) * shift
    above = half_width + np.maximum(abs(skewness), np.maximum(2 * skewness, LEAST_SKEWNESS)) * shift
    fixed = t_quantile(max(freedom, 1)) * deviation
    mean = np.where(is_known, solution[..., 0, 0], y[..., 0].mean(-1))
    below, above, fixed = (np.where(is_known, width, np.inf) for width in (below, above, fixed))
    return Interval(mean, below, above, fixed, lacking > 0)


def _residual(x: Array, y: Array) -> Array:
    """Return the sum of squares that a regression on x [..., n, k] leaves of y [..., n, 1]: [...]."""
    transposed = np.swapaxes(x, -1, -2)
    solution = np.linalg.pinv(transposed @ x, hermitian=True) @ (transposed @ y)  # [..., k, 1]
    return np.asarray(((y - x @ solution) ** 2).sum((-1, -2)))


def _skewness(error: Array) -> Array:
    """Return the skewness of residuals [..., n]."""
    variance = np.maximum((error**2).mean(-1), 1e-300)
    return np.asarray((error**3).mean(-1) / variance**1.5)


def t_quantile(freedom: int) -> float:
    """Return the two-sided quantile of Student's t at `LEVEL` (Abramowitz & Stegun 26.7.5: 1e-3 from 10 degrees on)."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    terms = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))
