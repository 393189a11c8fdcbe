"""Stopping early: the interval holds at every look, covariates only help, and an estimate is always labeled as one."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck import cli
from golfcheck.core import schema
from golfcheck.core.errors import UsageError
from golfcheck.reference import artifact, data
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.ranks import Ranks
from golfcheck.render import rescore_json
from golfcheck.render import rescore_text as render
from golfcheck.render.page import Page
from golfcheck.rescore import control, early, judge, measure, ngram, prepare, rescoring, sequence, target
from golfcheck.rescore.report import Claim, Estimate, Measured, Rescore, RescoreOutcome
from tests.bench.bench_attack import equalize
from tests.golfcheck import forked
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

ALONE = Ranks(0, 1, torch.device("cpu"))
Array = npt.NDArray[np.float64]


@pytest.fixture(autouse=True)
def one_sequence_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks after every sequence, the most often possible."""
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", tiny.ONE_SEQUENCE)


# --- the interval -----------------------------------------------------------------------------------------------------


def bayes_factor(y: Array, x: Array, mean: float, population: int) -> float:
    """The mixture martingale by integration: sample values [n] without replacement, centered covariates [n, k].

    The sample's covariance is that of a population given its mean. What is left when the covariates are projected out
    knows nothing of their coefficients; its scale, with prior 1/scale, and the mean's distance are summed over a grid.
    """
    n = len(y)
    whiten = np.linalg.inv(np.linalg.cholesky(np.eye(n) - 1 / population))
    basis = np.linalg.qr(whiten @ x, mode="complete")[0][:, x.shape[1] :].T @ whiten  # [n - k, n]
    errors, drift = basis @ (y - mean), basis @ np.ones(n)  # [n - k] twice
    scale = np.exp(np.linspace(math.log(y.std()) - 4, math.log(y.std()) + 4, 2001))[:, None]  # [s, 1]
    effect = np.linspace(-3, 3, 2001)  # [e], in units of the scale
    prior = np.exp(-sequence._PRIOR_SEQUENCES * effect**2 / 2)
    cross, square = errors @ drift, drift @ drift
    none = -len(errors) * np.log(scale) - (errors @ errors) / (2 * scale**2)  # [s, 1], the effect being none
    some = none + effect * cross / scale - effect**2 * square / 2  # [s, e]
    return float(np.exp(some - some.max()).sum(axis=0) @ (prior / prior.sum()) / np.exp(none - some.max()).sum())


@pytest.mark.parametrize(("n", "covariates", "population"), [(30, 0, 1000), (60, 0, 80), (50, 3, 200)])
def test_the_interval_ends_where_the_integrated_martingale_reaches_a_hundred(
    n: int, covariates: int, population: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "_skewness", lambda _error: 0.0)
    monkeypatch.setattr(sequence, "LEAST_SKEWNESS", 0.0)
    rng = np.random.default_rng(n)
    x = sequence.design(rng.normal(size=(population, covariates)))[:n]
    y = rng.normal(3.5, 0.2, n) + x.sum(axis=1)
    interval = sequence.interval(sequence.rows(x, y), population)
    for side in (-1, 1):
        end = interval.mean + (interval.above if side > 0 else -interval.below)
        assert bayes_factor(y, x, end, population) == pytest.approx(1 / (1 - sequence.LEVEL), rel=2e-3)


POPULATIONS: dict[str, Callable[[np.random.Generator], Array]] = {
    "normal": lambda rng: rng.normal(3.5, 0.22, 2000),
    "exponential": lambda rng: 3 + rng.exponential(0.2, 2000),  # skewness 2
    "skewed to the left": lambda rng: 4 - rng.gamma(3, 0.1, 2000),
    "heavy tails": lambda rng: 3.5 + 0.2 * rng.standard_t(3, 2000),
    "log-normal": lambda rng: 3 + rng.lognormal(-1.5, 1.0, 2000),  # skewness 6
    "outliers": lambda rng: rng.normal(3.5, 0.2, 2000) + 1.2 * (rng.random(2000) < 0.01),  # at six deviations
}


def looks(losses: Array, covariates: Array, rescorings: int) -> tuple[Array, Array, Array]:
    """For each look of each rescoring: whether the interval misses the mean, and whether a single-look interval does.

    Both [looks, rescorings]; also how much wider the first one is in the end [rescorings].
    """
    rng, population = np.random.default_rng(0), len(losses)
    rows = sequence.rows(sequence.design(covariates), losses)
    drawn = rows[np.argsort(rng.random((rescorings, population)), axis=1)[:, :500]]
    missed, fixed = [], []
    for n in [*range(25, 100, 3), *range(100, 501, 20)]:
        interval = sequence.interval(drawn[:, :n], population)
        off = losses.mean() - interval.mean
        missed.append((off < -interval.below) | (off > interval.above))
        fixed.append(np.abs(off) > interval.fixed_half_width)
    return np.array(missed), np.array(fixed), interval.below / interval.fixed_half_width


@pytest.mark.parametrize(
    ("name", "helped"), [*((name, False) for name in POPULATIONS), ("exponential", True), ("log-normal", True)]
)
def test_at_most_one_in_a_hundred_rescorings_refutes_a_true_claim(name: str, helped: bool) -> None:
    rng = np.random.default_rng(1)
    losses = POPULATIONS[name](rng)
    noise = rng.normal(size=(len(losses), 4))
    covariates = np.column_stack([losses + 0.3 * noise[:, 0], noise[:, 1:]]) if helped else np.empty((len(losses), 0))
    missed, _, _ = looks(losses, covariates, 1000)
    assert missed.any(axis=0).sum() <= 10


def test_intervals_for_one_look_would_refute_far_more_true_claims_when_looked_at_often() -> None:
    losses = POPULATIONS["normal"](np.random.default_rng(1))
    _, fixed, wider = looks(losses, np.empty((2000, 0)), 1000)
    assert fixed[-1].mean() == pytest.approx(0.01, abs=0.01)
    assert fixed.any(axis=0).mean() > 0.05
    assert 1.3 < wider.mean() < 1.6  # the price of looking whenever one likes


@given(st.integers(0, 2**32 - 1), st.floats(-10, 10), st.floats(0.01, 100).flatmap(lambda x: st.sampled_from([x, -x])))
@settings(max_examples=50)
def test_the_interval_shifts_and_scales_with_the_losses(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = sequence.design(rng.normal(size=(300, 2)))[:60], rng.normal(size=60)
    plain = sequence.interval(sequence.rows(x, y), 300)
    moved = sequence.interval(sequence.rows(x, shift + scale * y), 300)
    assert moved.mean == pytest.approx(shift + scale * plain.mean, abs=1e-8)
    assert moved.below == pytest.approx(abs(scale) * plain.below, rel=1e-6)


def test_without_covariates_the_estimate_is_the_mean_and_its_interval_shrinks_to_it() -> None:
    losses = np.random.default_rng(3).normal(3.5, 0.2, 200)
    intervals = [sequence.interval(sequence.rows(np.empty((n, 0)), losses[:n]), 200) for n in (30, 100, 199)]
    assert intervals[1].mean == pytest.approx(losses[:100].mean())
    assert intervals[2].below < 0.1 * intervals[1].below < 0.05 * intervals[0].below


def test_a_covariate_that_determines_the_losses_gives_an_interval_of_no_width() -> None:
    rng = np.random.default_rng(4)
    covariate = rng.normal(size=(500, 1))
    losses = 3 + 0.2 * covariate[:, 0]
    interval = sequence.interval(sequence.rows(sequence.design(covariate)[:40], losses[:40]), 500)
    assert interval.mean == pytest.approx(losses.mean(), abs=1e-12)
    assert interval.above < 1e-6


def test_there_is_no_interval_before_the_burn_in_or_from_covariates_that_do_not_vary_yet() -> None:
    losses = np.random.default_rng(5).normal(size=100)
    rare = np.r_[np.zeros(90), np.ones(10)][:, None]
    short = sequence.interval(sequence.rows(np.empty((23, 0)), losses[:23]), 100)
    constant = sequence.interval(sequence.rows(sequence.design(rare)[:60], losses[:60]), 100)
    assert (short.below, constant.above) == (math.inf, math.inf)


def test_covariates_are_made_uncorrelated_and_redundant_ones_dropped() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(5, 1, 400), 1e6 * rng.random(400)
    columns = sequence.design(np.column_stack([a, b, a + 3, np.full(400, 7.0), 2 * b - 1e6 * a]))
    assert columns.shape == (400, 2)
    assert columns.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert columns.T @ columns / 400 == pytest.approx(np.eye(2), abs=1e-10)


@pytest.mark.parametrize(("freedom", "quantile"), [(10, 3.16927), (24, 2.79694), (100, 2.62589), (10**6, 2.57583)])
def test_students_quantile_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    assert sequence.t_quantile(freedom) == pytest.approx(quantile, abs=2e-3)


# --- the n-gram model -------------------------------------------------------------------------------------------------


def slow_ngram(tokens: list[int], seq_len: int) -> Array:
    """The same model, a token at a time."""
    text = [0] * (ngram.ORDER - 1) + tokens
    at = range(ngram.ORDER, len(text))
    vocabulary = max(tokens) + 1
    counts = {k: Counter(tuple(text[i - k + 1 : i + 1]) for i in at) for k in range(1, ngram.ORDER + 1)}
    out = []
    for i in at:
        p, of_token = 1 / vocabulary, []
        for order, weight in enumerate(ngram._CONCENTRATION, 1):
            gram = tuple(text[i - order + 1 : i + 1])
            others = counts[order][gram] - 1
            total = len(at) - 1 if order == 1 else max(counts[order - 1][gram[:-1]] - 1, others)
            p = (others + weight * p) / (total + weight)
            of_token.append(-math.log(p))
        out.append(of_token)
    return np.array(out).reshape(-1, seq_len, ngram.ORDER).mean(axis=1)


def some_text(vocabulary: int, count: int) -> data.Tokens:
    return (np.random.default_rng(7).zipf(1.5, count) % vocabulary).astype(np.uint16)


@pytest.mark.parametrize("vocabulary", [5, 1024])
def test_the_ngram_losses_agree_with_a_slow_model(vocabulary: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = some_text(vocabulary, 40 * 16 + 1)
    expected = slow_ngram(tokens.tolist(), 16)
    assert ngram.losses(tokens, 16) == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(ngram, "_CHUNK_TOKENS", 48)
    assert ngram.losses(tokens, 16) == pytest.approx(expected, rel=1e-4)


def test_ngrams_that_collide_still_have_finite_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngram, "_SLOT_BITS", 4)
    counted_losses = ngram.losses(some_text(60_000, 6401), 64)
    assert counted_losses.shape == (100, ngram.ORDER)
    assert np.isfinite(counted_losses).all()


# --- when it is enough ------------------------------------------------------------------------------------------------


def with_interval(mean: float, half_width: float, within: float = 0.002) -> Measured:
    estimate = Estimate(mean - half_width, mean + half_width, half_width / 1.4, 0.99, within, 50, 100, 1, "", False, ())
    return Measured(1.0, mean, 1000, 2000, "bf16", "bf16", 10, None, 1.0, (50,), (), estimate)


@pytest.mark.parametrize(
    ("mean", "half_width", "enough", "outcome"),
    [
        (1.2, 0.01, False, None),  # it may be, and it may not
        (1.2, 0.0019, True, RescoreOutcome.CONFIRMED),
        (1.201, 0.0007, True, RescoreOutcome.CONFIRMED),
        (1.22, 0.0194, True, RescoreOutcome.REFUTED),
        (1.22, 0.0196, False, None),  # the tolerance is reached
        (1.18, 0.0194, True, RescoreOutcome.REFUTED),
    ],
)
def test_an_estimate_is_enough_once_the_interval_is_close_to_the_claim_or_beyond_the_tolerance(
    mean: float, half_width: float, enough: bool, outcome: RescoreOutcome | None
) -> None:
    claim, measured = Claim(1.2, 4, "--claim"), with_interval(mean, half_width)
    assert judge.settled(claim, measured, 5e-4) is enough
    if outcome is not None:
        assert judge.decide(claim, measured, None, 5e-4, True)[0] is outcome


def test_without_a_claim_the_interval_only_has_to_be_narrow() -> None:
    assert not judge.settled(None, with_interval(1.2, 0.0021), 0.0)
    assert judge.settled(None, with_interval(1.2, 0.0019), 0.0)


# --- an artifact ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report(world: World) -> Path:
    """The report of a full rescoring of another, similar artifact."""
    state = {name: value + 0.02 * torch.randn_like(value.float()) for name, value in world.state.items()}
    other, path = world.root / "other.int8.ptz", world.root / "other.json"
    other.write_bytes(tiny.packed(state))
    (candidate,) = target.find(other, None, None, 16_000_000)
    rescored = rescoring.rescore(candidate, request(world), ALONE, silent)
    path.write_text(json.dumps(rescore_json.document([rescored], None, rescoring.code_digest(), rescoring.versions())))
    return path


def silent(_stage: str) -> Callable[..., None]:
    return lambda *_: None


def request(world: World, **changes: Any) -> prepare.Request:
    return replace(
        prepare.Request(data=world.shards, tokenizer=world.tokenizer, seq_len=64, rope_base=500.0), **changes
    )  # fmt: skip


def estimated(world: World, bpb: float | None, **changes: Any) -> Rescore:
    claim = None if bpb is None else Claim(bpb, 8, "--claim")
    (candidate,) = target.find(world.artifact, claim, None, 16_000_000)
    return rescoring.rescore(candidate, request(world, estimate=True, **changes), ALONE, silent)


def test_a_claim_far_too_low_is_refuted_after_a_few_sequences_and_labeled_an_estimate(world: World) -> None:
    rescore = estimated(world, world.score.val_bpb - 1.0)
    estimate = rescore.measured.estimate
    assert rescore.outcome is RescoreOutcome.REFUTED
    assert estimate is not None
    assert estimate.sequences < estimate.of_sequences == world.score.tokens // 64
    assert estimate.low_bpb <= world.score.val_bpb <= estimate.high_bpb
    assert (rescore.measured.tokens, rescore.measured.text_bytes) == (world.score.tokens, world.score.bytes)
    text = render.render(rescore, Page())
    assert f"VERDICT  refuted   an estimate, {estimate.share:.1%} of the tokens seen" in text
    assert "measured  " not in text
    document = rescore_json.document([rescore], None, rescoring.code_digest(), rescoring.versions())
    assert schema.violations("rescore", json.loads(json.dumps(document, allow_nan=False))) == []


def test_a_true_claim_is_confirmed_within_the_requested_distance(world: World) -> None:
    rescore = estimated(world, world.score.val_bpb, within_bpb=0.5)
    assert rescore.outcome is RescoreOutcome.CONFIRMED
    assert rescore.measured.estimate is not None
    assert rescore.reason == "at 99% within 0.5 bpb of the claim, with bf16 rotary tables"
    page = render.render(rescore, Page())
    assert "refuted once it is more than 0.0005000 from the claim" in page
    assert "confirmed once it is within 0.5000000 of it   --within" in page


def test_a_tolerance_wider_than_requested_confirms_a_claim_and_is_shown(world: World) -> None:
    rescore = estimated(world, world.score.val_bpb, within_bpb=0.1, tolerance_bpb=0.5)
    assert rescore.measured.estimate is not None
    page = render.render(rescore, Page())
    assert "confirmed once it is within 0.5000000 of it   --within 0.1 is less than the tolerance" in page


def test_an_estimate_that_scores_every_sequence_is_exact(world: World) -> None:
    rescore = estimated(world, None, within_bpb=1e-9)
    assert rescore.measured.estimate is None
    assert rescore.measured.val_bpb == pytest.approx(world.score.val_bpb, abs=1e-6)
    whole = rescoring.rescore(
        target.find(world.artifact, None, None, 16_000_000)[0], request(world, estimate=False), ALONE, silent
    )
    assert rescore.measured.sequence_losses == pytest.approx(whole.measured.sequence_losses, abs=1e-6)


def test_the_system_draws_the_order_unless_a_seed_is_given(world: World) -> None:
    first, again, given_seed = (estimated(world, None, within_bpb=0.5, order_seed=seed) for seed in (None, None, 5))
    drawn = [rescore.measured.estimate for rescore in (first, again, given_seed)]
    assert drawn[0] and drawn[1] and drawn[2]
    assert len({estimate.order_seed for estimate in drawn if estimate}) == 3
    assert drawn[2].order_seed == 5
    assert [estimate.order_source for estimate in drawn if estimate] == [early.SYSTEM, early.SYSTEM, "--order-seed"]
    assert f"order seed {drawn[0].order_seed}, from the system's randomness" in " ".join(
        render.render(first, Page()).split()
    )
    repeated = estimated(world, None, within_bpb=0.5, order_seed=drawn[0].order_seed)
    assert repeated.measured.val_bpb == first.measured.val_bpb


class Replayed:
    """A stand-in evaluation with given losses, with everything that `early.score` uses."""

    ranks = ALONE

    def __init__(self, losses: Array, config: Any) -> None:
        self.losses, self.config = losses, config

    def draw(self, _tokens: object, order: npt.NDArray[np.int64]) -> Any:
        for first in range(0, order.size, 8):
            yield self.losses[order[first : first + 8]]

    def measured(self, score: Any, losses: list[list[float]], _start: float) -> Measured:
        losses_of_all = tuple(loss for part in losses for loss in part)
        return Measured(score.val_loss_nats, score.val_bpb, score.tokens, score.bytes, "bf16", "bf16", 64, None, 0.0,
                        (len(losses_of_all),), losses_of_all)  # fmt: skip


def attack(plan: early.Plan, losses: Array, claim_bpb: float, config: Any, known_seed: int | None) -> RescoreOutcome:
    """The verdict on a claim about a model with these losses, in a random order or in a predicted one."""
    seed, source = early.draw_seed(known_seed, ALONE)
    claim, tolerance_bpb = Claim(claim_bpb, 4, "--claim"), 5e-4
    measured = early.score(
        Replayed(losses, config),  # type: ignore[arg-type]
        np.zeros(len(losses) * 64 + 1, np.uint16),
        replace(plan, order_seed=seed, order_source=source),
        lambda so_far: judge.settled(claim, so_far, tolerance_bpb),
        lambda *_: None,
    )
    return judge.decide(claim, measured, None, tolerance_bpb, True)[0]


@pytest.fixture(scope="module")
def equalized() -> tuple[early.Plan, Array, float]:
    """A plan, losses, and a false claim: by training, the first hundred losses of one order are all equal."""
    rng, count = np.random.default_rng(8), 4000
    losses = rng.normal(3.6, 0.22, count)
    tokens = (rng.zipf(1.5, count * 64 + 1) % 300).astype(np.uint16)
    plan = early.plan(tokens, np.full(count * 64, 2), 64, None, order_seed=0, within_bpb=0.002)
    order = np.random.default_rng(1234).permutation(count)
    losses[order[:100]] = 3.1 + rng.normal(0, 1e-4, 100)
    return plan, losses, 3.1 / math.log(2) / 2


def test_a_model_equalized_for_one_order_is_confirmed_in_at_most_one_of_a_hundred_orders(
    equalized: tuple[early.Plan, Array, float],
) -> None:
    plan, losses, claim_bpb = equalized
    outcomes = Counter(attack(plan, losses, claim_bpb, tiny.CONFIG, None) for _ in range(200))
    assert outcomes[RescoreOutcome.CONFIRMED] <= 2


def test_losses_that_hardly_vary_do_not_collapse_the_interval_even_in_a_predicted_order(
    equalized: tuple[early.Plan, Array, float],
) -> None:
    plan, losses, claim_bpb = equalized
    trusting = replace(plan, least_variance=0.0)
    assert attack(trusting, losses, claim_bpb, tiny.CONFIG, 1234) is RescoreOutcome.CONFIRMED
    assert attack(plan, losses, claim_bpb, tiny.CONFIG, 1234) is RescoreOutcome.REFUTED


def test_a_model_tuned_for_one_order_is_confirmed_in_no_order() -> None:
    rng, population = np.random.default_rng(3), 200
    sequences = [rng.choice(rng.choice(tiny.VOCAB, 12, replace=False), 64) for _ in range(population)]
    tokens = np.append(np.concatenate(sequences), 0).astype(np.uint16)
    first = np.random.default_rng(1234).permutation(population)[:48]
    rows = torch.from_numpy(tokens[first[:, None] * 64 + np.arange(65)].astype(np.int64))
    state = artifact.dequantize(equalize(tiny.model(), rows, below_nats=1.8))
    num_bytes = np.full(tokens.size - 1, 2)
    evaluation = measure.Evaluation(state, tiny.CONFIG, "bf16", ALONE, compiled=False)
    losses = np.array(evaluation.score(tokens, num_bytes, lambda *_: None).sequence_losses)
    assert losses[first].std() < 0.1 * losses.std()
    assert losses[first].mean() < losses.mean() - 0.5
    plan = early.plan(tokens, num_bytes, 64, None, order_seed=0, within_bpb=0.004)
    claim_bpb = losses[first].mean() / math.log(2) / 2
    assert attack(replace(plan, least_variance=0.0), losses, claim_bpb, tiny.CONFIG, 1234) is RescoreOutcome.CONFIRMED
    outcomes = {attack(plan, losses, claim_bpb, tiny.CONFIG, seed) for seed in (1234, *[None] * 50)}
    assert outcomes == {RescoreOutcome.REFUTED}


def test_losses_trained_to_follow_the_texts_covariates_do_not_collapse_the_interval() -> None:
    rng = np.random.default_rng(9)
    text, control = sequence.design(rng.normal(size=(500, 2))), rng.normal(size=(500, 1))
    losses = 3.5 + 0.2 * text[:, 0]
    rows = sequence.rows(np.hstack([text, sequence.design(control)]), losses)[:60]
    assert sequence.interval(rows, 500).above < 1e-6
    interval = sequence.interval(rows, 500, least_variance=0.05**2, text=2)
    honest = sequence.interval(
        sequence.rows(text[:60], losses[:60] + rng.normal(0, 0.05, 60)), 500, least_variance=0.05**2
    )
    assert interval.widened
    assert interval.below == pytest.approx(honest.below, rel=0.3)


def test_a_control_that_predicts_the_losses_narrows_the_interval_if_they_vary_normally() -> None:
    rng = np.random.default_rng(10)
    text, control = sequence.design(rng.normal(size=(500, 2))), rng.normal(size=(500, 1))
    losses = 3.5 + 0.2 * control[:, 0]
    rows = sequence.rows(np.hstack([text, sequence.design(control)]), losses)[:60]
    interval = sequence.interval(rows, 500, least_variance=0.05**2, text=2)
    assert not interval.widened
    assert interval.above < 1e-6


@pytest.mark.parametrize("name", ["one_rank", "public_7L384"])
def test_the_losses_of_real_models_vary_more_than_the_least_spread(shared_data: Path, name: str) -> None:
    (candidate,) = target.find(shared_data / "golden" / f"{name}.int8.ptz", None, None, 16_000_000)
    wanted = prepare.Request(data=shared_data / "fineweb", seq_len=512, estimate=False, val_tokens=24_576)
    losses = np.array(rescoring.rescore(candidate, wanted, ALONE, silent).measured.sequence_losses)
    tokens = data.read_validation(data.shard_paths(shared_data / "fineweb", "val"), 512, 1024)[:24_577]
    plan = early.plan(tokens, np.full(24_576, 2), 512, None, order_seed=1, within_bpb=0.002)
    rows = sequence.rows(plan.covariates, losses)
    assert not sequence.interval(rows, 121_000, least_variance=4 * plan.least_variance, text=plan.text_rank).widened


def test_another_artifacts_report_saves_sequences(world: World, report: Path) -> None:
    alone, helped = (estimated(world, None, within_bpb=0.02, control=path, order_seed=5) for path in (None, report))
    assert helped.measured.estimate is not None
    assert helped.measured.estimate.sequences < (
        alone.measured.estimate.sequences if alone.measured.estimate else world.score.tokens // 64
    )
    assert helped.measured.estimate.covariates == ("bytes", "1-gram", "2-gram", "3-gram", "control")
    assert helped.control is not None
    assert abs(helped.measured.val_bpb - world.score.val_bpb) < 0.1


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: "{", "line 1"),
        (lambda r: json.dumps({}), "is missing"),
        (lambda r: r.replace('"seq_len": 64,', '"seq_len": 32,'), "its sequences have 32 tokens, these 64"),
        (lambda r: r.replace('"stride": null', '"stride": 8'), "the report of a full rescoring"),
        (lambda r: edited(r, lambda m: m.update(estimate=estimate_object())), "the report of a full rescoring"),
        (lambda r: edited(r, lambda m: m["sequence_losses"].update(count=3)), "it has 3 sequences, this text"),
        (lambda r: edited(r, lambda m: m["sequence_losses"].update(base64="AAA=")), "not finite numbers"),
        (lambda r: edited(r, lambda m: m["sequence_losses"].update(base64="!")), "not finite numbers"),
        (lambda r: edited(r, lambda _: None, sha256="ab" * 32), "other validation shards"),
    ],
)
def test_a_report_about_other_sequences_is_no_control(
    world: World, report: Path, tmp_path: Path, edit: Callable[[str], str], words: str
) -> None:
    path = tmp_path / "control.json"
    path.write_text(edit(report.read_text()))
    with pytest.raises(UsageError, match=f"--control {path}.*{words}"):
        estimated(world, None, control=path)


def edited(report: str, edit: Callable[[dict[str, Any]], object], sha256: str | None = None) -> str:
    document = json.loads(report)
    edit(document["rescores"][0]["measured"])
    if sha256 is not None:
        document["rescores"][0]["shards"][0]["sha256"] = sha256
    return json.dumps(document)


def estimate_object() -> dict[str, Any]:
    names = ("low_bpb", "high_bpb", "fixed_half_width_bpb", "level", "within_bpb", "share")
    counts = ("sequences", "of_sequences", "order_seed")
    more = {"covariates": [], "order_source": "--order-seed", "widened": False}
    return dict.fromkeys(names, 1.0) | dict.fromkeys(counts, 1) | more


def test_each_artifact_in_a_report_is_a_control(world: World, report: Path, tmp_path: Path) -> None:
    document = json.loads(report.read_text())
    document["rescores"] *= control.MAX_CONTROLS + 2
    path = tmp_path / "many.json"
    path.write_text(json.dumps(document))
    shards = (replace_digest(document["rescores"][0]["shards"][0]),)
    _, losses = control.read(path, shards, 64, world.score.tokens // 64)
    assert losses.shape == (world.score.tokens // 64, control.MAX_CONTROLS)


def replace_digest(shard: dict[str, Any]) -> Any:
    from golfcheck.rescore.report import FileDigest

    return FileDigest(**shard)


def test_a_long_evaluation_on_a_cpu_is_estimated_unless_a_full_one_is_requested(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rescoring, "SLOW_SECONDS", 0.0)
    asked, full = (estimated(world, None, within_bpb=0.5) for _ in range(2))
    default = estimated_by(world, None)
    full = estimated_by(world, False)
    assert asked.measured.estimate is not None
    assert default.measured.estimate is not None
    assert "estimated; --full scores all of it" in default.notes[-1]
    assert full.measured.estimate is None


def estimated_by(world: World, estimate: bool | None) -> Rescore:
    (candidate,) = target.find(world.artifact, None, None, 16_000_000)
    return rescoring.rescore(candidate, request(world, within_bpb=0.5, estimate=estimate), ALONE, silent)


def test_ctrl_c_during_an_estimate_reports_the_latest_interval(world: World) -> None:
    tokens = data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB)
    num_bytes = ByteTable.load(world.tokenizer, tiny.VOCAB).count(tokens)
    evaluation = measure.Evaluation(world.state, world.config, "bf16", ALONE)
    plan = early.plan(tokens, num_bytes, 64, None, order_seed=1, within_bpb=0.002)

    def stop_at(sequences: int) -> str:
        def look(done: int, _total: int, _known: str = "") -> None:
            if done == sequences:
                raise KeyboardInterrupt

        with pytest.raises(measure.Interrupted) as caught:
            early.score(evaluation, tokens, plan, lambda _: False, look)
        return render.so_far(caught.value.so_far)

    total = (tokens.size - 1) // 64
    assert f"bpb from 2 of {total} sequences" in stop_at(2)
    assert re.search(r"bpb \([0-9.]+ to [0-9.]+\) from 40 of", stop_at(40))


def test_two_ranks_share_the_sequences_and_agree(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_CPU_CALL_TOKENS", tiny.ONE_SEQUENCE)
    path = tmp_path / "report.json"
    arguments = ["rescore", str(world.record), "--device", "cpu", "--json", str(path), "--estimate"]
    arguments += ["--claim", "1.0", "--order-seed", "3"]
    completed, _ = forked.ranks(lambda: cli.main(arguments), 2, world.root)
    assert completed.stdout.count("VERDICT  refuted   an estimate") == 1, completed.stderr
    two = json.loads(path.read_text())["rescores"][0]["measured"]
    one = estimated(world, 1.0, rope_tables="bf16", order_seed=3).measured
    assert one.estimate is not None
    assert two["rank_sequences"] == [two["estimate"]["sequences"] // 2] * 2
    assert two["estimate"]["sequences"] - one.estimate.sequences in (0, 1)
    assert two["val_bpb"] == pytest.approx(one.val_bpb, abs=0.5 * one.estimate.half_width_bpb)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--within", "0"], "--within must be a positive number"),
        (["--order-seed", "-1"], "--order-seed must not be negative"),
        (["--estimate", "--stride", "8"], "--stride slides a window"),
        (["--full", "--control", "x.json"], "--full scores the whole text"),
        (["--control", "missing.json"], "missing.json"),
    ],
)
def test_conflicting_options_give_one_line_and_exit_code_2(
    world: World, capsys: pytest.CaptureFixture[str], options: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.root)
    common = ["rescore", str(world.artifact), "--device", "cpu", "--seq-len", "64"]
    assert cli.main([*common, *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
