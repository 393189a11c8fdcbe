"""The verdict of the twin test: which answers refute a predictor, and the message for each."""

import dataclasses

import numpy as np
import pytest

from golfcheck.rescore import twin
from golfcheck.rescore.report import Challenges

CLEAN = Challenges(
    seed=1, cuts=512, differ=0, moved_nats=0.0, gained_nats=0.0, gained_half_width_nats=0.01, level=0.99,
    uncut=64, uncut_differ=0, repeated=64, repeated_differ=0, reordered=64, reordered_differ=0,
    unrelated=64, unrelated_differ=0, may_vary=False,
)  # fmt: skip


def failures(**changes: object) -> list[str]:
    return dataclasses.replace(CLEAN, **changes).failures()  # type: ignore[arg-type]


def test_answers_that_agree_refute_nothing_and_bound_the_share_that_looks_ahead() -> None:
    assert failures() == []
    assert CLEAN.most_that_look_ahead == pytest.approx(1 - 0.01 ** (1 / 512))
    assert dataclasses.replace(CLEAN, differ=1).most_that_look_ahead is None


def test_one_changed_answer_refutes_the_predictor_whatever_it_gained() -> None:
    assert failures(differ=1, gained_nats=-0.5) == [
        "it looks ahead: 1 of 512 cuts changed an answer; looking ahead gained -0.5000 ± 0.0100 nats per token"
    ]


def test_answers_that_vary_are_reported_first_and_then_only_a_gain_proves_looking_ahead() -> None:
    varied = {"differ": 512, "uncut_differ": 64, "repeated_differ": 60}
    twice = "it answers differently when asked twice: 64 of 64 in another box, 60 of 64 again in the same one"
    assert failures(**varied, gained_nats=0.009) == [twice]
    assert failures(**varied, gained_nats=0.011)[0] == twice
    assert failures(**varied, gained_nats=0.011)[1].startswith("it looks ahead: looking ahead gained 0.0110")


def test_an_answer_that_changes_only_when_repeated_shows_that_asking_leaves_a_trace() -> None:
    assert failures(repeated_differ=3) == ["asking leaves a trace: 3 of 64 differ when asked again"]


def test_only_a_predictor_that_adapts_on_a_gpu_may_vary_and_it_must_gain_nothing() -> None:
    varied = {"differ": 512, "uncut_differ": 64, "repeated_differ": 64, "may_vary": True}
    assert failures(**varied, gained_nats=0.009) == []
    assert failures(**varied, gained_nats=0.011) == [
        "it looks ahead: looking ahead gained 0.0110 ± 0.0100 nats per token"
    ]
    assert failures(**varied, gained_nats=0.5, gained_half_width_nats=None) == []  # one cut has no interval


def test_an_answer_must_not_depend_on_the_other_sequences_of_its_call() -> None:
    seen = "answers depend on the other sequences of a call"
    assert failures(reordered_differ=2) == [
        f"{seen}: 2 of 64 differ in another order, 0 of 64 among unrelated sequences"
    ]
    assert failures(unrelated_differ=3) == [
        f"{seen}: 0 of 64 differ in another order, 3 of 64 among unrelated sequences"
    ]


@pytest.mark.parametrize(
    ("sequences", "call_seqs", "calls", "variants"),
    [(60_568, 4, 8, 1), (75, 1, 32, 1), (10, 1, 32, 4), (2, 1, 32, 16), (1, 1, 32, 16)],
)
def test_a_sample_has_as_many_calls_as_its_cuts_need_and_reuses_those_of_a_short_text(
    sequences: int, call_seqs: int, calls: int, variants: int
) -> None:
    sample = twin.Sample(np.zeros(2, np.uint16), 64, 32, sequences=sequences, call_seqs=call_seqs, seed=0)
    assert (sample.size, sample.variants) == (calls, variants)
