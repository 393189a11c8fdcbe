"""What the replay reads of records is what judging them would say, and no record is judged twice."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from golfcheck.core.verdict import Severity, Verdict
from golfcheck.judging import judged
from golfcheck.judging.batch import judge_all
from golfcheck.judging.config import JudgingSettings
from golfcheck.judging.judged import How, judge_folders
from golfcheck.judging.standing import read_standing
from golfcheck.rules import RULES, Rule
from golfcheck.submission import bounded
from golfcheck.submission.discover import record_folders
from tests.golfcheck.judging.test_judging_hostile import FLOODS
from tests.golfcheck.rules.test_rules import CASES
from tests.golfcheck.valid_record import Draft, write

pytestmark = pytest.mark.usefixtures("own_home")
WRITTEN = How("written")


def assert_same(folder: Path, rules: tuple[Rule, ...] = RULES) -> None:
    """Compare the standing that is read with that of the judgment."""
    (whole,) = judge_folders([folder], WRITTEN, None)
    assert read_standing(folder, rules, "written") == whole.standing


@pytest.mark.parametrize("rule", CASES)
def test_a_standing_agrees_with_the_full_verdict_whatever_rule_is_broken(rule: str, tmp_path: Path) -> None:
    case = CASES[rule]
    draft = case.make()
    case.edit(draft)
    assert_same(draft.write(tmp_path))


@pytest.mark.parametrize("flood", FLOODS)
def test_a_standing_agrees_with_the_full_verdict_on_a_flooded_log(flood: str, tmp_path: Path) -> None:
    draft = Draft()
    draft.files["train_seed42.log"] += FLOODS[flood].encode()
    assert_same(draft.write(tmp_path))


def test_a_standing_agrees_with_the_full_verdict_on_real_records(shared_data: Path) -> None:
    folders = record_folders([shared_data / "records"])
    assert len(folders) >= 28
    for folder in folders:
        assert_same(folder)


def test_only_rules_that_are_declared_errors_prove_numbers_wrong(tmp_path: Path) -> None:
    """A standing runs only those: one that is declared a warning and yields an error would be missed."""
    severities = {rule.name: rule.severity for rule in RULES}
    for number, case in enumerate(CASES.values()):
        draft = case.make()
        case.edit(draft)
        (whole,) = judge_folders([draft.write(tmp_path / str(number))], WRITTEN, None)
        for rule in whole.standing.refuted:
            assert severities[rule] is Severity.ERROR, rule


def test_a_folder_that_is_gone_has_no_standing(tmp_path: Path) -> None:
    assert read_standing(tmp_path / "gone", RULES, "written").entry(tmp_path / "gone") is None


@pytest.fixture
def judgments(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each folder is judged in this process."""
    counts: Counter[str] = Counter()
    judge = judged.judge

    def counted(examined: Any, *arguments: Any, **options: Any) -> Verdict:
        if options.get("rules") != ():  # a claim is read with no rule
            counts[examined.record.path.name] += 1
        return judge(examined, *arguments, **options)

    monkeypatch.setattr(judged, "judge", counted)
    return counts


@pytest.fixture
def long_tree(tmp_path: Path) -> Path:
    """Twelve records, nearly each of which was the record."""
    for number in range(12):
        write(tmp_path / "records", f"2026-06-{number + 10}_Record{number}", -0.01 * number)
    return tmp_path / "records"


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "not"])
def test_each_record_of_a_tree_is_judged_once(long_tree: Path, judgments: Counter[str], cached: bool) -> None:
    settings = JudgingSettings(cache=cached, jobs=1)
    verdicts = judge_all([long_tree], settings)
    assert len(verdicts) == 12 and sum(verdict.to_beat is not None for verdict in verdicts) == 11
    assert judgments == Counter({Path(verdict.path).name: 1 for verdict in verdicts})
    judge_all([long_tree], settings)
    assert sum(judgments.values()) == 12 if cached else 24


def test_of_a_tree_only_the_named_record_is_judged(long_tree: Path, judgments: Counter[str]) -> None:
    named = long_tree / "track_10min_16mb" / "2026-06-15_Record5"
    (verdict,) = judge_all([named], JudgingSettings(jobs=1))
    assert verdict.to_beat and verdict.to_beat.name == "Record4"
    assert judgments == Counter({named.name: 1})
    assert judge_all([named], JudgingSettings(jobs=1)) == [verdict]
    assert judgments == Counter({named.name: 1})


def test_each_file_of_a_record_is_read_once(long_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[tuple[int, str]] = Counter()
    read = bounded.read

    def counted(folder: int, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        counts[os.fstat(folder).st_ino, path] += 1
        return read(folder, path, limit_bytes)

    monkeypatch.setattr(bounded, "read", counted)
    folder = record_folders([long_tree])[5]
    (folder / "train_gpt.py").write_bytes(b"value = 1\n" * 200)
    (alone,) = judge_all([folder], JudgingSettings(cache=False, jobs=1))
    assert "golfcheck pack" in alone.ledger[0].note and alone.to_beat and set(counts.values()) == {1}
    counts.clear()
    judge_all([long_tree], JudgingSettings(cache=False, jobs=1))
    assert set(counts.values()) == {1}


def test_a_record_judged_among_all_is_as_judged_by_name(long_tree: Path) -> None:
    def without_time(verdict: Verdict) -> dict[str, Any]:
        fields = {name: getattr(verdict, name) for name in verdict.__dataclass_fields__}
        return fields | {"seconds": 0.0, "ledger": verdict.ledger[1:]}  # packing is tried for one record alone

    among_all = {
        verdict.path: without_time(verdict) for verdict in judge_all([long_tree], JudgingSettings(cache=False))
    }
    for folder in record_folders([long_tree])[::3]:
        (alone,) = judge_all([folder], JudgingSettings(cache=False))
        assert without_time(alone) == among_all[str(folder)]


def test_a_record_whose_numbers_are_refuted_need_not_be_beaten(long_tree: Path) -> None:
    refuted = long_tree / "track_10min_16mb" / "2026-06-14_Record4"
    log = refuted / "train_seed42.log"
    log.write_bytes(log.read_bytes().replace(b"step:2/20000", b"step:9/20000", 1))
    (verdict,) = judge_all([long_tree / "track_10min_16mb" / "2026-06-15_Record5"], JudgingSettings(jobs=1))
    assert verdict.to_beat and verdict.to_beat.name == "Record3"
