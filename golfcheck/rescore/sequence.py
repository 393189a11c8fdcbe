"""A confidence sequence: an interval for the mean of a finite population that holds at every look at once.

Sequences are drawn without replacement and their losses y are regressed on covariates x, which are available for every
sequence. For a hypothetical mean, the statistic below is a martingale of mean 1 as sampling goes on. By Ville's
inequality it exceeds 1 / alpha at any time with probability at most alpha, so the means that it has not rejected form
an interval that is valid however often one looks and whenever one stops.

It is the mixture t-test: Robbins' normal mixture (1970, Ann. Math. Statist. 41) with the unknown variance integrated
out as in Lai (1976, Ann. Statist. 4) and Wang & Ramdas (2024, arXiv:2310.03722), unknown regression coefficients as in
Lindon, Ham, Tingley & Bojinov (2022, arXiv:2210.08589), and the covariance of a sample without replacement in place of
an independent one, which is where the finite population correction comes from (cf. Waudby-Smith & Ramdas 2020,
arXiv:2006.04347).

Assumptions: for normal residuals it is exact from the first sequences on. For others it is asymptotic in the sense of
Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021, arXiv:2103.06476), as are the regression estimator and its variance
(Cochran, Sampling Techniques, 1977, ch. 7), even if the regression model is wrong. `MIN_SEQUENCES` is the burn-in. The
first-order effect of skewed residuals on a t-statistic is added on both sides; above the mean the skewness is taken to
be at least `LEAST_SKEWNESS`, and at least twice the sample's.

Intervals without such assumptions exist, but they can only use that a loss lies between 0 and 2 softcaps +
ln(vocabulary), 67 nats: at 99% they need some 35,000 sequences for 0.01 nats, whatever the losses. Against claims that
are too low, betting on the mean m only requires that no loss is below 0 (Waudby-Smith & Ramdas 2024, JRSS B 86). Its
stakes are at most 1 / m, so refuting a claim that is d nats too low takes at least 5.3 m / d sequences however well
they are predicted: 2,500 for 0.005 bpb at 3.6 nats, where 120 are enough here with the report of a similar artifact.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

LEVEL = 0.99
MIN_SEQUENCES = 24  # in addition to one per coefficient
# The least skewness of residuals toward higher losses, even if a sample shows less. For comparison: 6 for log-normal
# residuals, 1.6 with one percent outliers, 0.1 for the public artifact's. It costs nothing below the mean, where claims
# that are too low are refuted.
LEAST_SKEWNESS = 3.0
# The mixture's weight, in sequences, which must be fixed beforehand. The interval is closest to that of a single look
# at about 12 times as many sequences.
_PRIOR_SEQUENCES = 10.0


@dataclass(frozen=True, slots=True)
class Interval:
    """The population's mean lies from `mean - below` to `mean + above`, at level `LEVEL` for all looks at once.

    `fixed_half_width` is that of a single look at a sample size fixed beforehand; `widened` is true where the sample
    varies less than `least_variance`. Fields are numbers, or arrays [...].
    """

    mean: Any
    below: Any
    above: Any
    fixed_half_width: Any
    widened: Any


def design(covariates: Array) -> Array:
    """Return covariates [N, k] as uncorrelated ones [N, rank], each of mean 0 and variance 1 over the population."""
    centered = covariates - covariates.mean(axis=0)
    scale = centered.std(axis=0)
    standard = centered / np.where(scale > 0, scale, 1)
    left, singular, _ = np.linalg.svd(standard, full_matrices=False)
    is_independent = singular > 1e-6 * max(singular.max(initial=0.0), 1.0)  # [min(N, k)]
    return np.asarray(left[:, is_independent] * math.sqrt(len(covariates)), np.float64)


def rows(covariates: Array, losses: Array) -> Array:
    """Return the rows (1, x, y) that `interval` takes: [n, k] and [n] -> [n, k + 2]."""
    return np.column_stack([np.ones(len(losses)), covariates, losses])


def interval(rows: Array, population: int, *, least_variance: float = 0.0, text: int | None = None) -> Interval:
    """Return the interval for the mean of y over the population, from the `rows` of a sample [..., n, k + 2].

    Of the k covariates the first `text` (all, if None) describe the text alone. The residuals of a regression on those
    are assumed to have at least the variance `least_variance`: a model can be trained until the losses of some
    sequences are nearly equal, and without this floor the interval would collapse after a few of them.

    x has mean 0 over the population, and the estimate is the regression's value there, which corrects for the
    covariates of the sequences that happened to be drawn. The half-width is infinite during the burn-in, and where the
    sampled x do not determine the coefficients.
    """
    n, x, y = rows.shape[-2], rows[..., :-1], rows[..., -1:]
    coefficients = x.shape[-1]
    transposed = np.swapaxes(x, -1, -2)
    gram = transposed @ x  # [..., k + 1, k + 1]
    is_determined = np.linalg.matrix_rank(gram, hermitian=True) == coefficients  # [...]
    inverse = np.linalg.inv(np.where(is_determined[..., None, None], gram, np.eye(coefficients)))
    solution = inverse @ (transposed @ y)  # [..., k + 1, 1]
    error = (y - x @ solution)[..., 0]  # [..., n]
    residual = (error**2).sum(-1)
    lacking = np.maximum(least_variance * n - _residual(x[..., : 1 + (coefficients if text is None else text)], y), 0.0)
    residual = residual + lacking
    # The number of independent draws of the same precision: n / (1 - n / N) without covariates.
    draws = 1 / np.maximum(inverse[..., 0, 0] - 1 / population, 1e-300)
    freedom = n - coefficients
    is_determined &= freedom >= MIN_SEQUENCES
    # The martingale at the estimate + d, with c = _PRIOR_SEQUENCES and w = draws, is
    #     sqrt(c / (w + c)) ((residual + w d²) / (residual + w d² c / (w + c)))^((freedom + 1) / 2),
    # below 1 / alpha as long as d² stays below `squared`.
    shrink = _PRIOR_SEQUENCES / (draws + _PRIOR_SEQUENCES)
    growth = (shrink * (1 - LEVEL) ** 2) ** (-1 / max(freedom + 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = (growth - 1) * residual / (draws * (1 - growth * shrink))
    is_determined &= growth * shrink < 1
    half_width = np.sqrt(np.where(is_determined, squared, 0))
    deviation = np.sqrt(residual / max(freedom, 1) / draws)
    # Skewness g moves a t-statistic's quantile z by g / (6 sqrt(n)) (1 + 2 z²) (Johnson 1978, JASA 73; Hall 1992, The
    # Bootstrap and Edgeworth Expansion, §2.4); here z = half_width / deviation. Many samples contain none of the rare
    # high losses and so show too little skewness, which is why more of it is assumed above the mean.
    skewness = _skewness(error)
    shift = (deviation + 2 * half_width**2 / np.maximum(deviation, 1e-300)) / 6 / math.sqrt(n)
    below = half_width + abs(skewness) * shift
    above = half_width + np.maximum(abs(skewness), np.maximum(2 * skewness, LEAST_SKEWNESS)) * shift
    fixed = t_quantile(max(freedom, 1)) * deviation
    mean = np.where(is_determined, solution[..., 0, 0], y[..., 0].mean(-1))
    below, above, fixed = (np.where(is_determined, width, np.inf) for width in (below, above, fixed))
    return Interval(mean, below, above, fixed, lacking > 0)


def _residual(x: Array, y: Array) -> Array:
    """Return the residual sum of squares [...] of a regression of y [..., n, 1] on x [..., n, k]."""
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
