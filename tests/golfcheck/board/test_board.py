"""The board as data: dates, ranks, what the cache may keep, rows that come early, and the replay as one pass."""

import json
import os
from datetime import UTC, date, datetime
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row, Status
from golfcheck.comparison.frontier import best_before, frontier, holders, replay
from golfcheck.core.errors import UsageError
from golfcheck.core.ruleset import RULESETS
from golfcheck.judging import judged
from golfcheck.judging.config import JudgingSettings
from tests.golfcheck.comparison.test_frontier import entry
from tests.golfcheck.submission.test_history import commit, git
from tests.golfcheck.valid_record import Draft, write

pytestmark = pytest.mark.usefixtures("own_home")
CACHED, PLAIN = JudgingSettings(jobs=1), JudgingSettings(cache=False, jobs=1)


def by_name(board: Board) -> dict[str, Row]:
    return {row.verdict.name or "": row for row in board.rows}


def without_time(board: Board) -> list[Any]:
    return [{**vars_of(row), "verdict": {**vars_of(row.verdict), "seconds": 0.0}} for row in board.rows]


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def no_judge(*_: Any, **__: Any) -> Any:
    raise AssertionError("judged again")


# Rows


def test_a_row_has_its_seeds_rank_gain_and_reason(tree: Path) -> None:
    rows = by_name(load_board([tree], PLAIN))
    better, worse, first = rows["Better"], rows["Worse"], rows["First"]
    assert [rows[name].rank for name in ("Better", "Worse", "First")] == [1, 2, 3]
    assert [rows[name].held for name in ("Better", "Worse", "First")] == [True, False, True]
    assert len(better.seeds_bpb) == len(better.seeds_nats) == 3
    assert better.delta_bpb == pytest.approx(-0.02) and better.p is not None and better.p < 1e-3
    assert worse.delta_bpb == pytest.approx(+0.01) and worse.reason == "no gain over Better"
    assert (first.delta_bpb, first.p, first.reason) == (None, None, "there was no record to beat")
    assert better.status is Status.LOGGED and better.reason == ""


def test_equal_scores_share_a_rank_and_the_first_stays_the_record(tree: Path) -> None:
    write(tree, "2026-06-04_Tie", -0.02)
    rows = by_name(load_board([tree], PLAIN))
    assert (rows["Better"].rank, rows["Tie"].rank, rows["Worse"].rank) == (1, 1, 3)
    assert not rows["Tie"].held and rows["Tie"].reason == "a tie with Better, which stays the record"


def test_one_seed_has_no_p_and_a_reason(tree: Path) -> None:
    write(tree, "2026-06-04_One", -0.04, seeds=(42,))
    write(tree, "2026-06-05_Slight", -0.0405, seeds=(42,))
    rows = by_name(load_board([tree], PLAIN))
    assert rows["One"].held and rows["One"].p is None
    assert rows["One"].reason == "no p: this record has one seed; the gain alone is above 0.005 nats"
    assert not rows["Slight"].held
    assert rows["Slight"].reason == "no p: this record has one seed; the gain over One is not above 0.005 nats"


def test_records_of_one_day_are_compared_with_the_day_before_and_then_the_best_must_be_beaten(tree: Path) -> None:
    write(tree, "2026-06-05_Second", -0.030)
    write(tree, "2026-06-05_Best", -0.035)
    write(tree, "2026-06-06_After", -0.0345)
    rows = by_name(load_board([tree], PLAIN))
    assert rows["Best"].held and rows["Second"].held
    assert rows["After"].reason == "no gain over Best"
    assert rows["Second"].delta_bpb == pytest.approx(-0.01)


def test_other_tracks_and_records_without_a_day_or_a_score_are_shown_without_a_rank(tree: Path) -> None:
    write(tree, "2026-06-04_Slow", -0.5, track="non_record_16mb")
    undated = Draft(folder="Undated", bpb_shift=-0.1)
    undated.set(name="Undated", date=None)
    undated.write(tree)
    empty = write(tree, "2026-06-06_Empty", 0.0)
    for log in empty.glob("*.log"):
        log.unlink()
    (empty / "submission.json").write_text(json.dumps({"name": "Empty", "author": "x"}))
    board = load_board([tree], PLAIN)
    rows = by_name(board)
    assert rows["Slow"].reason == "track non_record_16mb is not ranked"
    assert rows["Undated"].reason == "no date: it cannot be ordered"
    assert rows["Empty"].reason == "no score in its logs: nothing to test"
    assert [rows[name].rank for name in ("Slow", "Empty")] == [None, None]
    assert board.rows[-1].verdict.name == "Empty"  # a missing score stands last


def test_as_of_a_day_the_board_is_that_at_the_end_of_the_day(tree: Path) -> None:
    assert set(by_name(load_board([tree], PLAIN, as_of="2026-06-02"))) == {"First", "Better"}
    assert set(by_name(load_board([tree], PLAIN, as_of="2026-06-01"))) == {"First"}
    with pytest.raises(UsageError, match="--as-of 'today'"):
        load_board([tree], PLAIN, as_of="today")


def test_records_are_dated_by_the_commits_that_added_them(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    tree = tmp_path / "records"
    for folder, shift, day in (("2026-06-02_Late", 0.0, "2026-06-20"), ("2026-06-05_Early", -0.02, "2026-06-10")):
        write(tree, folder, shift)
        commit(tmp_path, f"{day}T12:00:00Z")
    rows = by_name(load_board([tree], PLAIN))
    assert rows["Early"].created == datetime(2026, 6, 10, 12, tzinfo=UTC)
    assert rows["Early"].reason == "there was no record to beat"
    assert rows["Late"].reason == "no gain over Early"


def test_records_from_pull_requests_are_ordered_by_their_numbers_whatever_day_they_claim(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    tree = tmp_path / "records"
    for folder, shift, number in (
        ("2026-06-02_Second", -0.04, 12),
        ("2026-06-02_First", 0.0, 9),
        ("2026-06-01_Old", 0.04, 30),
    ):
        write(tree, folder, shift)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", f"Add {folder} (#{number})", at="2026-07-01T12:00:00Z")
    rows = by_name(load_board([tree], PLAIN))
    assert {row.created.date() for row in rows.values() if row.created} == {date(2026, 6, 2)}
    assert rows["First"].reason == "there was no record to beat"
    assert rows["Second"].verdict.to_beat is not None and rows["Second"].verdict.to_beat.name == "First"
    assert rows["Old"].verdict.to_beat is not None and rows["Old"].verdict.to_beat.name == "Second"


# Streaming and the cache


def test_rows_come_early_and_without_a_rank(tree: Path) -> None:
    for settings in (CACHED, CACHED, PLAIN):
        early: list[Row] = []
        seen: list[tuple[int, int]] = []
        board = load_board(
            [tree], settings, early=early.extend, progress=lambda _, done, of, seen=seen: seen.append((done, of))
        )
        assert {row.verdict.path for row in early} == {row.verdict.path for row in board.rows}
        assert all(row.rank is None and row.verdict.to_beat is None and not row.held for row in early)
        assert seen[-1] == (3, 3)


def test_records_that_must_be_judged_are_first_shown_with_their_claims(tree: Path) -> None:
    for settings in (PLAIN, CACHED):
        early: list[Row] = []
        board = by_name(load_board([tree], settings, early=early.extend))
        claimed = [row for row in early if not row.judged]
        assert early[:3] == claimed, "before anything is judged"
        for row in claimed:
            assert row.verdict.name
            whole = board[row.verdict.name]
            assert (row.status, row.score_bpb) == (Status.CLAIMED, whole.verdict.score.claimed_bpb)
            assert (row.created, row.verdict.path, row.verdict.author) == (
                whole.created,
                whole.verdict.path,
                whole.verdict.author,
            )
    early = []
    load_board([tree], CACHED, early=early.extend)
    assert all(row.judged for row in early), "what is kept was judged"


def test_a_folder_without_a_submission_claims_nothing(tree: Path) -> None:
    (tree / "track_10min_16mb" / "2026-06-03_Worse" / "submission.json").unlink()
    early: list[Row] = []
    load_board([tree], PLAIN, early=early.extend)
    assert {row.verdict.name for row in early if not row.judged} == {"First", "Better"}


class GoneError(Exception):
    pass


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "not"])
def test_leaving_waits_for_no_process_leaves_none_behind_and_the_cache_stays_readable(tree: Path, cached: bool) -> None:
    for number in range(12):
        write(tree, f"2026-06-{10 + number}_More{number}", -0.02 - 0.001 * number)
    looked = 0

    def idle() -> None:
        nonlocal looked
        looked += 1
        if len(active_children()) == 2 and looked > 4:  # the first chunk is judged here
            raise GoneError

    with pytest.raises(GoneError):
        load_board([tree], JudgingSettings(jobs=2, cache=cached), idle=idle)
    assert active_children() == []
    assert without_time(load_board([tree], JudgingSettings(jobs=1, cache=cached))) == without_time(
        load_board([tree], PLAIN)
    )


def test_only_the_records_that_were_named_are_on_the_board_but_all_of_their_tree_count(tree: Path) -> None:
    early: list[Row] = []
    board = load_board([tree / "track_10min_16mb" / "2026-06-03_Worse"], PLAIN, early=early.extend)
    assert [row.verdict.name for row in board.rows] == [row.verdict.name for row in early if row.judged] == ["Worse"]
    assert board.rows[0].verdict.to_beat and board.rows[0].verdict.to_beat.name == "Better"


def test_a_record_that_is_named_twice_has_one_row(tree: Path) -> None:
    assert len(load_board([tree, tree / ".." / tree.name], PLAIN).rows) == 3


def test_a_second_board_is_the_same_and_judges_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_board([tree], CACHED)
    monkeypatch.setattr(judged, "judge", no_judge)
    assert without_time(load_board([tree], CACHED)) == without_time(first)
    with pytest.raises(AssertionError, match="judged again"):
        load_board([tree], PLAIN)


@pytest.mark.parametrize(
    "settings", [CACHED, JudgingSettings(jobs=2), JudgingSettings(ruleset="audit-2026-05", ignore=("files",))]
)
def test_a_board_does_not_depend_on_cache_or_processes(tree: Path, settings: JudgingSettings) -> None:
    for number in range(6):
        write(tree, f"2026-06-1{number}_More{number}", -0.02 - 0.004 * number)
    plain = JudgingSettings(ruleset=settings.ruleset, ignore=settings.ignore, cache=False, jobs=1)
    expected = without_time(load_board([tree], plain))
    assert without_time(load_board([tree], settings)) == expected
    assert without_time(load_board([tree], settings)) == expected


def test_a_record_in_between_changes_what_later_ones_are_compared_with(tree: Path) -> None:
    load_board([tree], CACHED)
    write(tree, "2026-06-02_Between", -0.03)
    rows = by_name(load_board([tree], CACHED))
    rival = rows["Worse"].verdict.to_beat
    assert rival and rival.name == "Between"
    assert rows["Worse"].delta_bpb == pytest.approx(0.02)


def test_a_changed_log_is_judged_again(tree: Path) -> None:
    load_board([tree], CACHED)
    write(tree, "2026-06-02_Better", +0.02)
    os.utime(tree / "track_10min_16mb" / "2026-06-02_Better" / "train_seed42.log", ns=(1, 1))
    rows = by_name(load_board([tree], CACHED))
    assert (rows["Better"].rank, rows["Better"].held, rows["Worse"].held) == (3, False, True)


def test_another_version_of_the_judges_judges_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_board([tree], CACHED)
    monkeypatch.setattr(judged, "sources_version", lambda: "another")
    monkeypatch.setattr(judged, "judge", no_judge)
    with pytest.raises(AssertionError, match="judged again"):
        load_board([tree], CACHED)


# The replay

CREATED = st.lists(st.tuples(st.integers(0, 12), st.floats(1.0, 1.3)), min_size=1, max_size=14)


@given(CREATED, st.sampled_from(tuple(RULESETS.values())))
def test_one_pass_gives_each_entry_the_same_result_as_a_replay_up_to_it(created: list[Any], ruleset: Any) -> None:
    field = [entry(day, bpb, bpb + 0.001, bpb + 0.002) for day, bpb in created]
    for turn in replay(field, ruleset):
        assert turn.best == best_before(turn.entry, field, ruleset)
    assert frontier(holders(field, ruleset), ruleset) == frontier(field, ruleset)


@given(CREATED)
def test_the_frontier_only_ever_improves(created: list[Any]) -> None:
    scores = [
        held.mean_bpb for held in holders([entry(day, bpb, bpb + 0.001) for day, bpb in created], RULESETS["written"])
    ]
    assert scores == sorted(scores, reverse=True)
