"""`golfcheck queue`: judge every pull request of a repository from its git objects."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.queue.build import QueueRequest
    from golfcheck.queue.pulls import Queue

HELP = "judge every pull request of a repository, and sort them"
FORMATS = ("text", "markdown", "json", "jsonl", "csv", "github", "html")
FAIL_ON = ("refuted", "review", "never")
_EPILOG = """Reads only git objects: nothing is checked out, executed or fetched, and no hook, filter or setting of the
repository has any effect. Fetch the heads first:  git fetch origin '+refs/pull/*/head:refs/pull/*/head'

Examples:
  golfcheck queue golf.git                                 what to review first
  golfcheck queue golf.git --since 1900 --format csv       the newest, for a spreadsheet
  golfcheck queue golf.git --only 12,15-40 --format json   some of them, for another program
  golfcheck queue golf.git --format html -o site           a page to publish, and one for each pull request
  golfcheck queue golf.git --comment 12                    the comment for one of them
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    from golfcheck.core.ruleset import RULESETS

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "repository", nargs="?", type=Path, default=Path(), metavar="REPO", help="a clone, bare or not (default: here)"
    )
    add = parser.add_argument_group("Which pull requests").add_argument
    add(
        "--refs",
        default="refs/pull/*/head",
        metavar="PATTERN",
        help="refs of the pull requests; default: refs/pull/*/head",
    )
    add("--base", default="main", metavar="REF", help="the branch that they target; default: main")
    add("--since", type=int, default=0, metavar="N", help="only those with this number or a later one")
    add("--only", default="", metavar="N,N-M", help="only those with these numbers")
    add("--filter", default="", metavar="TERMS", help="those that match: triage:review bpb:<1.08 -rule:thin-margin")
    add("--ruleset", choices=tuple(RULESETS), help="how large and how certain a gain must be; default: written")
    add = parser.add_argument_group("What to print").add_argument
    add("--format", choices=FORMATS, default="text", help="default: text")
    add(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write to this file instead of standard output; a folder for html",
    )
    add("-v", "--verbose", action="store_true", help="every pull request in full")
    add("--comment", type=int, metavar="N", help="print a comment on this pull request, in Markdown")
    add("--fail-on", choices=FAIL_ON, default="never", help="exit code 1 if one is refuted, or if one needs review")
    add = parser.add_argument_group("How to work").add_argument
    add("--jobs", type=int, metavar="N", help="processes that judge; default 0: one per core")
    add(
        "--no-cache", dest="cache", action="store_false", default=None, help="judge everything again, and cache nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Judge and print. Returns 1 if a pull request fails by --fail-on, else 0."""
    from golfcheck.board.query import parse
    from golfcheck.core.errors import UsageError
    from golfcheck.core.progress import narrate, progress_bar
    from golfcheck.queue.build import build_queue as judge
    from golfcheck.queue.pullrows import KEYS, row_of
    from golfcheck.queue.pulls import Triage

    if args.comment is not None and (args.only or args.since):
        raise UsageError("queue: --comment names the pull request: do not use --only or --since with it")
    if args.comment is not None and args.format not in ("text", "markdown"):
        raise UsageError(f"queue: --comment is Markdown: do not use --format {args.format} with it")
    if args.format == "html" and args.output is None:
        raise UsageError("queue: --format html writes a folder: name it with -o")
    query = parse(args.filter, keys=KEYS)
    with progress_bar() as progress:
        queue = judge(_request(args), progress=progress, say=narrate)
    queue = replace(queue, pulls=tuple(pull for pull in queue.pulls if query.matches(row_of(pull))))
    _print(queue, args)
    broken = [pull.number for pull in queue.pulls if any(one.content.broken for one in pull.submissions)]
    if broken:
        narrate(f"golfcheck itself failed on {', '.join(f'#{number}' for number in broken[:20])}: please report it")
    failing = {"refuted": {Triage.REFUTED}, "review": {Triage.REFUTED, Triage.REVIEW}, "never": set()}[args.fail_on]
    return int(any(pull.triage in failing for pull in queue.pulls))


def _request(args: argparse.Namespace) -> "QueueRequest":
    from golfcheck.judging.config import resolve
    from golfcheck.queue.build import QueueRequest
    from golfcheck.queue.store import store_path

    settings = resolve({"ruleset": args.ruleset, "jobs": args.jobs, "cache": args.cache}, os.environ, Path(os.sep))
    only = args.only if args.comment is None else str(args.comment)
    store = store_path() if settings.cache else None
    return QueueRequest(args.repository, args.refs, args.base, args.since, only, settings.ruleset, settings.jobs, store)


def _print(queue: "Queue", args: argparse.Namespace) -> None:
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.reference.files import write_atomic
    from golfcheck.render import queue_data, queue_markdown, queue_text
    from golfcheck.render.page import Page

    out = sys.stdout
    if args.comment is not None:
        text = queue_markdown.comment(queue, queue.pulls[0])
    elif args.format == "html":
        from golfcheck import site

        site.write_queue(queue, args.output)
        return
    elif args.format == "markdown":
        text = queue_markdown.render(queue)
    elif args.format == "github":
        from golfcheck.render import verdict_github

        verdicts = [one.verdict for pull in queue.pulls for one in pull.submissions if one.verdict]
        text = verdict_github.render(verdicts, Page())
    elif args.format == "text":
        page = (
            Page(verbose=args.verbose)
            if args.output
            else Page(columns(out), wants_color(out), only_ascii(out), args.verbose)
        )
        text = queue_text.render(queue, page)
    else:
        machine = {"json": queue_data.render_json, "jsonl": queue_data.render_jsonl, "csv": queue_data.render_csv}
        text = machine[args.format](queue)
    if args.output is None:
        out.write(text)
    else:
        write_atomic(args.output, text.encode("utf-8"))
