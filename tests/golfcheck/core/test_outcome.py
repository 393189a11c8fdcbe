"""The words for a verdict."""

from golfcheck.core.outcome import MEANINGS, Outcome


def test_every_outcome_has_a_meaning_that_is_printed():
    assert set(MEANINGS) == set(Outcome)
