"""Pictures of a record and of a comparison: `pytest --snapshot-update` makes new ones, to be looked at."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from golfcheck.board.load import load_board
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.screens.compare import CompareScreen
from golfcheck.tui.screens.detail import DetailScreen
from tests.golfcheck.tui.test_record_screens import settled
from tests.golfcheck.valid_record import Draft

pytest.importorskip("pytest_textual_snapshot")

# The pictures show these rules alone: a new rule changes none of them.
RULES = (
    "not-8xh100", "world-size", "thin-margin", "too-few-seeds", "step-average-constant", "foreign-files-touched",
    "waiver-unused", "submission-missing", "readme-missing", "log-missing", "script-missing", "json-invalid",
    "bytes-over-cap", "score-not-in-logs", "seed-mismatch", "train-time-over-cap", "eval-time-over-cap",
)  # fmt: skip


@pytest.fixture
def app(tmp_path: Path, own_home: None) -> GolfcheckApp:
    """The application on a board of two records."""
    for index, name in enumerate(("First", "Second")):
        draft = Draft(folder=f"2026-05-{10 + index}_{name}", bpb_shift=0.03 - 0.01 * index)
        draft.set(name=f"{name} try", author="ann")
        draft.edit("train_seed42.log", "world_size:8", f"world_size:{8 - 4 * index}")
        draft.write(tmp_path / "records")
    board = load_board([tmp_path / "records"], JudgingSettings(cache=False, jobs=1, select=RULES))
    return GolfcheckApp(tmp_path / "records", JudgingSettings(cache=False), board=board)


def test_the_curves_of_a_record(app: GolfcheckApp, snap_compare: Any):
    assert snap_compare(app, terminal_size=(120, 34), run_before=_detail("curve"))


def test_the_findings_of_a_record(app: GolfcheckApp, snap_compare: Any):
    assert snap_compare(app, terminal_size=(80, 24), run_before=_detail("findings"))


def test_two_records_side_by_side(app: GolfcheckApp, snap_compare: Any):
    async def before(pilot: Pilot[None]) -> None:
        assert app.board_screen.board
        app.push_screen(CompareScreen(app.board_screen.board.rows))
        await settled(pilot)

    assert snap_compare(app, terminal_size=(120, 34), run_before=before)


def _detail(tab: str) -> Any:
    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp) and app.board_screen.board
        app.push_screen(DetailScreen(app.board_screen.board.rows[0], app.load_record, tab))
        await settled(pilot)

    return before
