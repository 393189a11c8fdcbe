"""`golfcheck diff`: two records side by side."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.submission.record import Record

HELP = "compare two records: scores, sizes, settings, findings, code"
_EPILOG = """Lines of A begin with -, lines of B with +, and differences are B minus A. No code of a record is executed.
The exit code is 0 whether or not there are differences.

Examples:
  golfcheck diff 2026-03-23_Theirs 2026-03-25_Mine            what is new, in brief
  golfcheck diff 2026-03-23_Theirs 2026-03-25_Mine --code     the code line by line, with packed scripts unpacked
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    for name in ("A", "B"):
        parser.add_argument(name.lower(), type=Path, metavar=name, help="a record's folder, or any file in it")
    add = parser.add_argument
    add("--settings", action="store_true", help="only the settings that differ in the logs")
    add("--code", action="store_true", help="only the code, as a unified diff")
    add("--all", action="store_true", help="everything, with the code as a unified diff")
    add("--format", choices=("text", "markdown", "json"), default="text", help="default: text")


def run(args: argparse.Namespace) -> int:
    """Compare and print."""
    from golfcheck.comparison.difference import difference
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.judging.verify import verify
    from golfcheck.render import diff_data, diff_markdown, diff_text
    from golfcheck.render.page import Page

    records = [_record(args.a), _record(args.b)]
    comparison = difference(records, [verify(record) for record in records])
    sections = (
        tuple(name for name in ("settings", "code") if getattr(args, name) and not args.all) or diff_text.SECTIONS
    )
    page = Page(columns(sys.stdout), wants_color(sys.stdout), only_ascii(sys.stdout))
    whole = args.code or args.all
    if args.format == "json":
        sys.stdout.write(diff_data.render(comparison))
    elif args.format == "markdown":
        sys.stdout.write(diff_markdown.render(comparison, sections, whole))
    else:
        sys.stdout.write(diff_text.render(comparison, page, sections, whole))
    return 0


def _record(path: Path) -> "Record":
    from golfcheck.core.errors import UsageError
    from golfcheck.submission.discover import record_folders
    from golfcheck.submission.record import load

    folders = record_folders([path])
    if len(folders) > 1:
        raise UsageError(f"{path}: leads to {len(folders)} records; expected the folder of one, or a file in it")
    return load(folders[0])
