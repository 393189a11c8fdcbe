"""Write static web pages for the leaderboard and the queue. They load nothing from other sites."""

from collections.abc import Callable
from pathlib import Path

from golfcheck.board.model import Board
from golfcheck.core.errors import MissingExtra
from golfcheck.queue.pulls import Queue
from golfcheck.submission import record
from golfcheck.submission.record import Record


def write(board: Board, folder: Path, load: Callable[[Path], Record] = record.load, url: str = "") -> None:
    """Write the board, a page for each record with its logs and code, `data.json` and `feed.xml` into `folder`.

    `load` reads the record at a row's path; `url` is the address of the site, for the links in the feed. The same board
    gives the same bytes, and pages of records that no longer exist are removed. Raises MissingExtra without jinja2,
    UsageError if it would overwrite a file that golfcheck did not write, and OSError with one clear line.
    """
    try:
        from golfcheck.site.pages import pages
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("jinja2", "markupsafe"):
            raise MissingExtra("leaderboard --format html", package, "site") from None
        raise
    from golfcheck.site.folder import SiteFolder

    with SiteFolder(folder) as site:
        for name, data in pages(board, load, url):
            site.write(name, data)


def write_queue(queue: Queue, folder: Path) -> None:
    """Write `queue.html`, a page for each pull request, and `queue.json`; the folder may also contain a leaderboard.

    Raises as `write` does.
    """
    try:
        from golfcheck.site.queuepage import queue_pages
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("jinja2", "markupsafe"):
            raise MissingExtra("queue --format html", package, "site") from None
        raise
    from golfcheck.site.folder import SiteFolder

    with SiteFolder(folder, queue=True) as site:
        for name, data in queue_pages(queue):
            site.write(name, data)
