"""All files of the site, one after another: the records' first, and the board that links to them last."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from golfcheck.board.model import Board
from golfcheck.render.board_data import render_json
from golfcheck.site.boardpage import board_page
from golfcheck.site.feed import feed
from golfcheck.site.names import slugs
from golfcheck.site.recordpage import record_pages
from golfcheck.submission.record import Record


def pages(board: Board, load: Callable[[Path], Record]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file, relative to the site, and its contents."""
    paths = [row.verdict.path for row in board.rows]
    folders = dict(zip(paths, _folders(paths), strict=True))
    for row in board.rows:
        for name, data in record_pages(row, load(Path(row.verdict.path))):
            yield f"{folders[row.verdict.path]}/{name}", data
    addresses = {path: f"{folder}/index.html" for path, folder in folders.items()}
    yield "feed.xml", feed(board, addresses)
    yield "data.json", render_json(board, board.rows).encode()
    yield "index.html", board_page(board, addresses)


def _folders(paths: list[str]) -> list[str]:
    """Return `records/<slug>` for each path: of its last part, or of all of it where two records share that."""
    named = [PurePath(path).name for path in paths]
    count = Counter(named)
    told = [name if count[name] == 1 else path for path, name in zip(paths, named, strict=True)]
    return [f"records/{slug}" for slug in slugs(told, "record")]
