"""Generate the pictures in the README: `python docs/pictures.py [RECORDS]`.

The picture of our own record, in records/, is the same on every machine. The picture of the contest's board is
generated only if RECORDS is given, the folder `records` of a clone of openai/parameter-golf.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from golfcheck.judging.config import JudgingSettings  # noqa: E402 - found by the line above
from golfcheck.tui.app import GolfcheckApp  # noqa: E402

SIZE = (120, 30)
_FROM_A_CDN = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def board_picture(records: Path) -> str:
    """Return the board of the contest's records with two marks and a filter, as SVG."""
    home = records.parents[1]
    os.chdir(home)  # the picture shows the path as typed next to the clone
    app = GolfcheckApp(records.relative_to(home), JudgingSettings(cache=False, jobs=1))
    async with app.run_test(size=SIZE) as pilot:
        await _judged(app, pilot)
        await pilot.press("slash", *"bpb:<1.2 seeds:>=3", "enter", "j", "space", "j", "j", "space")
        await pilot.pause(0.5)
        return app.export_screenshot(title="golfcheck tui parameter-golf/records")


async def record_picture() -> str:
    """Return the curves of our own record, as SVG."""
    app = GolfcheckApp(Path("records"), JudgingSettings(cache=False, jobs=1))
    async with app.run_test(size=SIZE) as pilot:
        await _judged(app, pilot)
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause(0.5)
        return app.export_screenshot(title="golfcheck tui")


async def _judged(app: GolfcheckApp, pilot: Any) -> None:
    """Wait until all records are judged."""
    while app.board_screen.board is None:
        await pilot.pause(0.05)


def make(folder: Path, records: Path | None = None) -> list[Path]:
    """Write the picture of the record into a folder and, given the contest's `records`, that of the board."""
    os.chdir(ROOT)
    pictures = {"record": record_picture} | ({"contest": lambda: board_picture(records)} if records else {})
    written = []
    for name, picture in pictures.items():
        with TemporaryDirectory() as home:  # start without saved state
            os.environ["XDG_STATE_HOME"] = home
            written.append(folder / f"{name}.svg")
            # Textual links to a web font; use a local one.
            drawn = _FROM_A_CDN.sub("", asyncio.run(picture())).replace(
                "Fira Code, monospace", "ui-monospace, monospace"
            )
            written[-1].write_text(drawn, encoding="utf-8")
    return written


if __name__ == "__main__":
    for path in make(ROOT / "docs", Path(sys.argv[1]).absolute() if sys.argv[1:] else None):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")
