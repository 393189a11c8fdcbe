"""`golfcheck tui`: the board in a terminal."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.judging.config import JudgingSettings
    from golfcheck.queue.build import QueueRequest

HELP = "browse records, compare them, and watch runs while they train"
_EPILOG = """Examples:
  golfcheck tui                          the records below this folder
  golfcheck tui records/                 the records of a tree
  golfcheck tui --queue golf.git         the pull requests of a repository, the most urgent first
  golfcheck tui --watch logs/run.txt     watch a run in progress, against the best record
  golfcheck tui --watch logs/*.txt       watch several seeds at once
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    from golfcheck.judging.config import CHOICES

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("root", nargs="?", type=Path, metavar="ROOT", help="a tree of records (default: records/, or else this folder)")
    add(
        "--queue",
        type=Path,
        metavar="REPO",
        help="start with the pull requests of a repository, judged from its git objects",
    )
    add("--base", default="main", metavar="REF", help="with --queue: the branch that they target; default: main")
    add(
        "--watch",
        type=Path,
        action="extend",
        nargs="+",
        default=[],
        metavar="LOG",
        help="start with these growing logs, one for each seed",
    )
    add("--ascii", action="store_true", help="draw with ASCII characters only")
    add("--ruleset", choices=CHOICES["ruleset"], help="how large and how certain a gain must be")
    add("--no-cache", dest="cache", action="store_false", default=None, help="read every record again")


def run(args: argparse.Namespace) -> int:
    """Run the interface until the user quits."""
    from golfcheck.core.errors import MissingExtra, UsageError
    from golfcheck.core.terminal import only_ascii
    from golfcheck.judging.config import resolve

    try:  # importing textual takes 0.3 s
        from golfcheck.tui.app import GolfcheckApp
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("golfcheck"):
            raise
        raise MissingExtra("tui", error.name or "textual", "tui") from None
    logs, root = _logs_and_root(args)
    if not root.exists():
        raise UsageError(f"{root}: no such file or folder")
    # The folder's own settings apply to its records; only flags and the environment apply to a queue.
    start = Path(os.sep) if args.queue else Path()
    settings = resolve({name: value for name, value in vars(args).items() if name != "base"}, os.environ, start)
    if not _on_a_terminal():
        raise UsageError("tui needs a terminal; for a pipe or a file, use: golfcheck leaderboard")
    if os.environ.get("TERM") == "dumb":
        raise UsageError("tui needs a terminal that can move its cursor, but TERM is dumb; use: golfcheck leaderboard")
    queue = _queue(args, settings) if args.queue else None
    app = GolfcheckApp(root, settings, watch=logs, ascii_only=args.ascii or only_ascii(sys.stdout), queue=queue)
    app.run()
    return app.return_code or 0


def _logs_and_root(args: argparse.Namespace) -> tuple[list[Path], Path]:
    """Return the logs to watch and the tree of records, which argparse takes for a log if it comes after the logs."""
    from golfcheck.core.errors import UsageError

    logs = [path for path in args.watch if not path.is_dir()]
    folders = [path for path in args.watch if path.is_dir()]
    for log in logs:
        if not log.parent.is_dir():
            raise UsageError(f"{log}: no such folder; expected the log that a run writes, or will write")
    if folders and (not logs or len(folders) > 1 or args.root):
        raise UsageError(f"{folders[0]}: is a folder; --watch expects the logs that runs write, or will write")
    given = [*folders, args.root]
    return logs, given[0] or (Path("records") if Path("records").is_dir() else Path())


def _queue(args: argparse.Namespace, settings: "JudgingSettings") -> "QueueRequest":
    from golfcheck.queue import gitfolder
    from golfcheck.queue.build import QueueRequest
    from golfcheck.queue.store import store_path

    gitfolder.find(args.queue)  # reports a missing repository before the screen is taken over
    store = store_path() if settings.cache else None
    return QueueRequest(args.queue, base=args.base, ruleset=settings.ruleset, jobs=settings.jobs, store=store)


def _on_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
