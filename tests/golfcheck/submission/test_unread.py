"""Scores under an unknown label: the line is named, and a claim that equals one is not called false."""

from pathlib import Path

import pytest

from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Severity
from golfcheck.submission.results import distinct_runs
from golfcheck.submission.unread import UnreadNumbers, why_no_score
from tests.golfcheck.valid_record import Draft, verdict_of

UNKNOWN = (
    "score -> {:.4f}",
    "~{:.4f}",
    "| quantized | {:.4f} |",
    "| quantized | 1.8822 | {:.4f} |",
    "quantized\t1.8822\t{:.4f}",
    "exact:{:.5f}",
    "RESULT {:.6f}",
    "final int6: {:.6f} bpb",
)


def with_last_line(form: str, *, keep_score: bool = False) -> Draft:
    """Return a record whose logs end with a line of `form`, in the place of their scores or after them."""
    draft = Draft()
    for seed in draft.seeds:
        path = f"train_seed{seed}.log"
        lines = draft.files[path].decode().splitlines()
        lines = lines if keep_score else lines[:-2]
        draft.files[path] = "".join(f"{line}\n" for line in [*lines, form.format(draft.bpb(seed))]).encode()
    return draft


@pytest.mark.parametrize("form", UNKNOWN)
def test_a_log_whose_only_score_has_an_unknown_label_names_its_line(form: str, tmp_path: Path) -> None:
    draft = with_last_line(form)
    record = draft.load(tmp_path)
    line = len(draft.files["train_seed1337.log"].splitlines())
    expected = f"no log states a score in a known format: train_seed1337.log:{line} has an unknown label"
    assert why_no_score(record) == expected
    verdict = verdict_of(draft, tmp_path)
    assert outcome(verdict) is not Outcome.VALID and outcome(verdict) is not Outcome.RECORD
    assert expected in [skipped.reason for skipped in verdict.skipped if skipped.rule == "score-not-in-logs"]


def test_a_number_far_from_the_claim_is_not_taken_for_a_score(tmp_path: Path) -> None:
    record = with_last_line("| quantized | 0.1234 | {0:.0f}").load(tmp_path)
    assert "is the validation at step 7000" in why_no_score(record)
    assert UnreadNumbers(record).line_with(1.11473509) is None


@pytest.mark.parametrize("form", ["| best of two | {:.4f} |", "~{:.6f}", "quantized {:.8f}"])
def test_a_claim_that_a_line_of_an_unknown_form_has_is_a_warning_not_an_error(form: str, tmp_path: Path) -> None:
    draft = with_last_line(form, keep_score=True)
    for seed in draft.seeds:  # the line that is read states another score
        right = f"val_bpb:{draft.bpb(seed):.8f}"
        draft.edit(f"train_seed{seed}.log", right, f"val_bpb:{draft.bpb(seed) + 0.02:.8f}")
        rounded = f"val_bpb:{draft.bpb(seed):.4f}"
        draft.edit(f"train_seed{seed}.log", rounded, f"val_bpb:{draft.bpb(seed) + 0.02:.4f}")
    draft.set(seed_results=None)
    result = [finding for finding in verdict_of(draft, tmp_path).findings if finding.rule == "score-not-in-logs"]
    assert [finding.severity for finding in result] == [Severity.WARNING]
    assert "has it under an unknown label" in result[0].message


def test_a_claim_from_the_middle_of_an_evaluation_is_a_warning_that_names_the_line(tmp_path: Path) -> None:
    draft = with_last_line("fused_chunk [1556/1893] windows=19855 bpb=1.1771 elapsed=599.8s", keep_score=True)
    draft.set(val_bpb=1.1771, seed_results=None)
    result = [finding for finding in verdict_of(draft, tmp_path).findings if finding.rule == "score-not-in-logs"]
    assert [finding.severity for finding in result] == [Severity.WARNING]
    line = len(draft.files["train_seed1337.log"].splitlines())
    assert result[0].message.endswith(f"; train_seed1337.log:{line} has it in the middle of an evaluation")


def test_only_the_last_lines_with_numbers_are_kept(tmp_path: Path) -> None:
    draft = with_last_line("".join(f"it took {number}.25 it\n" for number in range(100)) + "~{:.4f}")
    runs = [run for _, run in distinct_runs(draft.load(tmp_path))]
    assert [len(run.numbers) for run in runs] == [20, 20, 20]
    assert all(run.numbers[-1].value.startswith("~1.11") for run in runs)


def test_a_printed_dictionary_is_read_with_either_kind_of_quotes(tmp_path: Path) -> None:
    draft = with_last_line("{{'val_loss': 1.8822, 'val_bpb': {:.8f}}}")
    assert [run.scores[-1].val_bpb for _, run in distinct_runs(draft.load(tmp_path))] == [
        draft.bpb(seed) for seed in (1337, 2025, 42)
    ]
