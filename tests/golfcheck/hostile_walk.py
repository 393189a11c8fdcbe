"""A walk of one application through every screen and tab, for each record of a tree of hostile records.

python -m tests.golfcheck.hostile_walk TREE     # the same walk on the terminal it is started on
"""

import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

import golfcheck.tui
from golfcheck.board.load import load_board
from golfcheck.board.model import Row
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.screens.compare import MOST, CompareScreen
from golfcheck.tui.screens.detail import DetailScreen
from golfcheck.tui.screens.diffscreen import DiffScreen
from golfcheck.tui.screens.prompt import PathPrompt
from golfcheck.tui.screens.timeline import TimelineScreen
from golfcheck.tui.screens.watchscreen import WatchScreen
from tests.golfcheck.tui.test_hostile import assert_harmless
from tests.golfcheck.tui.test_record_screens import settled

Check = Callable[[str], None]


def widgets() -> set[type[Widget]]:
    """Return every class of widget in golfcheck, except screens."""
    for module in pkgutil.iter_modules(golfcheck.tui.__path__, "golfcheck.tui."):
        import_module(module.name)
    return {
        kind for kind in _below(Widget) if kind.__module__.startswith("golfcheck.") and not issubclass(kind, Screen)
    }


def _below(kind: type[Widget]) -> Iterator[type[Widget]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


async def walk(pilot: Pilot[None], rows: list[Row], check: Check) -> None:
    """Visit the screens with each of the rows, and call `check` with the place whenever one is drawn."""
    app = pilot.app
    assert isinstance(app, GolfcheckApp) and app.board_screen.board is not None
    await settled(pilot)
    check("board")

    async def visit(screen: Screen[Any], keys: str) -> None:
        app.push_screen(screen)
        await settled(pilot)
        check(type(screen).__name__)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
            assert app.is_running and app.screen is screen, (type(screen).__name__, key, rows)
            check(f"{type(screen).__name__} {key}")
        app.pop_screen()

    await visit(TimelineScreen(app.board_screen.board, rows[0]), "h" * len(rows))
    for row in rows:
        await visit(DetailScreen(row, app.load_record), f"2{'j' * (len(row.verdict.findings) - 1)}345")
        log = min(Path(row.verdict.path).glob("train_seed*"))
        await visit(WatchScreen(log, row), "")
    for start in range(0, len(rows), MOST):
        await visit(
            CompareScreen(rows[start : start + MOST]) if start + 1 < len(rows) else CompareScreen(rows[-2:]), "234"
        )
    for start in range(0, len(rows), 2):
        await visit(DiffScreen(rows[start - 1], rows[start]), "")
    await visit(PathPrompt("Which log?", Path(rows[-1].verdict.path)), "")
    await settled(pilot)
    assert app.screen is app.board_screen


def application(root: Path) -> GolfcheckApp:
    """Return the application on the board of a tree, every record read."""
    app = GolfcheckApp(
        root, JudgingSettings(cache=False), board=load_board([root], JudgingSettings(cache=False, jobs=1))
    )
    app.animation_level = "none"  # a tab's underline would move for 0.3 s at each of the keys
    return app


def main(root: Path) -> None:
    """Walk on this terminal; the last line is "walked", or the failure, with exit status 1."""
    app = application(root)
    seen: set[type] = set()
    status = "not begun"

    def check(index: str) -> None:
        seen.update(kind for widget in app.screen.walk_children() for kind in type(widget).__mro__)
        try:
            assert_harmless(app)
        except AssertionError as error:
            raise AssertionError(index) from error

    async def script(pilot: Pilot[None]) -> None:
        nonlocal status
        try:
            assert app.board_screen.board is not None
            await walk(pilot, list(app.board_screen.board.rows), check)
            unseen = widgets() - seen
            status = f"no screen of the walk has {unseen}: add one that does" if unseen else "walked"
        except Exception as error:
            status = ascii(error)
        finally:
            app.exit()

    app.run(auto_pilot=script)
    print(f"\n{status}")
    sys.exit(status != "walked")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
