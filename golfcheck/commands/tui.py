"""`golfcheck tui`: the board on the terminal."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.judging.config import Settings
    from golfcheck.queue.run import Request

HELP = "browse records, compare them, and watch runs while they train"
_EPILOG = """Examples:
  golfcheck tui                          the records below this folder
  golfcheck tui records/                 those of a tree
  golfcheck tui --queue golf.git         the pull requests of a repository, what to do first at the top
  golfcheck tui --watch logs/run.txt     follow a run that trains now, against the best record
  golfcheck tui --watch a.log --watch b.log      follow two seeds at once
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the tree and how it is shown."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    from golfcheck.judging.config import CHOICES

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("root", nargs="?", type=Path, metavar="ROOT", help="a tree of records (default: records/, else this folder)")
    add("--queue", type=Path, metavar="REPO", help="open on the pull requests of a repository, judged from its objects")
    add("--base", default="main", metavar="REF", help="with --queue: the branch that they are for; default: main")
    add(
        "--watch",
        type=Path,
        action="append",
        default=[],
        metavar="LOG",
        help="open on this growing log; repeat it to follow several seeds",
    )
    add("--ascii", action="store_true", help="draw without the characters of Unicode")
    add("--ruleset", choices=CHOICES["ruleset"], help="what a gain must show to be a record")
    add("--no-cache", dest="cache", action="store_false", default=None, help="read every record again")


def run(args: argparse.Namespace) -> int:
    """Open the screens; returns when they are left."""
    from golfcheck.core.errors import MissingExtra, UsageError
    from golfcheck.core.terminal import only_ascii
    from golfcheck.judging.config import resolve

    try:  # textual costs 0.3 s
        from golfcheck.tui.app import GolfcheckApp
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("golfcheck"):
            raise
        raise MissingExtra("tui", error.name or "textual", "tui") from None
    root = args.root or (Path("records") if Path("records").is_dir() else Path())
    if not root.exists():
        raise UsageError(f"{root}: no such file or folder")
    for log in args.watch:
        if not log.parent.is_dir():
            raise UsageError(f"{log}: no such folder; expected the log that a run writes, or will write")
    # The folder's own settings are for its records; how a queue is judged, flags and environment alone decide.
    start = Path(os.sep) if args.queue else Path()
    settings = resolve({name: value for name, value in vars(args).items() if name != "base"}, os.environ, start)
    if not _on_a_terminal():
        raise UsageError("tui needs a terminal; for a pipe or a file there is: golfcheck leaderboard")
    if os.environ.get("TERM") == "dumb":
        raise UsageError("tui needs a terminal that moves its cursor, TERM is dumb; there is: golfcheck leaderboard")
    queue = _queue(args, settings) if args.queue else None
    app = GolfcheckApp(root, settings, watch=args.watch, ascii_only=args.ascii or only_ascii(sys.stdout), queue=queue)
    app.run()
    return app.return_code or 0


def _queue(args: argparse.Namespace, settings: "Settings") -> "Request":
    from golfcheck.queue import gitfolder
    from golfcheck.queue.run import Request
    from golfcheck.queue.store import store_path

    gitfolder.find(args.queue)  # what is no repository is said before the screen is taken
    store = store_path() if settings.cache else None
    return Request(args.queue, base=args.base, ruleset=settings.ruleset, jobs=settings.jobs, store=store)


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
