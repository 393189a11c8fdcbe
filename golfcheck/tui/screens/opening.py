"""Where screens are opened: the one place that knows them all, and that imports each when it is first wanted."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from golfcheck.board.model import Board, Row
from golfcheck.board.query import Query

if TYPE_CHECKING:
    from golfcheck.tui.app import GolfcheckApp


def detail(app: "GolfcheckApp", row: Row) -> None:
    """Open a record with its tabs."""
    from golfcheck.tui.screens.detail import DetailScreen

    app.push_screen(DetailScreen(row, app.load_record))


def compare(app: "GolfcheckApp", rows: Sequence[Row]) -> None:
    """Open two to four records side by side; the first is what the others are compared with."""
    from golfcheck.tui.screens.compare import CompareScreen

    app.push_screen(CompareScreen(rows))


def watch(app: "GolfcheckApp", log: Path, best: Row | None) -> None:
    """Follow a growing log beside the best record."""
    from golfcheck.tui.screens.watch import WatchScreen

    app.push_screen(WatchScreen(log, best))


def timeline(app: "GolfcheckApp", board: Board, at: Row | None, query: Query, text: str) -> None:
    """Open the frontier through time, with the cursor on a record; only what `query`, typed as `text`, matches."""
    from golfcheck.tui.screens.timeline import TimelineScreen

    app.push_screen(TimelineScreen(board, at, query, text))


def diff(app: "GolfcheckApp", first: Row, second: Row) -> None:
    """Open what `golfcheck diff` prints of two records."""
    from golfcheck.tui.screens.diff import DiffScreen

    app.push_screen(DiffScreen(first, second))
