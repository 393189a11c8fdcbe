"""A small tree of records for the site: records that beat one another, one with a hole, and one full of markup."""

import os
from collections.abc import Callable
from pathlib import Path

from golfcheck import site
from golfcheck.board.load import load_board
from golfcheck.board.model import Board
from golfcheck.judging.config import JudgingSettings
from golfcheck.submission.record import Record, load
from tests.golfcheck.valid_record import Draft

OWNED = "window.owned=1"
MARKUP = (
    f"<script>{OWNED}</script>\"'><img src=x onerror={OWNED}><svg onload={OWNED}></title></style></script>"
    f"{{{{ 7*7 }}}} {{% raw %}} $x^2$ a|b ]]> &lt; javascript:{OWNED}"
)
NAMES = ("Baseline", "Wider", "Deeper", "Quantized")


def write_records(root: Path) -> Path:
    """Write the records; each of the first four is the record when it is made."""
    for index, name in enumerate(NAMES):
        draft = Draft(bpb_shift=-0.02 * index, folder=f"2026-06-{1 + index:02}_{name}", model_bytes=15_000_000 + index)
        author = ("ann", "bo")[index % 2]
        draft.set(name=name, author=author, github_id=author)
        draft.write(root)
    claimed = Draft(folder="2026-06-10_Claimed")
    claimed.files = {path: data for path, data in claimed.files.items() if not path.endswith(".log")}
    claimed.set(name="Claimed only", author="cleo", github_id="cleo")
    claimed.write(root)
    hostile = Draft(bpb_shift=0.01, folder="2026-06-11_" + MARKUP.replace("/", "∕")[:120])
    hostile.set(name=MARKUP, author=MARKUP, github_id=MARKUP, blurb=MARKUP)
    hostile.edit_logs("seed:", f"{MARKUP}\nseed:")
    log = next(path for path in hostile.files if path.endswith(".log"))
    hostile.files[f"{log[:-4]} {os.fsdecode(MARKUP.replace('/', '∕').encode()[:100])}.log"] = hostile.files.pop(log)
    hostile.write(root)
    return root


def board_of(root: Path) -> Board:
    """Return the board of the records."""
    return load_board([root], JudgingSettings(cache=False, jobs=1))


def write_site(root: Path, folder: Path, loader: Callable[[Path], Record] = load) -> dict[str, bytes]:
    """Write the site of the records below `root`, and return its files."""
    site.write(board_of(root), folder, loader)
    return files(folder)


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a site by their names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
