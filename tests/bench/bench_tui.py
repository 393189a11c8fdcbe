"""How long the screens take from start to rows and from key to paint, and how much memory: `make bench`, or this alone.

A board of 28 real records (without them: of ours in records/) from the cache, and one of 10,000 synthetic rows. Times
are of the wall and begin after the imports; a paint is when the table has drawn the lines that changed. The baseline
is Textual's own DataTable with the same cells.
"""

import asyncio
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from golfcheck.board.model import Row  # noqa: E402 - found by the line above

SIZE = (120, 34)
ROWS = 10_000
FIRST_SECONDS, ALL_SECONDS, KEY_MS = 0.3, 1.0, 100.0
TYPED = "author:ann bpb:<1.2"
TIMES = 3


def started() -> None:
    """Print the seconds that the imports take in a new interpreter."""
    program = "import time; t = time.perf_counter(); import golfcheck.tui.app; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", program]
    took = [float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout) for _ in range(TIMES)]
    print(f"import                     {min(took):.2f} s (not counted below)")


class Paints:
    """Records when the board's table was drawn, and its contents."""

    def __init__(self) -> None:
        from golfcheck.tui.widgets.table import BoardTable

        self.shows = 0  # how often other rows were given to the table
        self.seen: list[tuple[float, tuple[Row, ...], tuple[int, int]]] = []  # time, rows, (shows, cursor)
        draw, show = BoardTable.render_lines, BoardTable.show

        def drawn(table: BoardTable, *given: object) -> object:
            lines = draw(table, *given)  # type: ignore[arg-type]
            self.seen.append((time.perf_counter(), table.rows, (self.shows, table.cursor)))
            return lines

        def shown(table: BoardTable, rows: Sequence[Row]) -> None:
            self.shows += 1
            show(table, rows)

        BoardTable.show = shown  # type: ignore[method-assign]
        BoardTable.render_lines = drawn  # type: ignore[method-assign,assignment]

    async def until(self, shown: Callable[[tuple[Row, ...], tuple[int, int]], bool], since: float) -> float:
        """Return the seconds from `since` to the first paint of what is `shown`."""
        until = time.monotonic() + 20
        while True:
            for when, rows, state in self.seen:
                if when >= since and shown(rows, state):
                    return when - since
            assert time.monotonic() < until, "it was not drawn within a minute"
            await asyncio.sleep(0.001)


async def real_records(paints: Paints) -> tuple[float, float, int]:
    """Return the seconds to the first and to all rows of a tree, and how many there are."""
    from golfcheck.judging.config import JudgingSettings
    from golfcheck.tui.app import GolfcheckApp

    tree = ROOT.parent / "shared" / "data" / "records"
    paints.seen.clear()
    since = time.perf_counter()
    app = GolfcheckApp(tree if tree.is_dir() else ROOT / "records", JudgingSettings())
    async with app.run_test(size=SIZE):
        first = await paints.until(lambda rows, _state: bool(rows), since)
        while app.board_screen.board is None:
            await asyncio.sleep(0.001)
        board = app.board_screen.board.rows
        return first, await paints.until(lambda rows, _state: rows == board, since), len(board)


async def many_rows(paints: Paints) -> dict[str, list[float]]:
    """Return the seconds to a board of ROWS rows, and of every key on it, by what the keys do."""
    from golfcheck.tui.screens import session
    from golfcheck.tui.widgets.filterbar import FilterBar
    from tests.golfcheck.boards import app_of, board

    session.path().unlink(missing_ok=True)  # the last run's order and cursor
    rows = board(ROWS)
    paints.seen.clear()
    since = time.perf_counter()
    app = app_of(board=rows)
    delays: dict[str, list[float]] = {}
    async with app.run_test(size=SIZE) as pilot:
        delays["all rows"] = [await paints.until(lambda rows, _state: len(rows) == ROWS, since)]
        await pilot.pause()

        async def press(*keys: str) -> list[float]:
            took = []
            for key in keys:
                await pilot.pause()
                paints.seen.clear()
                before = paints.shows, app.board_screen.table.cursor
                since = time.perf_counter()
                app.simulate_key(key)
                took.append(await paints.until(lambda _rows, now, old=before: now != old, since))
            return took

        await press("G")
        await pilot.press("slash")
        delays["filter"] = await press(*TYPED)
        await pilot.pause()
        assert app.board_screen.query_one(FilterBar).text == TYPED
        assert 0 < len(app.board_screen.table.rows) < ROWS
        await pilot.press("escape")
        delays["sort"] = await press(*"ssssssssssss")
        delays["reverse"] = await press("S")
        app.board_screen.table.select(ROWS // 2)
        delays["move"] = await press(*"jjjj", "pagedown", "g", "G")
    return delays


async def data_table() -> float:
    """Return the seconds that Textual's DataTable takes to show the same rows."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    from golfcheck.tui.drawing.glyphs import UNICODE
    from golfcheck.tui.drawing.tablecolumns import COLUMNS
    from tests.golfcheck.boards import board

    rows = board(ROWS).rows

    class Baseline(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable()

    since = time.perf_counter()
    app = Baseline()
    async with app.run_test(size=SIZE) as pilot:
        table = app.query_one(DataTable)
        table.add_columns(*(column.title for column in COLUMNS))
        table.add_rows([column.cell(row, column.width, UNICODE)[0] for column in COLUMNS] for row in rows)
        await pilot.pause()
        return time.perf_counter() - since


def main() -> int:
    """Print the figures; return 1 if a target is missed."""
    started()
    with TemporaryDirectory() as folder:
        os.environ |= {"XDG_STATE_HOME": folder, "XDG_CACHE_HOME": folder}
        import golfcheck.tui.app  # noqa: F401 - not counted

        paints = Paints()
        cold = asyncio.run(real_records(paints))
        runs = [asyncio.run(real_records(paints)) for _ in range(TIMES)]
        first, whole = min(run[0] for run in runs), min(run[1] for run in runs)
        print(f"{cold[2]} records, nothing cached  first rows {cold[0]:.2f} s, all {cold[1]:.2f} s")
        print(f"{cold[2]} records, cached          first rows {first:.2f} s, all {whole:.2f} s")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        runs_of_many = [asyncio.run(many_rows(paints)) for _ in range(TIMES)]
        # Of each key the fastest run, for others use this machine; of the keys the slowest.
        results = {
            name: max(map(min, zip(*(run[name] for run in runs_of_many), strict=False))) for name in runs_of_many[0]
        }
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        baseline = asyncio.run(data_table())
    print(f"{ROWS:,} rows                all painted {results['all rows']:.2f} s; DataTable {baseline:.2f} s")
    for name in ("filter", "sort", "reverse", "move"):
        print(f"  {name:<8} key to paint    {results[name] * 1e3:5.0f} ms, the slowest key")
    print(f"memory                     {after / 1024:.0f} MiB, {before / 1024:.0f} MiB before the {ROWS:,} rows")
    aims = {
        f"first rows within {FIRST_SECONDS} s, nothing cached": cold[0] <= FIRST_SECONDS,
        f"first rows within {FIRST_SECONDS} s": first <= FIRST_SECONDS,
        f"{ROWS:,} rows within {ALL_SECONDS:.0f} s": results["all rows"] <= ALL_SECONDS,
        f"a filter key within {KEY_MS:.0f} ms": results["filter"] * 1e3 <= KEY_MS,
    }
    for aim, is_reached in aims.items():
        print(f"{'ok' if is_reached else 'MISSED':<7} {aim}")
    return int(not all(aims.values()))


if __name__ == "__main__":
    sys.exit(main())
