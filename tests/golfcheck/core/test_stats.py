"""Student's t and the tests built on it, against scipy and against published numbers of the contest."""

import math
import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from golfcheck.core import stats

LEAKY_NATS = [1.88976776, 1.88919190, 1.89110239]
LEAKY_BPB = [1.11922988, 1.11888882, 1.12002032]
VALCALIB_NATS = [1.88276292, 1.88156874, 1.88220393]
VALCALIB_BPB = [1.11508120, 1.11437394, 1.11475014]
PR1736_BPB = [1.06473025, 1.06562743, 1.06610085]
PR1769_BPB = [1.06356801, 1.06413130, 1.06466993, 1.06509678, 1.06516558]

scores = st.lists(st.floats(0.9, 1.3), min_size=2, max_size=8, unique=True)


@given(st.floats(-60, 60), st.floats(0.3, 1e6))
@settings(max_examples=500)
def test_the_t_tail_agrees_with_scipy(t, df):
    assert stats.t_tail(t, df) == pytest.approx(oracle.t.sf(t, df), abs=1e-10, rel=1e-8)


def test_the_t_tail_is_precise_far_out():
    for t, df in [(30.0, 3.3), (12.0, 40.0), (8.0, 1e5), (1e200, 2.0)]:
        assert stats.t_tail(t, df) == pytest.approx(oracle.t.sf(t, df), rel=1e-8)


@given(st.floats(1e-5, 1 - 1e-5), st.floats(0.5, 1e4))
@settings(max_examples=100)
def test_the_t_quantile_inverts_the_tail(probability, df):
    assert stats.t_tail(stats.t_quantile(probability, df), df) == pytest.approx(1 - probability, abs=1e-12)


@given(scores, scores, st.floats(0, 0.01))
@settings(max_examples=200)
def test_welch_agrees_with_scipy(ours, theirs, margin):
    if stats.variance(ours) + stats.variance(theirs) < 1e-12:
        return
    ours_outcome = stats.welch(ours, theirs, margin)
    with warnings.catch_warnings():  # it warns where a side's seeds are equal but for the last digits
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = oracle.ttest_ind([x + margin for x in ours], theirs, equal_var=False, alternative="less")
        both_sided = oracle.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert ours_outcome.t == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert ours_outcome.df == pytest.approx(expected.df, rel=1e-9)
    assert ours_outcome.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert ours_outcome.interval == pytest.approx((both_sided.low, both_sided.high), rel=1e-6, abs=1e-12)


@given(scores, st.floats(0.9, 1.3))
@settings(max_examples=100)
def test_one_sample_agrees_with_scipy(ours, reference):
    if stats.variance(ours) < 1e-12:
        return
    expected = oracle.ttest_1samp(ours, reference, alternative="less")
    assert stats.one_sample(ours, reference).p == pytest.approx(expected.pvalue, abs=1e-9)


def test_a_published_gain_in_nats_has_its_published_numbers():
    zero = stats.welch(VALCALIB_NATS, LEAKY_NATS)
    assert zero.t == pytest.approx(-11.834, abs=5e-4)
    assert zero.df == pytest.approx(3.306, abs=5e-4)
    assert zero.p == pytest.approx(4.0e-4, abs=5e-6)
    assert stats.welch(VALCALIB_NATS, LEAKY_NATS, margin=0.005).p == pytest.approx(9.6e-3, abs=1e-4)
    assert zero.interval == pytest.approx((-0.0098, -0.0058), abs=5e-5)


def test_a_margin_in_bits_per_byte_differs_from_one_in_nats():
    assert stats.welch(VALCALIB_BPB, LEAKY_BPB, margin=0.005).p == pytest.approx(0.787, abs=5e-4)


def test_the_audit_accepts_a_gain_that_the_written_rule_does_not():
    p = stats.welch(PR1769_BPB, PR1736_BPB).p
    assert p == pytest.approx(0.063, abs=5e-4)
    assert 0.01 < p < 0.25


def test_a_known_spread_allows_a_test_with_one_seed():
    outcome = stats.fixed_sigma([1.114], [1.119], sigma=0.002)
    assert outcome.p == pytest.approx(oracle.norm.sf(0.005 / (0.002 * math.sqrt(2))), rel=1e-12)


@pytest.mark.parametrize(
    ("effect", "df", "alpha"), [(2.0, 2.0, 0.25), (3.0, 4.0, 0.01), (2.0, 30.0, 0.05), (6.0, 3.3, 0.01)]
)
def test_power_is_the_tail_of_the_noncentral_t(effect, df, alpha):
    expected = oracle.nct.sf(oracle.t.ppf(1 - alpha, df), df, effect)
    assert stats.power(effect, 1.0, df, 0.0, alpha) == pytest.approx(expected, abs=1e-6)


@given(st.floats(0, 0.02), st.floats(1e-5, 0.01), st.floats(1, 200), st.sampled_from([0.01, 0.25]))
@settings(max_examples=100)
def test_power_is_a_probability(gain, error, df, alpha):
    assert 0 <= stats.power(gain, error, df, 0.005, alpha) <= 1


@given(st.floats(0.001, 0.05), st.floats(1e-4, 0.05), st.floats(1, 60), st.sampled_from([0.01, 0.05, 0.25]))
@settings(max_examples=200)
def test_a_z_test_is_at_least_as_powerful_so_that_it_may_rule_counts_of_seeds_out(gain, error, df, alpha):
    exact = stats.power(gain, error, math.inf, 0.0, alpha)
    assert exact == pytest.approx(stats.normal_tail(stats.t_quantile(1 - alpha, math.inf) - gain / error))
    assert stats.power(gain, error, df, 0.0, alpha) <= exact + 1e-6


def test_seeds_needed_is_the_first_count_with_enough_power():
    needed = stats.seeds_needed(0.004, 0.0012, 0.0006, 5, margin=0.0, alpha=0.01)
    assert needed is not None

    def simulated(count):
        rng, result, rounds = random.Random(7), 0, 2_000
        for _ in range(rounds):
            ours = [rng.gauss(1.0, 0.0012) for _ in range(count)]
            theirs = [rng.gauss(1.004, 0.0006) for _ in range(5)]
            result += stats.welch(ours, theirs).p < 0.01
        return result / rounds

    assert simulated(needed) > 0.77
    assert simulated(needed - 1) < 0.83


def test_no_number_of_seeds_shows_a_nonexistent_gain():
    assert stats.seeds_needed(0.004, 0.001, 0.001, 3, margin=0.005, alpha=0.01) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.mean([]),
        lambda: stats.variance([1.0]),
        lambda: stats.welch([1.0, 1.0], [2.0, 2.0]),
        lambda: stats.one_sample([1.0, 1.0], 2.0),
        lambda: stats.fixed_sigma([1.0], [2.0], sigma=0.0),
        lambda: stats.t_tail(1.0, 0.0),
        lambda: stats.t_quantile(1.0, 3.0),
    ],
)
def test_questions_without_an_answer_raise_value_error(call):
    with pytest.raises(ValueError, match=r"."):
        call()
