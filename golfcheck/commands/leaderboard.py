"""`golfcheck leaderboard`: rank records, and show the frontier through time."""

import argparse
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from golfcheck.board.model import Board, Row
    from golfcheck.judging.config import JudgingSettings

HELP = "rank records by score, each with its gain over the earlier best"
_EPILOG = """Records are replayed in chronological order, by git history if there is one. A record whose gain passes the
ruleset becomes the record to beat. The maintainers' decisions are read from decisions.json next to the tracks
(schemas/decisions.schema.json).

Filters: words, author:ann, bpb:<1.08, seeds:>=3, verdict:review, rule:thin-margin, after:2026-04-01, -held:yes, …

Examples:
  golfcheck leaderboard records                                    the board
  golfcheck leaderboard records --frontier                         which records took the lead, when, and the evidence
  golfcheck leaderboard records --ruleset audit-2026-05 --why      why each one was not the record
  golfcheck leaderboard records --me ann --filter after:2026-04    where ann stands
  golfcheck leaderboard records --against 2026-03-25_Mine          differences and p against one record
  golfcheck leaderboard records --write README.md                  the table between the file's markers
  golfcheck leaderboard records --write README.md --check          exit code 1 if it is stale
  golfcheck leaderboard records --format html -o site              a page to publish
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    from golfcheck.board.keys import SORT_KEYS
    from golfcheck.core.ruleset import RULESETS
    from golfcheck.render.board_formats import FORMATS

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("roots", nargs="*", type=Path, metavar="ROOT", help="trees of records (default: here)")
    add = parser.add_argument_group("How to judge").add_argument
    add("--ruleset", choices=tuple(RULESETS), help="how large and how certain a gain must be; default: written")
    add("--as-of", metavar="DATE", help="the board as it stood at the end of this day")
    add("--against", type=Path, metavar="RECORD", help="show differences and p against this record in every row")
    add("--ignore", action="append", metavar="RULES", help="skip these rules or families: a,b or repeated")
    add = parser.add_argument_group("What to show").add_argument
    add("--filter", metavar="TERMS", default="", help="show only matching rows, as in 'author:ann bpb:<1.08'")
    add("--sort", choices=SORT_KEYS, default="", metavar="KEY", help=f"one of {', '.join(SORT_KEYS)}; default: rank")
    add("--reverse", action="store_true", help="reverse the order")
    add(
        "--frontier",
        action="store_true",
        help="show only records that took the lead, in chronological order, with the reasons",
    )
    add("--why", action="store_true", help="show why each was not the record, or why there is no p")
    add("--me", metavar="AUTHOR", help="add this author's standing: rank, gap, and the score that a new record needs")
    add = parser.add_argument_group("Output").add_argument
    add("--format", choices=tuple(FORMATS), default="text", help="default: text")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output; a folder for html",
    )
    add("--url", default="", metavar="URL", help="with --format html: where it will be published, for the feed's links")
    add("--write", type=Path, action="append", default=[], metavar="FILE",
        help="put the Markdown table between the markers of this file; repeatable")  # fmt: skip
    add("--check", action="store_true", help="with --write: change nothing, exit 1 if a file is stale")
    add = parser.add_argument_group("How to work").add_argument
    add("--jobs", type=int, metavar="N", help="processes that read records; default 0: one per core")
    add("--no-cache", dest="cache", action="store_false", default=None, help="read every record again")


def run(args: argparse.Namespace) -> int:
    """Read, rank and print. Returns 1 if --check finds a stale file, else 0."""
    from golfcheck.board.keys import sorted_rows
    from golfcheck.board.load import load_board
    from golfcheck.board.query import parse
    from golfcheck.core.errors import MissingExtra, UsageError
    from golfcheck.core.progress import narrate, progress_bar

    query = parse(args.filter)
    if wrong := _at_odds(args):
        raise UsageError(f"leaderboard: {wrong}")
    if args.format == "html" and find_spec("jinja2") is None:
        raise MissingExtra("leaderboard --format html", "jinja2", "site")
    settings = _settings(args)
    with progress_bar() as progress:
        board = load_board(args.roots or [Path()], settings, as_of=args.as_of, progress=progress, say=narrate)
    if args.against:
        board = _against(board, args.against, settings)
    rows: Sequence[Row] = board.frontier if args.frontier else board.rows
    rows = [row for row in rows if query.matches(row)]
    if args.sort or args.reverse:
        rows = sorted_rows(rows, args.sort or "rank", args.reverse)
    if args.write:
        return _write(board, rows, args)
    if args.format == "html":
        return _write_pages(replace(board, rows=tuple(rows)), args.output, args.url, cached=settings.cache)
    _print(_rendered(board, rows, args), args.output)
    return 0


def _at_odds(args: argparse.Namespace) -> str:
    """Return which flag would have no effect together with another; "" if all have one."""
    if args.url and args.format != "html":
        return "--url is for --format html"
    if args.url and not args.url.startswith(("https://", "http://")):
        return f"--url {args.url}: expected an address that begins with https://"
    if args.check and not args.write:
        return "--check says whether a file is stale: name the file with --write"
    if args.format == "html" and args.output is None:
        return "--format html writes a folder: name it with -o"
    if args.write and args.format not in ("text", "markdown"):
        return f"--write puts a Markdown table into a file, which --format {args.format} is not: leave one of them out"
    if args.write and args.output is not None:
        return "--write and -o name two outputs: run the command once for each"
    if args.me is not None and (args.write or args.format not in ("text", "markdown")):
        return "--me adds lines to --format text or markdown only"
    return ""


def _write_pages(board: "Board", folder: Path, url: str, *, cached: bool) -> int:
    from golfcheck import site
    from golfcheck.judging.cache import Cache
    from golfcheck.submission import record

    if not cached:
        site.write(board, folder, record.load, url)
        return 0
    with Cache() as cache:
        site.write(board, folder, cache.load, url)
    return 0


def _settings(args: argparse.Namespace) -> "JudgingSettings":
    from golfcheck.judging.config import resolve

    ignored = [rule.strip() for text in args.ignore or () for rule in text.split(",") if rule.strip()]
    flags = {"ruleset": args.ruleset, "jobs": args.jobs, "cache": args.cache, "ignore": tuple(ignored) or None}
    return resolve(flags, os.environ, Path())


def _against(board: "Board", path: Path, settings: "JudgingSettings") -> "Board":
    """Return the board with all differences against one record, which need not be on it."""
    from golfcheck.board.load import load_board
    from golfcheck.board.rows import pinned
    from golfcheck.core.errors import UsageError
    from golfcheck.core.ruleset import RULESETS
    from golfcheck.submission.discover import record_folders

    folders = record_folders([path])
    if len(folders) > 1:
        raise UsageError(f"--against {path}: leads to {len(folders)} records; expected the folder of one")
    baseline = load_board(folders, settings).rows[0]
    if not baseline.seeds_bpb:
        raise UsageError(f"--against {path}: no score in its logs to compare with")
    return pinned(board, baseline, RULESETS[settings.ruleset])


def _rendered(board: "Board", rows: "Sequence[Row]", args: argparse.Namespace) -> str:
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.render import board_data, board_markdown, board_text
    from golfcheck.render.page import Page

    why = args.why or args.frontier
    if args.format == "json":
        return board_data.render_json(board, rows)
    if args.format == "csv":
        return board_data.render_csv(rows)
    if args.format == "markdown":
        return board_markdown.render(board, rows, why=why, notes=_notes(board, args))
    out = sys.stdout
    page = Page() if args.output else Page(columns(out), wants_color(out), only_ascii(out))
    return board_text.render(board, rows, page, why=why, notes=_notes(board, args))


def _notes(board: "Board", args: argparse.Namespace) -> list[str]:
    from golfcheck.board.model import names_of
    from golfcheck.core.errors import UsageError
    from golfcheck.core.suggest import suggestion
    from golfcheck.render.board_standing import standing

    if args.me is None:
        return []
    lines = standing(board, args.me)
    if not lines:
        authors = {name for row in board.rows for name in names_of(row)}
        raise UsageError(f"--me {args.me}: no record with a score is by that author{suggestion(args.me, authors)}")
    return lines


def _print(text: str, output: Path | None) -> None:
    from golfcheck.reference.files import write_atomic

    if output is None:
        sys.stdout.write(text)
    else:
        write_atomic(output, text.encode("utf-8"))


def _write(board: "Board", rows: "Sequence[Row]", args: argparse.Namespace) -> int:
    """Write the table into the files, or report which of them are stale."""
    from golfcheck.core.markers import replaced
    from golfcheck.core.progress import narrate
    from golfcheck.core.text import shell_word
    from golfcheck.reference.files import write_atomic
    from golfcheck.render import board_markdown

    stale, tables = 0, []
    for path in args.write:  # check all of them before writing the first
        table = board_markdown.render(board, rows, from_file=path.resolve(), why=args.why or args.frontier)
        tables.append((path, *replaced(path, table)))
    for path, before, after in tables:
        if before == after:
            continue
        stale = 1
        if args.check:
            narrate(f"{path}: its leaderboard is stale; golfcheck leaderboard … --write {shell_word(path)} updates it")
        else:
            write_atomic(path, after.encode("utf-8"))
    return stale if args.check else 0
