"""Test whether one record's gain over another, or over a bar, is more than luck: in both units, under every ruleset.

A is ours, B is theirs. Differences are A minus B, so negative is better. The test is one-sided: Welch's where both
sides have seeds, Student's one-sample test over a bar, a z test where the spread is given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from golfcheck.core import stats, units
from golfcheck.core.errors import UsageError
from golfcheck.core.numbers import bpb_text, counted, delta_text, df_text, p_text, ratio_text, t_text
from golfcheck.core.ruleset import RULESETS, TOKEN_BYTES_TOLERANCE, Ruleset, tokenizer_of
from golfcheck.core.stats import TestResult
from golfcheck.submission.examined import examine
from golfcheck.submission.record import Record

WANTED_POWER = 0.8  # how likely the wanted number of seeds is to show the gain: the usual choice
MOST_SEEDS = 50
MARGIN = RULESETS["written"].margin_nats  # in nats per token: 0.005 bpb would be 1.7 to 2.6 times as much


@dataclass(frozen=True, slots=True)
class SeedScores:
    """The scores of a record's seeds."""

    name: str
    path: str
    seeds: tuple[int | None, ...]
    bpb: tuple[float, ...]
    nats: tuple[float, ...]  # per token of its own tokenizer

    @property
    def bytes_per_token(self) -> float:
        """Bytes per token of its tokenizer, as its scores imply."""
        return units.bytes_per_token(stats.mean(self.nats), stats.mean(self.bpb))

    @property
    def tokenizer(self) -> str:
        """The tokenizer's name, or how many bytes its tokens stand for."""
        tokenizer = tokenizer_of(self.bytes_per_token)
        return tokenizer.name if tokenizer else f"{ratio_text(self.bytes_per_token)} bytes per token"


@dataclass(frozen=True, slots=True)
class Tested:
    """The comparison in one unit; without a test `outcome` and the p are None."""

    unit: str  # "bpb" or "nats per token", of A's tokenizer
    ours: tuple[float, ...]
    theirs: tuple[float, ...]  # one number over a bar
    delta: float
    outcome: TestResult | None
    p_margin: float | None  # of a gain above MARGIN in this unit

    def row(self) -> dict[str, str]:
        """Return the printed values by label."""
        cells = {"A, mean": bpb_text(stats.mean(self.ours)), "A, sd": _sd(self.ours)}
        cells |= {
            "B, mean": bpb_text(stats.mean(self.theirs)),
            "B, sd": _sd(self.theirs),
            "A - B": delta_text(self.delta),
        }
        if self.outcome is None or self.p_margin is None:
            return cells
        low, high = self.outcome.interval
        z = math.isinf(self.outcome.df)
        return cells | {
            "confidence interval": f"{delta_text(low)} .. {delta_text(high)}",
            "z" if z else "t": t_text(self.outcome.t),
            "df": "" if z else df_text(self.outcome.df),
            "p, gain > 0": p_text(self.outcome.p),
            f"p, gain > {MARGIN:g}": p_text(self.p_margin),
        }


@dataclass(frozen=True, slots=True)
class Ruled:
    """A ruleset's answer: whether its test shows the gain, and how many seeds of A it would take."""

    ruleset: Ruleset
    p: float | None
    shown: bool
    power: float | None  # probability that this many seeds show the gain, if gain and spread are as observed
    seeds: int | None  # the fewest that give WANTED_POWER; None: not even MOST_SEEDS do


@dataclass(frozen=True, slots=True)
class Gain:
    """A's gain over B or over a bar."""

    ours: SeedScores
    theirs: SeedScores | None  # None: a bar
    test: str  # the test's name
    reason: str | None  # why there is no test
    bpb: Tested
    nats: Tested
    confidence: float  # of the intervals
    ruled: tuple[Ruled, ...]
    notes: tuple[str, ...]


def sample(record: Record) -> SeedScores:
    """Return the scores of a record's seeds. Raises UsageError when its logs have none."""
    examined = examine(record)
    if not examined.results:
        raise UsageError(f"{record.path}: no score in its logs: nothing to test")
    seeds = tuple(result.seed for result in examined.results)
    return SeedScores(examined.identity.name, str(record.path), seeds, examined.bpb, examined.nats)


def pooled(ours: SeedScores, others: Sequence[SeedScores]) -> tuple[SeedScores, list[str]]:
    """Return our seeds together with those of reproductions, and notes about them.

    A run that is in two of them is counted once. Raises UsageError for a reproduction with a different tokenizer.
    """
    notes = []
    for other in others:
        if not _same_tokenizer(ours, other):
            message = f"its tokenizer ({other.tokenizer}) differs from that of {ours.name} ({ours.tokenizer})"
            raise UsageError(f"{other.path}: {message}: not a reproduction")
        had = set(zip(ours.seeds, ours.bpb, strict=True))
        new = [index for index, run in enumerate(zip(other.seeds, other.bpb, strict=True)) if run not in had]
        again = len(other.bpb) - len(new)
        notes.append(
            f"{counted(len(new), 'seed')} of {other.name} ({other.path}) count as A's"
            + (f"; {again} that A has already, not again" if again else "")
        )
        ours = replace(
            ours,
            seeds=(*ours.seeds, *(other.seeds[index] for index in new)),
            bpb=(*ours.bpb, *(other.bpb[index] for index in new)),
            nats=(*ours.nats, *(other.nats[index] for index in new)),
        )
    return ours, notes


def gain_over(
    ours: SeedScores,
    theirs: SeedScores | None,
    *,
    bar_bpb: float | None = None,
    sigma_bpb: float | None = None,
    confidence: float = 0.95,
    notes: Sequence[str] = (),
) -> Gain:
    """Test the gain of `ours` over `theirs`, or over a bar that is taken as exact; one of the two is given.

    `sigma_bpb` is a standard deviation between seeds that is known from elsewhere: then one seed is enough.
    """
    per_bpb = units.nats_per_bpb(ours.bytes_per_token)  # nats per token in one bit per byte, for A's tokenizer
    if theirs is None:
        assert bar_bpb is not None
        their_bpb: tuple[float, ...] = (bar_bpb,)
        their_nats: tuple[float, ...] = (bar_bpb * per_bpb,)
    else:
        their_bpb, their_nats = theirs.bpb, theirs.nats
        if not _same_tokenizer(ours, theirs):
            their_nats = tuple(bpb * per_bpb for bpb in their_bpb)
            notes = [
                *notes,
                f"the tokenizers or the validation texts differ ({ours.tokenizer}, {theirs.tokenizer}): B's losses are "
                "given per token of A's, via bits per byte",
            ]
    both = set(zip(ours.seeds, ours.bpb, strict=True)) & set(
        zip(theirs.seeds, theirs.bpb, strict=True) if theirs else ()
    )
    if both:
        notes = [*notes, f"{len(both)} of A's runs are also in B (same seed, same score): p requires independent sides"]
    exact = theirs is None
    test_in = partial(_tested, exact=exact, confidence=confidence)
    bpb = test_in("bpb", ours.bpb, their_bpb, sigma=sigma_bpb)
    nats = test_in("nats per token", ours.nats, their_nats, sigma=sigma_bpb and sigma_bpb * per_bpb)
    test = "z test, spread given" if sigma_bpb else "one-sample t test" if exact else "Welch's t test"
    reason = _why_no_test(ours, theirs) if bpb.outcome is None or nats.outcome is None else None
    ruled = tuple(
        _ruled(rules, nats if rules.margin_nats else bpb, exact, sigma_bpb, per_bpb) for rules in _by_margin()
    )
    return Gain(ours, theirs, test, reason, bpb, nats, confidence, ruled, tuple(notes))


def _sd(values: Sequence[float]) -> str:
    return bpb_text(stats.variance(values) ** 0.5) if len(values) > 1 else ""


def _by_margin() -> list[Ruleset]:
    return sorted(RULESETS.values(), key=lambda ruleset: ruleset.margin_nats)


def _same_tokenizer(one: SeedScores, other: SeedScores) -> bool:
    return abs(other.bytes_per_token / one.bytes_per_token - 1) <= TOKEN_BYTES_TOLERANCE


def _tested(
    unit: str,
    ours: tuple[float, ...],
    theirs: tuple[float, ...],
    *,
    exact: bool,
    sigma: float | None,
    confidence: float,
) -> Tested:
    delta = stats.mean(ours) - stats.mean(theirs)

    def test(above: float) -> TestResult:
        if sigma:
            return stats.fixed_sigma(ours, theirs, sigma, above, confidence, exact=exact)
        if exact:
            return stats.one_sample(ours, theirs[0], above, confidence)
        return stats.welch(ours, theirs, above, confidence)

    try:
        return Tested(unit, ours, theirs, delta, test(0.0), test(MARGIN).p)
    except ValueError:
        return Tested(unit, ours, theirs, delta, None, None)


def _why_no_test(ours: SeedScores, theirs: SeedScores | None) -> str:
    few = [name for name, side in (("A", ours), ("B", theirs)) if side is not None and len(side.bpb) < 2]
    if few:
        have = "has one seed" if len(few) == 1 else "have one seed each"
        return f"{' and '.join(few)} {have}: their spread is unknown; give --sigma, or run more seeds"
    return "the seeds' scores are all equal: their spread is unknown; give --sigma"


def _ruled(ruleset: Ruleset, tested: Tested, exact: bool, sigma_bpb: float | None, per_bpb: float) -> Ruled:
    """Apply one ruleset's test, in its unit."""
    if tested.outcome is None:
        return Ruled(ruleset, None, False, None, None)
    p = tested.p_margin if ruleset.margin_nats else tested.outcome.p
    assert p is not None
    sigma = sigma_bpb and sigma_bpb * (per_bpb if ruleset.margin_nats else 1.0)
    their_variance = 0.0 if exact or sigma else stats.variance(tested.theirs) / len(tested.theirs)
    our_variance = 0.0 if sigma else stats.variance(tested.ours)

    def error_and_df(count: int) -> tuple[float, float]:
        if sigma:
            return sigma * math.sqrt(1 / count + (0 if exact else 1 / len(tested.theirs))), math.inf
        part = our_variance / count
        if exact:
            return math.sqrt(part), count - 1.0
        squares = part**2 / (count - 1) + their_variance**2 / (len(tested.theirs) - 1)
        return math.sqrt(part + their_variance), (part + their_variance) ** 2 / squares

    gain, margin, alpha = -tested.delta, ruleset.margin_nats, ruleset.alpha
    if gain <= margin:
        return Ruled(ruleset, p, p < alpha, None, None)
    now = stats.power(gain, *error_and_df(len(tested.ours)), margin, alpha)
    least = 1 if sigma else 2
    counts = range(least, MOST_SEEDS + 1)
    seeds = stats.first_with_power(
        error_and_df, counts, gain=gain, margin=margin, alpha=alpha, wanted_power=WANTED_POWER
    )
    return Ruled(ruleset, p, p < alpha, now, seeds)
