"""Folders that stand for kinds of submissions, each with the answer that its README gives."""

from pathlib import Path

import pytest

from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Severity, Verdict
from golfcheck.judging.verify import judge
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load

PREFIXED = ("log-ansi-colour", "log-clock-prefix", "log-indented", "log-python-logging-prefix", "log-rank-space-prefix")
# case → rules that must be errors, rules that must be warnings, rules that must find nothing, the outcome (None: any)
ANSWERS: dict[str, tuple[set[str], set[str], set[str], Outcome | None]] = {
    "claim-is-before-quantization": ({"pre-quantization-score"}, set(), set(), Outcome.INVALID),
    "claim-is-unquantized-score": ({"pre-quantization-score"}, set(), set(), Outcome.INVALID),
    "claim-is-validation-step-without-total": ({"pre-quantization-score"}, set(), set(), Outcome.INVALID),
    "claim-of-one-decimal": ({"score-not-in-logs"}, set(), set(), Outcome.INVALID),
    "claim-without-any-evidence": (
        {"bytes-over-cap"},
        {"bytes-not-conserved", "code-size-drift"},
        set(),
        Outcome.INVALID,
    ),
    "gpu-table-twice": (set(), set(), {"not-8xh100"}, Outcome.VALID),
    "junk-ipynb-checkpoints": (set(), set(), {"seed-repeated"}, Outcome.VALID),
    "log-empty": ({"log-missing"}, set(), set(), Outcome.INVALID),
    "log-ends-before-artifact-score": ({"pre-quantization-score"}, set(), set(), Outcome.INVALID),
    "model-alone-over-cap": ({"bytes-over-cap"}, set(), set(), Outcome.INVALID),
    "packed-exec-by-another-name": (set(), {"network-import"}, set(), Outcome.REVIEW),
    "packed-runpy": (set(), {"network-import"}, set(), Outcome.REVIEW),
    "packed-variable-decoded-in-place": (set(), {"network-import"}, set(), Outcome.REVIEW),
    "readme-other-numbers": (set(), {"readme-score-differs"}, set(), Outcome.REVIEW),
    "restart-before-first-step": (set(), set(), {"not-8xh100", "dump-not-shipped"}, Outcome.VALID),
    "score-bpb-before-loss": ({"score-not-in-logs"}, set(), set(), Outcome.INVALID),
    "score-bpb-only": ({"score-not-in-logs"}, set(), set(), Outcome.INVALID),
    **dict.fromkeys(PREFIXED, ({"bytes-over-cap", "train-time-over-cap"}, set(), set(), Outcome.INVALID)),
}


def verdict_of_case(shared_data: Path, case: str) -> Verdict:
    (folder,) = record_folders([shared_data / "cases" / case / "records"])
    return judge(examine(load(folder)), [])


@pytest.mark.parametrize("case", ANSWERS)
def test_each_case_is_answered_as_its_readme_says(shared_data: Path, case: str) -> None:
    verdict = verdict_of_case(shared_data, case)
    errors, warnings, silent, word = ANSWERS[case]
    by_rule = {finding.rule: finding.severity for finding in verdict.findings}
    assert errors <= {rule for rule, severity in by_rule.items() if severity is Severity.ERROR}
    assert warnings <= {rule for rule, severity in by_rule.items() if severity is Severity.WARNING}
    assert not silent & by_rule.keys()
    assert outcome(verdict) is word


@pytest.mark.parametrize("case", PREFIXED)
def test_every_log_of_a_prefixed_case_is_over_both_caps(shared_data: Path, case: str) -> None:
    found = {(finding.rule, finding.path) for finding in verdict_of_case(shared_data, case).findings}
    logs = {path for _, path in found if path and path.endswith(".log")}
    assert len(logs) == 3
    assert {(rule, log) for rule in ("bytes-over-cap", "train-time-over-cap") for log in logs} <= found
