"""Stop early: score sequences in a random order and look after every call, until the estimate is precise enough."""

import math
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from golfcheck.core.numbers import rough_text
from golfcheck.core.units import nats_per_bpb
from golfcheck.reference.bpb import Score
from golfcheck.reference.data import Tokens
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import ngram, sequence
from golfcheck.rescore.measure import Evaluation, Interrupted, Vector
from golfcheck.rescore.report import Estimate, Measured

Order = npt.NDArray[np.int64]
Look = Callable[..., object]  # (done, total, the estimate in words)

_SEED_BITS = 53  # every JSON reader represents integers of this size exactly
SYSTEM = "the system's randomness"
# Lower bound of a language model's residual standard deviation, after regressing on bytes and n-grams, as a share of
# that of the text's own 3-gram losses. At lengths from 256 to 4096 it is 0.39 to 0.47 for the public artifact and 0.25
# to 0.33 for the golden one, which is barely trained.
LEAST_SPREAD = 0.125


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything fixed before the first look: the text's size, the covariates of all sequences, and their order."""

    covariates: sequence.Array  # [sequences, rank], uncorrelated, those of the text first
    text_rank: int  # how many of them describe the text alone
    least_variance: float  # in nats², of the residuals of a model's losses on those
    names: tuple[str, ...]
    text_bytes: int
    order_seed: int
    order_source: str
    within_bpb: float


def draw_seed(given: int | None, ranks: Ranks) -> tuple[int, str]:
    """Return the seed of the order, the same on all ranks, and where it comes from.

    It must not be derived from the artifact: an author could try artifacts until one has a favorable order.
    """
    if given is not None:
        return given, "--order-seed"
    seed: int = ranks.gather(secrets.randbits(_SEED_BITS))[0]
    return seed, SYSTEM


def plan(
    tokens: Tokens, num_bytes: Vector, seq_len: int, controls: sequence.Array | None, *, order_seed: int,
    order_source: str = "--order-seed", within_bpb: float,
) -> Plan:  # fmt: skip
    """Return the plan for tokens [n + 1], n = seqs * seq_len, whose targets have `num_bytes` [n] bytes.

    `controls` are other artifacts' losses [seqs, any], if given.
    """
    text_bytes = num_bytes.reshape(-1, seq_len).sum(axis=1, dtype=np.int64)  # [seqs]
    grams = ngram.losses(tokens, seq_len)  # [seqs, ORDER]
    text = sequence.design(np.column_stack([text_bytes.astype(np.float64), grams]))  # [seqs, text_rank]
    names = ["bytes", *(f"{order}-gram" for order in range(1, ngram.ORDER + 1))]
    covariates = text
    if controls is not None:
        residuals = controls - text @ (text.T @ controls) / len(text)  # [seqs, any], what the text does not explain
        covariates = np.hstack([text, sequence.design(residuals)])
        names += ["control"] * controls.shape[1]
    return Plan(
        covariates=covariates,
        text_rank=text.shape[1],
        least_variance=float(LEAST_SPREAD * grams[:, -1].std()) ** 2,
        names=tuple(names),
        text_bytes=int(text_bytes.sum()),
        order_seed=order_seed,
        order_source=order_source,
        within_bpb=within_bpb,
    )


def score(
    evaluation: Evaluation, tokens: Tokens, planned: Plan, settled: Callable[[Measured], bool], look: Look
) -> Measured:
    """Score sequences of tokens [seqs * seq_len + 1] until `settled` returns true, or all of them are scored.

    Once all are scored, the score is exact and has no estimate. Raises Refused (EVAL_NONFINITE) for a loss that is not
    finite, and on Ctrl-C `Interrupted` with the latest estimate.
    """
    start, total = time.perf_counter(), len(planned.covariates)
    order = np.random.default_rng(planned.order_seed).permutation(total)
    losses = np.empty(0)  # [scored], in the order of drawing
    so_far: Measured | None = None
    try:
        with closing(evaluation.draw(tokens, order)) as drawn:
            for more in drawn:
                losses = np.concatenate([losses, more])
                if losses.size == total:
                    break
                so_far = _estimated(evaluation, planned, order, losses, start)
                look(losses.size, total, words(so_far))
                if settled(so_far):
                    look(total, total)
                    return so_far
    except KeyboardInterrupt:
        if so_far is None:
            raise
        raise Interrupted(so_far) from None
    look(total, total)
    exact = Score(float(losses.mean()), tokens.size - 1, planned.text_bytes)
    measured = evaluation.measured(exact, [losses[np.argsort(order)].tolist()], start)
    return replace(measured, rank_sequences=_shares(evaluation, total))


def _estimated(evaluation: Evaluation, planned: Plan, order: Order, losses: sequence.Array, start: float) -> Measured:
    """Estimate the score over all sequences from the losses of the first ones in the order."""
    drawn = planned.covariates[order[: losses.size]]
    rows = sequence.rows(drawn, losses)
    bounds = sequence.interval(
        rows, len(planned.covariates), least_variance=planned.least_variance, text=planned.text_rank
    )
    tokens = len(planned.covariates) * evaluation.config.train_seq_len
    score = Score(float(bounds.mean), tokens, planned.text_bytes)
    bpb_per_nat = 1 / nats_per_bpb(score.bytes / score.tokens)
    estimate = Estimate(
        low_bpb=score.val_bpb - float(bounds.below) * bpb_per_nat,
        high_bpb=score.val_bpb + float(bounds.above) * bpb_per_nat,
        fixed_half_width_bpb=float(bounds.fixed_half_width) * bpb_per_nat,
        level=sequence.LEVEL,
        within_bpb=planned.within_bpb,
        sequences=losses.size,
        of_sequences=len(planned.covariates),
        order_seed=planned.order_seed,
        order_source=planned.order_source,
        widened=bool(bounds.widened),
        covariates=planned.names,
    )
    measured = evaluation.measured(score, [], start)
    return replace(measured, rank_sequences=_shares(evaluation, losses.size), estimate=estimate)


def _shares(evaluation: Evaluation, sequences: int) -> tuple[int, ...]:
    """Return how many sequences each rank scored; they are assigned to ranks in turn."""
    return tuple(
        len(range(rank, sequences, evaluation.ranks.world_size)) for rank in range(evaluation.ranks.world_size)
    )


def words(measured: Measured) -> str:
    """Return an estimate's interval for the progress line; "" if there is none yet."""
    estimate = measured.estimate
    if estimate is None or not math.isfinite(estimate.half_width_bpb):
        return ""
    return f"{rough_text(estimate.low_bpb)} to {rough_text(estimate.high_bpb)} bpb"
