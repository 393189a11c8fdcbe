"""All files of the site, one at a time: first the records' pages, then the board that links to them."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from os.path import commonpath
from pathlib import Path, PurePath

from golfcheck.board.model import Board
from golfcheck.core.errors import GolfcheckError
from golfcheck.render.board_data import render_json
from golfcheck.site.boardpage import board_page
from golfcheck.site.feed import feed
from golfcheck.site.names import slugs
from golfcheck.site.recordnumbers import Cited
from golfcheck.site.recordpage import record_pages
from golfcheck.submission.history import repository_of
from golfcheck.submission.record import Record

_GITHUB_REMOTE = re.compile(r"(?:https://github\.com/|git@github\.com:)([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def pages(board: Board, load: Callable[[Path], Record], url: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file, relative to the site, and its contents; `url` is the address of the site.

    The pages do not contain local paths.
    """
    given = [row.verdict.path for row in board.rows]
    paths = published_paths(given)
    rows = tuple(
        replace(row, verdict=replace(row.verdict, path=path)) for row, path in zip(board.rows, paths, strict=True)
    )
    board = replace(board, rows=rows)
    pulls = _pull_requests(given)
    folders = dict(zip(paths, _folders(paths), strict=True))
    addresses = {path: f"{folder}/index.html" for path, folder in folders.items()}
    for row, path in zip(rows, given, strict=True):
        rival = board.rival_of(row)
        rival_page = addresses[rival.verdict.path] if rival else None
        for name, data in record_pages(row, load(Path(path)), rival_page, pulls.get(path)):
            yield f"{folders[row.verdict.path]}/{name}", data
    yield "feed.xml", feed(board, addresses, url)
    yield "data.json", render_json(board, board.rows).encode()
    yield "index.html", board_page(board, addresses)


def published_paths(paths: Sequence[str]) -> list[str]:
    """Return the paths of records as shown on pages: relative to their trees."""
    if all(not PurePath(path).is_absolute() and ".." not in PurePath(path).parts for path in paths):
        return list(paths)
    resolved = [Path(path).resolve() for path in paths]
    top = commonpath([path.parent.parent for path in resolved])  # above the tracks
    return [path.relative_to(top).as_posix() for path in resolved]


def _pull_requests(paths: Sequence[str]) -> dict[str, Cited]:
    """Return the pull request of each record, if the records are in a clone whose commits name one."""
    repository = repository_of(Path(commonpath([Path(path).resolve() for path in paths]))) if paths else None
    if repository is None:
        return {}
    try:
        added = repository.added(repository.root)
        remote = _GITHUB_REMOTE.fullmatch(repository.setting("remote.origin.url"))
    except GolfcheckError:  # a shallow clone, or no git: pages without pull requests
        return {}
    requests = {}
    for path in paths:
        commit = added.get(Path(path).resolve())
        if commit is not None and commit.pull is not None:
            href = f"https://github.com/{remote[1]}/pull/{commit.pull}" if remote else None
            requests[path] = Cited(f"pull request #{commit.pull}", href)
    return requests


def _folders(paths: list[str]) -> list[str]:
    """Return `records/<slug>` for each path, made from its last part, or from all of it if two records share that."""
    named = [PurePath(path).name for path in paths]
    count = Counter(named)
    unique = [name if count[name] == 1 else path for path, name in zip(paths, named, strict=True)]
    return [f"records/{slug}" for slug in slugs(unique, "record")]
