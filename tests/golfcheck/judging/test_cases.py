"""Folders that represent kinds of submissions, each with the verdict that its README states."""

from pathlib import Path

import pytest

from golfcheck import cli
from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Severity, Verdict
from golfcheck.judging.verify import judge
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck import folders
from tests.golfcheck.submission.test_history import commit, git

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
    findings = {(finding.rule, finding.path) for finding in verdict_of_case(shared_data, case).findings}
    logs = {path for _, path in findings if path and path.endswith(".log")}
    assert len(logs) == 3
    assert {(rule, log) for rule in ("bytes-over-cap", "train-time-over-cap") for log in logs} <= findings


def test_a_path_without_a_record_does_not_keep_the_others_from_being_judged(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = shared_data / "cases" / "gpu-table-twice" / "records" / "track_10min_16mb" / "2026-03-20_Case"
    assert cli.main(["verify", "--no-cache", "--format", "concise", str(record), str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "1 record: 1 valid" in said.out
    assert f"{tmp_path}: nothing to check here" in said.err


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("ruling", (0, "none is judged")),
        ("broken ruling", (2, "decisions.json:2: column 1")),
        ("removal", (0, "none is judged")),
        ("page", (0, "none is judged")),
    ],
)
def test_a_branch_of_the_maintainers_that_adds_no_record_passes_unless_its_ruling_is_broken(
    change: str,
    answer: tuple[int, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree = tmp_path / "records"
    git(tmp_path, "init", "-q", "-b", "main")
    folders.make(tmp_path, "2026-03-17_A", date="2026-03-17")
    folders.make(tmp_path, "2026-03-18_B", date="2026-03-18")
    commit(tmp_path, "2026-03-18T00:00:00Z")
    git(tmp_path, "checkout", "-q", "-b", "change")
    if change == "removal":
        git(tmp_path, "rm", "-rq", "records/track_10min_16mb/2026-03-17_A")
    elif change == "page":
        (tree / "README.md").write_text("hi\n")
    else:
        (tree / "decisions.json").write_text('{"decisions": []}\n' if change == "ruling" else "{\n")
    commit(tmp_path, "2026-03-19T00:00:00Z")
    monkeypatch.chdir(tmp_path)
    code = cli.main(["verify", "--no-cache", "--format", "github", "--base", "main", "--", "records"])
    assert code == answer[0]
    assert answer[1] in capsys.readouterr().err
