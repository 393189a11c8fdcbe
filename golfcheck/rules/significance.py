"""The gain over the record to beat: whether it is more than luck, and not more than is plausible.

These rules alone depend on another record. They use nothing of this one but its scores (`ctx.ours`), so that a record
that was read once can be compared with any other.
"""

from collections.abc import Iterator

from golfcheck.comparison.frontier import comparable_nats, p_under
from golfcheck.core import stats
from golfcheck.core.numbers import bpb_text, delta_text, p_text, percent_text
from golfcheck.core.ruleset import LARGEST_MOVE_BPB, RULESETS, Ruleset
from golfcheck.core.verdict import Problem, ToBeat
from golfcheck.rules.rule import INFO, WARNING, Context, Skip, rule
from golfcheck.submission.examined import Entry
from golfcheck.submission.record import Record

_POWER = 0.8  # the usual power: probability that the recommended number of seeds shows the gain


def _entries(ctx: Context) -> tuple[Entry, Entry, ToBeat]:
    """Return this record, the one to beat, and the difference between them."""
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} is not ranked")
    if ctx.ours is None or ctx.best is None or ctx.to_beat is None:
        ctx.scored()
        raise Skip("no earlier record of the track is known: give golfcheck the whole records tree")
    return ctx.ours, ctx.best, ctx.to_beat


def _gain(ctx: Context) -> ToBeat:
    _, _, gain = _entries(ctx)
    if gain.reason:
        raise Skip(f"{gain.reason}: no test of the gain over {gain.name} is possible")
    return gain


def _p(gain: ToBeat, ruleset: Ruleset) -> str:
    p = p_under(gain, ruleset)
    assert p is not None  # the rules are skipped if there is none
    return p_text(p)


def _shown(gain: ToBeat, ruleset: Ruleset) -> bool:
    p = p_under(gain, ruleset)
    return p is not None and p < ruleset.alpha


def _needed(ctx: Context, gain: ToBeat, ruleset: Ruleset) -> str | None:
    """Return the sentence that says how many seeds would show the gain, or None if no number would."""
    ours, best, _ = _entries(ctx)
    if gain.delta_nats is None:
        return None
    theirs = comparable_nats(best, ours.bytes_per_token)
    count = stats.seeds_needed(
        -gain.delta_nats,
        stats.variance(ours.nats) ** 0.5,
        stats.variance(theirs) ** 0.5,
        len(theirs),
        margin=ruleset.margin_nats,
        alpha=ruleset.alpha,
        wanted_power=_POWER,
    )
    cases = f"{percent_text(_POWER)} of cases"
    return f"{count} seeds would show it in {cases}, if gain and spread are as observed" if count else None


def _why_no_seeds(gain: ToBeat, ruleset: Ruleset) -> str:
    """Return why more seeds cannot help; "" if that is not known."""
    if gain.delta_nats is None:
        return ""
    if gain.delta_nats >= 0:
        return "it is worse, so more seeds cannot show a gain"
    if -gain.delta_nats <= ruleset.margin_nats:
        return f"the gain itself is below {ruleset.margin_nats:g}, so more seeds cannot show it"
    return "even 50 seeds would not show it, if gain and spread are as observed"


def _test(ruleset: Ruleset) -> str:
    margin = f"{ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "0"
    return f"a gain above {margin} at p < {ruleset.alpha:g}"


@rule(WARNING)
def implausible_gain(record: Record, ctx: Context) -> Iterator[Problem]:
    """The score is better than the record to beat by more than any record ever was.

    The frontier of the ranked track moved eleven times, by 0.0087 bpb in the median and by less than 0.05 at most. A
    larger gain may be right, but a person must look.
    Example: (record): 0.06000 bpb better than Valid: the frontier never moved by more than 0.05
    Fix: show in the README that every token is predicted from what came before it, with probabilities that add up to 1.
    """
    ours, best, _ = _entries(ctx)
    gain_bpb = best.mean_bpb - ours.mean_bpb
    if ours.mean_bpb <= 0:
        raise Skip("score-not-finite says what is wrong with the score")
    if round(gain_bpb, 6) > LARGEST_MOVE_BPB:
        yield Problem(
            f"{bpb_text(gain_bpb)} bpb better than {best.name}: the frontier never moved by more than "
            f"{LARGEST_MOVE_BPB:g}"
        )


@rule(WARNING)
def gain_not_significant(record: Record, ctx: Context) -> Iterator[Problem]:
    """The gain over the record to beat is not significant under the ruleset.

    `written`: a one-sided Welch test of a gain above 0.005 nats per token, p < 0.01. `audit-2026-05`: of a gain above 0
    in bits per byte, p < 0.25.
    Example: (record): -0.00050 bpb, -0.00084 nats per token against Valid: p 0.999, but written requires a gain above
    0.005 nats per token at p < 0.01; the gain itself is below 0.005, so more seeds cannot show it
    Fix: gain more, or run as many seeds as the message says would show it.
    """
    gain = _gain(ctx)
    if _shown(gain, ctx.ruleset):
        return
    nats = "" if gain.delta_nats is None else f", {delta_text(gain.delta_nats)} nats per token"
    differ = f"{delta_text(gain.delta_bpb)} bpb{nats}"
    gain_text = f"{differ} against {gain.name}: p {_p(gain, ctx.ruleset)}"
    needed = _needed(ctx, gain, ctx.ruleset) or _why_no_seeds(gain, ctx.ruleset)
    yield Problem(
        f"{gain_text}, but {ctx.ruleset.name} requires {_test(ctx.ruleset)}" + (f"; {needed}" if needed else "")
    )


@rule(INFO)
def seeds_needed(record: Record, ctx: Context) -> Iterator[Problem]:
    """The gain satisfies the ruleset in use, but another ruleset would require more seeds.

    It is the smallest number of seeds with which a gain and spreads like the observed ones pass the other ruleset's
    test in 80% of cases (noncentral t).
    Example: (record): written requires a gain above 0.005 nats per token at p < 0.01 (p is 0.031); 6 seeds would show
    it in 80% of cases, if gain and spread are as observed
    Fix: nothing to do under this ruleset; run that many seeds to satisfy the other one as well.
    """
    gain = _gain(ctx)
    if not _shown(gain, ctx.ruleset):
        raise Skip("gain-not-significant says how many seeds are needed")
    for other in RULESETS.values():
        needed = None if _shown(gain, other) else _needed(ctx, gain, other)
        if needed:
            yield Problem(f"{other.name} requires {_test(other)} (p is {_p(gain, other)}); {needed}")
