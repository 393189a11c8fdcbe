"""Compare a claimed score with the measured one: the tolerance and its source, the verdict and its reason."""

from collections.abc import Sequence
from statistics import fmean

from golfcheck.core.numbers import measured_text, percent_text, rough_text, stated_text, tolerance_text
from golfcheck.rescore.report import Claim, Mean, Measured, Rescore, RescoreOutcome

# How much one artifact's score was measured to differ between runs; docs/limits.md.
SAME_BPB = 2e-5  # same precision, same kind of device: other kernels, other batch sizes
COMPILED_BPB = 2e-4  # the same, but a compiled model, which rounds less often (measured: 4e-5 and 9e-5)
DEVICES_BPB = 5e-4  # same precision, another kind of device
CONTEST_PRECISION = "bf16"  # for a claim that does not state its precision
_LOSS_ROUNDING_NATS = 5e-5  # logs and submission.json give a loss to at least four decimals
_REST_TOKENS, _TOKEN_BYTES = 8192, 16  # the longest sequence that a log may state; more bytes than any token has
PRECISIONS_BPB = 2e-3  # bf16 activations against fp32: the golden artifacts move by 0.0002 and 0.0010


def precision_of(claim: Claim | None, given: str | None) -> str:
    """Return the precision to evaluate in: the one requested, else the claim's, else the contest's."""
    return given or (claim.activations if claim else None) or CONTEST_PRECISION


def tolerance(claim: Claim | None, device: str, given: float | None) -> tuple[float, str]:
    """Return how many bpb a score in the claim's precision may differ from the claim, and the reason for that value.

    The claim's own rounding, half a unit of its last decimal, is added. Without a claim the tolerance is 0.
    """
    if claim is None:
        return 0.0, ""
    if given is not None:
        bpb, source = given, "--tolerance"
    elif claim.device != device:
        where = (
            f"the claim on {claim.device}, this score on {device}" if claim.device else "the claim's device is unknown"
        )
        bpb, source = DEVICES_BPB, f"same precision, {where}"
    elif claim.is_compiled:
        bpb, source = COMPILED_BPB, f"same precision, both on {device}, the claim's model compiled"
    else:
        bpb, source = SAME_BPB, f"same precision, both on {device}"
    rounding = 0.5 * 10.0**-claim.digits
    return bpb + rounding, f"{source}; the claim has {claim.digits} decimals"


def other_precision(claim: Claim | None, measured: Measured, tolerance_bpb: float) -> str | None:
    """Return why precision alone may explain a near miss, if the user requested another precision than the claim's."""
    claimed = precision_of(claim, None)
    if claim is None or measured.precision in (None, claimed):
        return None
    if not meets(claim, measured, tolerance_bpb + PRECISIONS_BPB):
        return None
    return f"the claim has {claimed} activations, this score {measured.precision}: --precision {claimed} decides"


def comparable(claim: Claim, measured: Measured) -> str | None:
    """Return why a claim cannot be compared with a score, or None if it can: both must be about the same text."""
    if claim.is_sliding is not None and claim.stride != measured.stride:
        ways = [_way(claim.stride if claim.is_sliding else None), _way(measured.stride)]
        return f"the claim is of {ways[0]}, this score of {ways[1]}"
    if claim.seq_len not in (None, measured.seq_len):
        return f"the claim is of sequences of {claim.seq_len:,} tokens, this score of {measured.seq_len:,}"
    if (other := other_text(claim, measured.tokens, measured.text_bytes)) is not None:
        unit, claimed, scored = other
        return f"the claim is about {claimed:,} {unit}, this score about {scored:,}"
    return None


def other_text(claim: Claim, tokens: int, text_bytes: int) -> tuple[str, int, int] | None:
    """Return how a text's size differs from the claim: "tokens" or "bytes", the claimed and the actual number of them.

    A log states the sizes for training's sequence length. An evaluation with another sequence length may leave out a
    different remainder at the end of the text.
    """
    rest = 0 if claim.seq_len is None else _REST_TOKENS
    pairs = (("tokens", claim.tokens, tokens, rest), ("bytes", claim.text_bytes, text_bytes, rest * _TOKEN_BYTES))
    for unit, claimed, actual, allowed in pairs:
        if claimed is not None and abs(claimed - actual) > allowed:
            return unit, claimed, actual
    return None


def _way(stride: int | None) -> str:
    return "sequences side by side" if stride is None else f"a window that slides by {stride}"


def meets(claim: Claim, measured: Measured, tolerance_bpb: float) -> bool:
    """Tell whether a measured score agrees with the claim; for an estimate, whether it still may."""
    estimate = measured.estimate
    if estimate is None:
        return abs(measured.val_bpb - claim.val_bpb) <= tolerance_bpb
    return estimate.low_bpb <= claim.val_bpb + tolerance_bpb and estimate.high_bpb >= claim.val_bpb - tolerance_bpb


def _misses_loss(claim: Claim, measured: Measured, tolerance_bpb: float) -> bool:
    """Tell whether the claim's loss in nats is wrong; an estimate never says so, as it covers bits per byte alone."""
    if claim.val_loss_nats is None or measured.estimate is not None:
        return False
    nats_per_bpb = measured.val_loss_nats / measured.val_bpb  # of this text: ln 2 times its bytes per token
    return abs(measured.val_loss_nats - claim.val_loss_nats) > tolerance_bpb * nats_per_bpb + _LOSS_ROUNDING_NATS


def settled(claim: Claim | None, measured: Measured, tolerance_bpb: float) -> bool:
    """Tell whether an estimate is precise enough to stop.

    It is once the claim is refuted, or once the whole interval is as close to the claim as requested (never closer than
    the tolerance). Without a comparable claim, it is once the interval is as narrow as requested.
    """
    estimate = measured.estimate
    if estimate is None:
        return True
    if claim is None or comparable(claim, measured) is not None:
        return estimate.half_width_bpb <= estimate.within_bpb
    reach = max(estimate.within_bpb, tolerance_bpb)
    is_close = claim.val_bpb - reach <= estimate.low_bpb and estimate.high_bpb <= claim.val_bpb + reach
    return is_close or not meets(claim, measured, tolerance_bpb)


def decide(
    claim: Claim | None, measured: Measured, other: Measured | None, tolerance_bpb: float, tables_are_stated: bool
) -> tuple[RescoreOutcome, str]:
    """Return the verdict and its reason. `other` is the score with other tables or functions, if those were tried.

    If neither the user nor the record stated the tables, any that reproduce the claim confirm it.
    """
    if claim is None:
        return (
            RescoreOutcome.MEASURED,
            "no claim to compare with: no --claim, and no score in a log or in submission.json",
        )
    if (reason := comparable(claim, measured)) is not None:
        return RescoreOutcome.INCOMPARABLE, reason
    if meets(claim, measured, tolerance_bpb):
        if _misses_loss(claim, measured, tolerance_bpb):
            losses = f"claimed {_loss(claim)} nats, measured {measured_text(measured.val_loss_nats)}"
            return RescoreOutcome.REFUTED, f"val_bpb holds, but not val_loss: {losses}"
        return RescoreOutcome.CONFIRMED, f"{_how(measured, tolerance_bpb)} {_by(measured)}"
    if other is not None and meets(claim, other, tolerance_bpb):
        reason = f"missed {_by(measured)}, met {_by(other)} ({measured_text(other.val_bpb)}), so the claim used those"
        return (RescoreOutcome.REFUTED if tables_are_stated else RescoreOutcome.CONFIRMED), reason
    if measured.estimate is not None:
        reason = f"at {percent_text(measured.estimate.level)} not the claimed score {_by(measured)}"
        return RescoreOutcome.REFUTED, reason + (f", nor {_by(other)}" if other is not None else "")
    tried = f", and {_by(other)} ({measured_text(other.val_bpb)})" if other is not None else ""
    return RescoreOutcome.REFUTED, f"missed {_by(measured)}{tried}"


def excused(outcome: RescoreOutcome, reason: str, cause: str | None) -> tuple[RescoreOutcome, str]:
    """Return the verdict, left open for a miss if `cause` says why our score may not be the one that was claimed.

    A claim that is met stays confirmed: a score does not come out right by chance.
    """
    if outcome is not RescoreOutcome.REFUTED or cause is None:
        return outcome, reason
    return RescoreOutcome.INCOMPARABLE, f"{reason}; but {cause}"


def other_code(claim: Claim | None, scores: Sequence[Measured], difference: str | None) -> str | None:
    """Return what a miss implies for a record that ships other code: how much better that code would have to score."""
    if claim is None or difference is None:
        return None
    gap_bpb = min((score.val_bpb - claim.val_bpb for score in scores), key=abs)
    gap = f"{rough_text(abs(gap_bpb))} bpb {'better' if gap_bpb > 0 else 'worse'}"
    than = f"{gap} than the nearest variant of the reference"
    return f"the record ships other code, which would have to score these weights {than}"


def also(
    outcome: RescoreOutcome, reason: str, stated: Claim | None, measured: Measured, tolerance_bpb: float
) -> tuple[RescoreOutcome, str]:
    """Return the verdict after checking the JSON's claim, which must hold as well if the log's does."""
    if stated is None or outcome is not RescoreOutcome.CONFIRMED:
        return outcome, reason
    if not meets(stated, measured, tolerance_bpb):
        claimed = f"{stated.source} is {stated_text(stated.val_bpb, stated.digits)}"
        return (
            RescoreOutcome.REFUTED,
            f"the log's score holds, but {claimed}: missed by more than {tolerance_text(tolerance_bpb)}",
        )
    if _misses_loss(stated, measured, tolerance_bpb):
        claimed = f"its val_loss {_loss(stated)} nats"
        return (
            RescoreOutcome.REFUTED,
            f"{stated.source} holds, but not {claimed}: measured {measured_text(measured.val_loss_nats)}",
        )
    return outcome, f"{reason}; {stated.source} holds as well"


def _loss(claim: Claim) -> str:
    return "" if claim.val_loss_nats is None else measured_text(claim.val_loss_nats)


def mean(
    claim: Claim | None, seeds: int, rescores: Sequence[Rescore], given_tolerance_bpb: float | None, device: str
) -> Mean | None:
    """Compare the mean over all seeds with the JSON's claim; None without a claim, or if a seed has no score.

    The mean of the estimates' margins, the largest possible error of their mean, is added to the tolerance.
    """
    if claim is None or len(rescores) != seeds:
        return None
    scores = [rescore.measured for rescore in rescores]
    tolerance_bpb, _ = tolerance(claim, device, given_tolerance_bpb)
    tolerance_bpb += fmean(_margin(score) for score in scores)
    val_bpb, val_loss_nats = fmean(s.val_bpb for s in scores), fmean(s.val_loss_nats for s in scores)
    is_met = abs(val_bpb - claim.val_bpb) <= tolerance_bpb
    if claim.val_loss_nats is not None:
        allowed_nats = tolerance_bpb * val_loss_nats / val_bpb + _LOSS_ROUNDING_NATS
        is_met &= abs(val_loss_nats - claim.val_loss_nats) <= allowed_nats
    outcome = RescoreOutcome.CONFIRMED if is_met else RescoreOutcome.REFUTED
    if RescoreOutcome.INCOMPARABLE in {rescore.outcome for rescore in rescores}:
        outcome = RescoreOutcome.INCOMPARABLE
    return Mean(claim, val_bpb, val_loss_nats, tolerance_bpb, outcome)


def _margin(measured: Measured) -> float:
    """Return the distance from an estimate to the farther end of its interval; 0 without an estimate."""
    estimate, bpb = measured.estimate, measured.val_bpb
    return max(bpb - estimate.low_bpb, estimate.high_bpb - bpb) if estimate else 0.0


def _by(measured: Measured) -> str:
    if not measured.rope_tables:
        return "with its own predictor.py"
    mlp = f" and {measured.mlp} in the MLP" if measured.mlp else ""
    return f"with {measured.rope_tables} rotary tables{mlp}"


def _how(measured: Measured, tolerance_bpb: float) -> str:
    estimate = measured.estimate
    if estimate is None:
        return "measured"
    return f"at {percent_text(estimate.level)} within {max(estimate.within_bpb, tolerance_bpb):g} bpb of the claim,"
