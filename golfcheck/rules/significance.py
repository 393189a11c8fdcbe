"""The gain over the record to beat: whether it is more than luck."""

from collections.abc import Iterator

from golfcheck.comparison.frontier import comparable_nats, p_under
from golfcheck.core import stats
from golfcheck.core.numbers import delta_text, p_text
from golfcheck.core.ruleset import RULESETS, Ruleset
from golfcheck.core.verdict import Problem, ToBeat
from golfcheck.rules.rule import INFO, WARNING, Context, Skip, rule
from golfcheck.submission.record import Record

_POWER = 0.8  # the usual power: probability that the recommended number of seeds shows the gain


def _gain(ctx: Context) -> ToBeat:
    if not ctx.track.ranked:
        raise Skip(f"track {ctx.track.name} is not ranked")
    ctx.scored()
    if ctx.to_beat is None:
        raise Skip("no earlier record of the track is known: give golfcheck the whole records tree")
    if ctx.to_beat.reason:
        raise Skip(f"{ctx.to_beat.reason}: no test of the gain over {ctx.to_beat.name} is possible")
    return ctx.to_beat


def _p(gain: ToBeat, ruleset: Ruleset) -> str:
    p = p_under(gain, ruleset)
    assert p is not None  # the rules are skipped if there is none
    return p_text(p)


def _shown(gain: ToBeat, ruleset: Ruleset) -> bool:
    p = p_under(gain, ruleset)
    return p is not None and p < ruleset.alpha


def _needed(ctx: Context, gain: ToBeat, ruleset: Ruleset) -> str | None:
    """Return the sentence that says how many seeds would show the gain, or None if no number would."""
    if ctx.best is None or gain.delta_nats is None:
        return None
    ours = [result.nats for result in ctx.results if result.nats is not None]
    ratio = ctx.results[0].bytes_per_token
    if ratio is None or len(ours) < len(ctx.results):
        return None
    theirs = comparable_nats(ctx.best, ratio)
    count = stats.seeds_needed(
        -gain.delta_nats,
        stats.variance(ours) ** 0.5,
        stats.variance(theirs) ** 0.5,
        len(theirs),
        margin=ruleset.margin_nats,
        alpha=ruleset.alpha,
        wanted_power=_POWER,
    )
    return (
        f"{count} seeds would show it with probability {_POWER:.0%}, if gain and spread are as seen" if count else None
    )


def _why_no_seeds(gain: ToBeat, ruleset: Ruleset) -> str:
    """Return why more seeds cannot help; "" if that is not known."""
    if gain.delta_nats is None:
        return ""
    if gain.delta_nats >= 0:
        return "it is worse, so more seeds cannot show a gain"
    if -gain.delta_nats <= ruleset.margin_nats:
        return f"the gain itself is below {ruleset.margin_nats:g}, so more seeds cannot show it"
    return "even 50 seeds would not show it, if gain and spread are as seen"


def _test(ruleset: Ruleset) -> str:
    margin = f"{ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "0"
    return f"a gain above {margin} at p < {ruleset.alpha:g}"


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
    test in 80 % of cases (noncentral t).
    Example: (record): written requires a gain above 0.005 nats per token at p < 0.01 (p is 0.031); 6 seeds would show
    it with probability 80%, if gain and spread are as seen
    Fix: nothing to do under this ruleset; run that many seeds to satisfy the other one as well.
    """
    gain = _gain(ctx)
    if not _shown(gain, ctx.ruleset):
        raise Skip("gain-not-significant says how many seeds are needed")
    for other in RULESETS.values():
        needed = None if _shown(gain, other) else _needed(ctx, gain, other)
        if needed:
            yield Problem(f"{other.name} requires {_test(other)} (p is {_p(gain, other)}); {needed}")
