"""Rulings of maintainers: what the file may say, and what each ruling changes on the board."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row, Status
from golfcheck.board.rows import pinned
from golfcheck.core import schema
from golfcheck.core.errors import UsageError
from golfcheck.core.outcome import Outcome
from golfcheck.core.ruleset import RULESETS
from golfcheck.judging import decisions
from golfcheck.judging.config import JudgingSettings
from golfcheck.judging.decisions import RulingKind
from golfcheck.render.board_data import render_json
from golfcheck.tui.screens.detail import rescored
from tests.golfcheck.valid_record import Draft

SETTINGS = JudgingSettings(cache=False, jobs=1)
TRACK = "track_10min_16mb"
REPORT = "0" * 64
TAKES_NO_EFFECT = "it has no effect until then"


def ruling(record: str, kind: str, **more: Any) -> dict[str, Any]:
    ruling = {
        "record": f"{TRACK}/{record}",
        "ruling": kind,
        "by": "maintainer",
        "on": "2026-06-20",
        "why": "as reviewed",
    }
    return {**ruling, **more}


def rule(tree: Path, *rulings: dict[str, Any]) -> None:
    (tree / "decisions.json").write_text(json.dumps({"decisions": list(rulings)}))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """First; then a clear gain; then a slight one, which no test shows; then one whose numbers are proven wrong."""
    for folder, shift in (("2026-06-01_First", 0.0), ("2026-06-02_Clear", -0.02), ("2026-06-03_Slight", -0.0201)):
        write(tmp_path, folder, shift)
    wrong = Draft(folder="2026-06-04_Wrong", bpb_shift=-0.2, val_tokens=70_000_000)
    wrong.set(name=wrong.folder)
    wrong.write(tmp_path)
    return tmp_path


def write(tree: Path, folder: str, shift: float) -> None:
    draft = Draft(folder=folder, bpb_shift=shift)
    draft.set(name=folder)
    draft.write(tree)


def board_of(tree: Path, **settings: Any) -> Board:
    return load_board([tree], SETTINGS, **settings)


def rows_of(board: Board) -> dict[str, Row]:
    return {row.verdict.path.rpartition("_")[2]: row for row in board.rows}


def held(board: Board) -> list[str]:
    return [row.verdict.path.rpartition("_")[2] for row in board.frontier]


def test_without_rulings_the_tests_alone_decide(tree: Path) -> None:
    board = board_of(tree)
    assert held(board) == ["First", "Clear"]
    assert {name: row.rank for name, row in rows_of(board).items()} == {
        "Slight": 1, "Clear": 2, "First": 3, "Wrong": None
    }  # fmt: skip
    assert rows_of(board)["Wrong"].reason == "its numbers are proven wrong: bytes-not-conserved"


@pytest.mark.parametrize("kind", [{"kind": "removed"}, {"kind": "superseded", "superseded_by": f"{TRACK}/x"}])
def test_a_removed_record_stays_on_the_board_without_a_rank_and_need_not_be_beaten(
    tree: Path, kind: dict[str, str]
) -> None:
    rule(tree, ruling("2026-06-02_Clear", **kind))
    board = board_of(tree)
    row = rows_of(board)["Clear"]
    assert row.rank is None and not row.held
    assert "as reviewed (maintainer, 2026-06-20)" in row.reason
    assert row.ruling and row.ruling.why == "as reviewed"
    assert held(board) == ["First", "Slight"]
    rival = rows_of(board)["Slight"].verdict.to_beat
    assert rival and rival.name == "2026-06-01_First"


def test_an_included_record_needs_no_significant_gain(tree: Path) -> None:
    rule(tree, ruling("2026-06-03_Slight", "included", why="systems only: the step is faster"))
    board = board_of(tree)
    assert held(board) == ["First", "Clear", "Slight"]
    row = rows_of(board)["Slight"]
    assert row.p is not None and row.p > 0.01
    assert row.reason == "included: systems only: the step is faster (maintainer, 2026-06-20)"


def test_an_included_record_that_is_worse_gets_a_rank_but_not_the_lead(tree: Path) -> None:
    write(tree, "2026-06-05_Worse", 0.01)
    rule(tree, ruling("2026-06-05_Worse", "included"))
    board = board_of(tree)
    assert rows_of(board)["Worse"].rank == 4
    assert held(board) == ["First", "Clear"]


def test_including_overrules_even_a_proof_and_the_verdict_stays_what_it_was(tree: Path) -> None:
    rule(tree, ruling("2026-06-04_Wrong", "included"))
    row = rows_of(board_of(tree))["Wrong"]
    assert (row.rank, row.held, row.outcome) == (1, True, Outcome.INVALID)


def test_waiving_the_rule_that_refutes_a_record_lets_it_take_part(tree: Path) -> None:
    rule(tree, ruling("2026-06-04_Wrong", "waived", rules=["bytes-not-conserved"]))
    assert held(board_of(tree)) == ["First", "Clear", "Wrong"]
    rule(tree, ruling("2026-06-04_Wrong", "waived", rules=["thin-margin"]))
    assert held(board_of(tree)) == ["First", "Clear"]


def test_the_test_of_the_gain_can_be_waived(tree: Path) -> None:
    rule(tree, ruling("2026-06-03_Slight", "waived", rules=["gain-not-significant"]))
    assert held(board_of(tree)) == ["First", "Clear", "Slight"]


def test_a_score_of_our_own_counts_in_place_of_the_logged_ones(tree: Path) -> None:
    rule(tree, ruling("2026-06-02_Clear", "re-scored", val_bpb=1.2, report_sha256=REPORT))
    board = board_of(tree)
    row = rows_of(board)["Clear"]
    assert (row.score_bpb, row.status, row.rank) == (1.2, Status.RESCORED, 3)
    assert len(row.seeds_bpb) == 3  # what the logs say is still told
    assert row.p is None and row.delta_bpb == pytest.approx(1.2 - 1.11473509, abs=1e-8)
    assert row.outcome is Outcome.VALID  # its logs alone would make it a record
    reasons = [skipped.reason for skipped in row.verdict.skipped if skipped.rule == "gain-not-significant"]
    assert reasons == ["re-scored at 1.20000 bpb, and the gain of that score is not shown"]
    assert held(board) == ["First", "Slight"]


def test_a_record_whose_new_score_still_takes_the_lead_stays_a_record(tree: Path) -> None:
    assert rows_of(board_of(tree))["Clear"].outcome is Outcome.RECORD
    rule(tree, ruling("2026-06-02_Clear", "re-scored", val_bpb=1.09, report_sha256=REPORT))
    row = rows_of(board_of(tree))["Clear"]
    assert row.held and row.outcome is Outcome.RECORD


def test_a_score_from_a_box_is_marked_and_its_challenges_are_shown(tree: Path) -> None:
    box = {"sandbox": "bubblewrap 0.8.0", "cuts": 512, "differ": 0}
    rule(tree, ruling("2026-06-02_Clear", "re-scored", val_bpb=1.2, report_sha256=REPORT, predictor=box))
    board = board_of(tree)
    row = rows_of(board)["Clear"]
    assert (row.score_bpb, row.status) == (1.2, Status.BOXED)
    challenged = "re-scored in a box (bubblewrap 0.8.0, 0 of 512 cuts changed an answer): "
    assert row.ruling is not None and row.ruling.text.startswith(challenged)
    shown = "re-scored 1.20000 in a box (bubblewrap 0.8.0, 0 of 512 cuts changed an answer)"
    assert str(rescored(row)) == shown
    assert rescored(rows_of(board)["First"]) is None
    document = json.loads(render_json(board, board.rows))
    assert schema.violations("board", document) == []
    (result,) = [item for item in document["rows"] if item["status"] == "boxed"]
    assert result["rulings"][0]["predictor"] == {**box, "strict": False}
    first = rows_of(pinned(board, row, RULESETS["written"]))["First"]
    assert first.score_bpb is not None and first.delta_bpb == pytest.approx(first.score_bpb - 1.2)


@pytest.mark.parametrize(("strict", "said"), [(True, "token by token"), (False, "not tested for looking ahead")])
def test_a_box_without_cuts_says_whether_it_was_asked_token_by_token(strict: bool, said: str, tree: Path) -> None:
    box = {"sandbox": "bubblewrap 0.8.0", "cuts": 0, "differ": 0, "strict": strict}
    rule(tree, ruling("2026-06-02_Clear", "re-scored", val_bpb=1.2, report_sha256=REPORT, predictor=box))
    row = rows_of(board_of(tree))["Clear"]
    assert str(rescored(row)) == f"re-scored 1.20000 in a box (bubblewrap 0.8.0, {said})"


def test_only_a_re_scored_ruling_may_describe_a_box(tree: Path) -> None:
    box = {"sandbox": "bubblewrap 0.8.0", "cuts": 0, "differ": 0}
    rule(tree, ruling("2026-06-02_Clear", "included", predictor=box))
    with pytest.raises(UsageError, match=r"decisions\.json: /decisions/0"):
        board_of(tree)


def test_a_record_without_any_log_may_be_re_scored(tree: Path) -> None:
    folder = Draft(folder="2026-06-05_Unlogged").write(tree)
    for log in folder.glob("*.log"):
        log.unlink()
    before = rows_of(board_of(tree))["Unlogged"]
    assert (before.status, before.rank) == (Status.CLAIMED, None)
    assert before.reason == "no score in its logs: nothing to test"
    rule(tree, ruling("2026-06-05_Unlogged", "re-scored", val_bpb=1.1, report_sha256=REPORT))
    after = rows_of(board_of(tree))["Unlogged"]
    assert (after.status, after.score_bpb) == (Status.RESCORED, 1.1)


def test_the_last_ruling_applies_and_all_are_shown(tree: Path) -> None:
    rule(
        tree,
        ruling("2026-06-02_Clear", "included", on="2026-06-25", why="an error of ours"),
        ruling("2026-06-02_Clear", "removed", on="2026-06-20"),
    )
    row = rows_of(board_of(tree))["Clear"]
    assert row.held and [ruling.kind for ruling in row.rulings] == [RulingKind.REMOVED, RulingKind.INCLUDED]


def test_a_ruling_applies_from_its_date_on(tree: Path) -> None:
    rule(tree, ruling("2026-06-02_Clear", "removed", on="2026-06-20"))
    assert held(board_of(tree, as_of="2026-06-19")) == ["First", "Clear"]
    assert held(board_of(tree, as_of="2026-06-20")) == ["First", "Slight"]


def test_a_ruling_with_a_future_date_is_reported_and_has_no_effect(tree: Path) -> None:
    rule(tree, ruling("2026-06-02_Clear", "removed", on="2096-06-20"))
    said: list[str] = []
    assert held(board_of(tree, say=said.append)) == ["First", "Clear"]
    (line,) = said
    assert line.endswith(f"{TRACK}/2026-06-02_Clear is dated 2096-06-20, which is in the future: {TAKES_NO_EFFECT}")


def test_a_date_in_the_future_is_judged_again_each_day(
    tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    findings = []
    for day in (date(2026, 6, 1), date(2026, 6, 2)):
        monkeypatch.setattr("golfcheck.judging.verify.today", lambda day=day: day)
        board = load_board([tree], JudgingSettings(jobs=1))
        findings.append([finding.rule for finding in rows_of(board)["Clear"].verdict.findings])
    assert findings[0] == ["date-in-future"]
    assert "date-in-future" not in findings[1]


def test_a_ruling_on_an_unknown_record_is_reported(tree: Path) -> None:
    superseded = ruling("2026-06-02_Clear", "superseded", superseded_by=f"{TRACK}/2026-06-08_Neither")
    rule(tree, ruling("2026-06-09_None", "removed"), superseded)
    said: list[str] = []
    board_of(tree, say=said.append)
    assert len(said) == 2
    assert f"there is no record {TRACK}/2026-06-09_None: the ruling has no effect" in "".join(said)
    assert f"there is no record {TRACK}/2026-06-08_Neither that could supersede another" in "".join(said)


def test_a_record_cannot_rule_on_itself(tree: Path) -> None:
    folder = tree / TRACK / "2026-06-03_Slight"
    rule(folder, ruling("2026-06-03_Slight", "included"), {**ruling("x", "included"), "record": "."})
    assert held(board_of(tree)) == ["First", "Clear"]
    (folder / TRACK / "2026-06-03_Inner").mkdir(parents=True)
    assert decisions.read(folder) == ()


@pytest.mark.parametrize(
    ("content", "location"),
    [
        ("{", "decisions.json:1: column 2"),
        ("[]", "decisions.json: /: "),
        ('{"decisions": [{}]}', "/decisions/0: "),
        (json.dumps({"decisions": [ruling("x", "banned")]}), "/decisions/0/ruling: 'banned'"),
        (json.dumps({"decisions": [ruling("x", "waived")]}), "/decisions/0: 'rules' is missing"),
        (
            json.dumps({"decisions": [ruling("x", "removed", rules=["a"])]}),
            "/decisions/0/ruling: 'waived' was expected",
        ),
        (json.dumps({"decisions": [ruling("x", "re-scored", val_bpb=1.1)]}), "'report_sha256' is missing"),
        (json.dumps({"decisions": [ruling("x", "superseded")]}), "'superseded_by' is missing"),
        (json.dumps({"decisions": [ruling("x", "removed", on="2026-02-30")]}), "/decisions/0/on: 2026-02-30"),
        (json.dumps({"decisions": [ruling("x", "removed", why="")]}), "/decisions/0/why"),
        ('{"decisions": [], "decisions": []}', "a duplicate key"),
        (" " * (decisions.MAX_BYTES + 1), "larger than"),
    ],
    ids=lambda text: text.strip()[-40:],
)
def test_an_invalid_file_gives_one_line_with_the_position(tmp_path: Path, content: str, location: str) -> None:
    (tmp_path / "decisions.json").write_text(content)
    with pytest.raises(UsageError) as caught:
        decisions.read(tmp_path)
    assert location in str(caught.value) and str(caught.value).count("\n") == 0


def test_the_file_of_this_repository_is_in_order() -> None:
    records = Path(__file__).parents[3] / "records"
    for ruled in decisions.read(records):
        assert (records / ruled.record).is_dir() and ruled.on <= date.today()


def undated(tree: Path, shift: float, **more: Any) -> None:
    draft = Draft(folder="Undated", bpb_shift=shift, **more)
    draft.set(name="Undated", date=None)
    draft.write(tree)


def by_folder(board: Board) -> dict[str, Row]:
    return {row.verdict.path.rpartition("/")[2]: row for row in board.rows}


def test_a_record_without_a_day_has_no_rank_when_it_is_removed(tree: Path) -> None:
    undated(tree, -0.03)
    assert by_folder(board_of(tree))["Undated"].rank == 1
    rule(tree, ruling("Undated", "removed"))
    row = by_folder(board_of(tree))["Undated"]
    assert row.rank is None and "as reviewed" in row.reason


def test_a_record_without_a_day_has_no_rank_when_its_numbers_are_proven_wrong(tree: Path) -> None:
    undated(tree, -0.3, val_tokens=70_000_000)
    row = by_folder(board_of(tree))["Undated"]
    assert row.rank is None and "proven wrong" in row.reason


def test_a_pinned_comparison_takes_the_score_that_was_ruled(tree: Path) -> None:
    rule(tree, ruling("2026-06-02_Clear", "re-scored", val_bpb=1.0, report_sha256=REPORT))
    board = board_of(tree)
    clear = rows_of(board)["Clear"]
    first = rows_of(pinned(board, clear, RULESETS["written"]))["First"]
    assert first.score_bpb is not None and first.delta_bpb == pytest.approx(first.score_bpb - 1.0)
    assert first.p is None and first.reason.startswith("no p")


def test_a_waiver_of_an_unknown_rule_and_a_misplaced_file_are_reported(tree: Path, tmp_path: Path) -> None:
    rule(tree, ruling("2026-06-02_Clear", "waived", rules=["gain-not-signifcant"]))
    (tree / TRACK / "decisions.json").write_text("{}")
    said: list[str] = []
    board_of(tree, say=said.append)
    assert any("gain-not-signifcant" in line and "gain-not-significant" in line for line in said)
    assert any(f"{TRACK}/decisions.json: not read" in line for line in said)


def test_rulings_that_are_not_a_file_are_an_error(tree: Path) -> None:
    (tree / "decisions.json").mkdir()
    with pytest.raises(UsageError, match="not a regular file"):
        board_of(tree)
