"""Whatever the tokenizer, a score's tokens stand for the bytes of the validation text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.core.ruleset import TOKENIZERS, VAL_TEXT_BYTES, VAL_TEXT_TOLERANCE, tokenizer_of
from golfcheck.rules.conservation import conservation
from golfcheck.submission.results import Result
from golfcheck.trainlog.events import Fact, LoggedRun, ScoreLine, TrainLog
from tests.golfcheck.valid_record import LN2, VAL_TOKENS, Draft, verdict_of

WHOLE_SPLIT_TOKENS = {
    "sp1024": 62_021_632,
    "sp4096": 45_508_608,
    "sp8192": 40_540_160,
    "sp8192-CaseOps": 47_851_520,
    "bytes": 151_076_864,
}
LOG = TrainLog("train.log", "", (), (), ())


def state(loss: float, bpb: float, tokens: int | None, val_bytes: int | None = None, digits: int = 8) -> str:
    run = LoggedRun(
        val_tokens=Fact(tokens, 1) if tokens else None,
        val_bytes=Fact(val_bytes, 1) if val_bytes else None,
        scores=[ScoreLine(2, "final", loss, bpb, None, digits)],
    )
    return conservation(Result(LOG, run, run.scores[0]))[0]


def loss_of(bpb: float, bytes_per_token: float) -> float:
    return bpb * LN2 * bytes_per_token


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_each_known_tokenizer_conserves_the_bytes_of_the_text(tokenizer) -> None:
    tokens = {3.31925: 45_514_752}.get(tokenizer.bytes_per_token, WHOLE_SPLIT_TOKENS[tokenizer.name])
    assert tokens * tokenizer.bytes_per_token == pytest.approx(VAL_TEXT_BYTES, rel=VAL_TEXT_TOLERANCE / 2)
    assert state(loss_of(1.1, tokenizer.bytes_per_token), 1.1, tokens) == "whole"
    assert state(loss_of(1.1, tokenizer.bytes_per_token), 1.1, None) == "whole"


def test_a_wrong_table_of_bytes_is_caught_whatever_score_it_makes() -> None:
    true_bpb, claimed = 1.148, 0.9485  # the Scylla record: merged, then reverted
    ratio = 2.43592 * true_bpb / claimed
    assert state(loss_of(claimed, ratio), claimed, VAL_TOKENS) == "broken"


def test_spaces_counted_twice_are_caught() -> None:
    assert state(loss_of(1.0, 2.43592 * 1.177), 1.0, VAL_TOKENS) == "broken"


def test_without_a_token_count_an_unknown_number_of_bytes_per_token_is_only_suspect() -> None:
    assert state(loss_of(1.2, 2.43592 * 1.063), 1.2, None) == "unknown"


def test_the_first_baselines_own_export_is_a_known_exception() -> None:
    assert state(2.07269931, 1.22436570, 63_779_840) == "whole"
    assert state(2.07269931, 1.22436570, 63_779_841) == "export"


def test_a_part_of_the_split_is_partial_and_not_broken() -> None:
    assert state(loss_of(1.3, 2.43592), 1.3, 131_072) == "partial"


def test_another_text_is_partial_only_if_the_log_states_its_bytes() -> None:
    assert state(loss_of(1.3, 3.0), 1.3, 10_000, val_bytes=30_000) == "partial"
    assert state(loss_of(1.3, 3.0), 1.3, 10_000, val_bytes=20_000) == "broken"
    assert state(loss_of(1.3, 3.0), 1.3, 10_000) == "unknown"


def test_more_bytes_than_the_text_has_are_broken_whatever_the_log_states() -> None:
    tokens = 62_021_632
    ratio = 2.43592 * 1.177
    assert state(loss_of(1.0, ratio), 1.0, tokens, val_bytes=round(tokens * ratio)) == "broken"


@given(st.floats(0.8, 2.0), st.sampled_from(TOKENIZERS))
def test_rounding_to_four_decimals_never_breaks_conservation(bpb, tokenizer) -> None:
    loss = loss_of(bpb, tokenizer.bytes_per_token)
    tokens = round(VAL_TEXT_BYTES / tokenizer.bytes_per_token)
    assert state(round(loss, 4), round(bpb, 4), tokens, digits=4) == "whole"


def test_a_ratio_that_is_no_tokenizers_has_no_tokenizer() -> None:
    assert tokenizer_of(2.5) is None
    assert tokenizer_of(0.0) is None
    assert tokenizer_of(2.4359).name == "sp1024"


def test_a_partial_score_is_evidence_in_the_ranked_track_and_information_elsewhere(tmp_path: Path) -> None:
    for track, label in (("10min_16mb", "warning"), ("non_record_16mb", "info")):
        verdict = verdict_of(Draft(val_tokens=131_072, track=track), tmp_path / track)
        findings = [f for f in verdict.findings if f.rule == "partial-validation"]
        assert [f.severity.label for f in findings] == [label] * 3
        assert "0.21%" in findings[0].message
