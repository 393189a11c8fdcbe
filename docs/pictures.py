"""Make the pictures of the README anew: `python docs/pictures.py`. They are the same wherever they are made.

The board is of invented rows, those of the tests; the record is ours, in records/.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from golfcheck.judging.config import Settings  # noqa: E402 - found by the line above
from golfcheck.tui.app import GolfcheckApp  # noqa: E402
from tests.golfcheck.boards import board  # noqa: E402

SIZE = (120, 30)
_FROM_A_CDN = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def board_picture() -> str:
    """Return the board with two marks and a filter, as SVG."""
    app = GolfcheckApp(Path("records"), Settings(cache=False), board=board(40))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"bpb:<1.17 seeds:>=3", "enter", "j", "space", "j", "j", "space")
        await pilot.pause()
        return app.export_screenshot(title="golfcheck tui")


async def record_picture() -> str:
    """Return the curves of our own record, as SVG."""
    app = GolfcheckApp(Path("records"), Settings(cache=False, jobs=1))
    async with app.run_test(size=SIZE) as pilot:
        while app.board_screen.board is None:
            await pilot.pause(0.05)
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(0.5)
        return app.export_screenshot(title="golfcheck tui")


def make(folder: Path) -> list[Path]:
    """Write both into a folder."""
    os.chdir(ROOT)
    written = []
    for name, picture in (("board", board_picture), ("record", record_picture)):
        with TemporaryDirectory() as home:  # nothing of what its user left on the board, or of the other picture
            os.environ["XDG_STATE_HOME"] = home
            written.append(folder / f"{name}.svg")
            # Textual names a font of a server that is not ours; whoever looks has a font of their own.
            drawn = _FROM_A_CDN.sub("", asyncio.run(picture())).replace(
                "Fira Code, monospace", "ui-monospace, monospace"
            )
            written[-1].write_text(drawn, encoding="utf-8")
    return written


if __name__ == "__main__":
    for path in make(ROOT / "docs"):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
