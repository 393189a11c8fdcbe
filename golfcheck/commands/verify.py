"""`golfcheck verify`: judge record folders and print the verdicts."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.core.verdict import Verdict
    from golfcheck.judging.config import JudgingSettings

HELP = "judge record folders: each finding with its line and its fix"
_EXAMPLES = """Rules, rulesets and formats are explained by: golfcheck explain

Examples:
  golfcheck verify records/                                   everything, in brief
  golfcheck verify records/track_10min_16mb/2026-03-25_Mine   one record, in full
  golfcheck verify Mine --fix --diff                          what could be filled in from the logs
  golfcheck verify --base origin/main --format github --also markdown:summary.md
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options. The environment and a file set the defaults of some (golfcheck/judging/config.py)."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    from golfcheck.judging.config import CHOICES

    parser.formatter_class = RawDescriptionRichHelpFormatter
    add = parser.add_argument
    add(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="a record, a tree of records, or a file in one (default: here)",
    )
    group = parser.add_argument_group("What to check")
    add = group.add_argument
    add("--select", action="append", metavar="RULES", help="check only these rules or families: a,b or repeated")
    add("--ignore", action="append", metavar="RULES", help="skip these rules or families")
    add("--ruleset", choices=CHOICES["ruleset"], help="how large and how certain a gain must be")
    add("--as-of", metavar="DATE", help="judge as if submitted on this day, against the records before it")
    add("--base", metavar="REF", help="judge only what this branch adds since it left REF (a branch, a tag, a commit)")
    group = parser.add_argument_group("What to print")
    add = group.add_argument
    formats = ", ".join(CHOICES["format"])
    add("--format", choices=CHOICES["format"], metavar="FORMAT", help=f"one of {formats}; default: text")
    add("-o", "--output", type=Path, metavar="FILE", help="write to this file instead of standard output")
    add(
        "--also", action="append", default=[], metavar="FORMAT:FILE", help="write one more format to a file; repeatable"
    )
    add("-v", "--verbose", action="store_true", help="print every record in full, and why checks were skipped")
    group = parser.add_argument_group("What fails (exit code 1)")
    add = group.add_argument
    add("--fail-on", choices=CHOICES["fail_on"], help="findings of this severity or above; default: error")
    add("--require", choices=CHOICES["require"], help="anything that is not shown to be a record")
    group = parser.add_argument_group("How to work")
    add = group.add_argument
    add("--fix", action="store_true", help="first correct submission.json from the logs")
    add("--diff", action="store_true", help="with --fix: only print the edits")
    add("--jobs", type=int, metavar="N", help="processes that read records; default 0: one per core")
    add("--no-cache", dest="cache", action="store_false", default=None, help="read every record again")
    parser.epilog = _EXAMPLES


def run(args: argparse.Namespace) -> int:
    """Judge and print. Returns 1 if a verdict fails, 2 if something decisive could not be checked, else 0."""
    from golfcheck.core.errors import UsageError
    from golfcheck.core.outcome import fails, undecided
    from golfcheck.core.progress import narrate, progress_bar
    from golfcheck.core.verdict import Severity
    from golfcheck.judging.batch import judge_all

    started = perf_counter()
    settings = _settings(args)
    also = [_format_and_file(text) for text in args.also]
    paths = args.paths or [Path()]
    if args.diff and not args.fix:
        raise UsageError("verify: --diff shows what --fix would change: use both")
    if args.fix and settings.base:
        raise UsageError("verify: --fix edits the named records, --base chooses others: use one of them")
    if args.fix:
        _fix(paths, dry=args.diff)
        if args.diff:
            return 0
    paths, missed = _with_records(paths) if len(paths) > 1 and not settings.base else (paths, [])
    with progress_bar() as progress:
        verdicts = judge_all(paths, settings, as_of=args.as_of, progress=progress, say=narrate)
    for name, file in ((settings.format, args.output), *also):
        _write(name, file, verdicts, verbose=args.verbose, run_seconds=perf_counter() - started)
    for complaint in missed:
        narrate(complaint)
    at = None if settings.fail_on == "never" else Severity[settings.fail_on.upper()]
    if any(fails(verdict, at, require_record=settings.require == "record") for verdict in verdicts):
        return 1
    # With --select, only the selected rules matter; otherwise everything decisive must have been read.
    nothing = [verdict for verdict in verdicts if not verdict.passed and not verdict.findings]
    unverified = [] if settings.select or at is None else [verdict for verdict in verdicts if undecided(verdict)]
    for verdict in dict.fromkeys([*nothing, *unverified]):
        why = "nothing could be checked" if verdict in nothing else undecided(verdict)
        narrate(f"{verdict.path}: unverified: {why} (golfcheck verify -v says why)")
    return 2 if missed or nothing or unverified else 0


def _with_records(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the paths that lead to records, and what is wrong with the others.

    Raises UsageError if no path leads to any.
    """
    from golfcheck.core.errors import UsageError
    from golfcheck.submission.discover import record_folders

    good: list[Path] = []
    complaints: list[str] = []
    for path in paths:
        try:
            record_folders([path])
        except UsageError as error:
            complaints.append(str(error))
        else:
            good.append(path)
    if not good:
        raise UsageError(complaints[0])
    return good, complaints


def _settings(args: argparse.Namespace) -> "JudgingSettings":
    from golfcheck.core.progress import narrate
    from golfcheck.judging.config import resolve

    flags = dict(vars(args))
    for name in ("select", "ignore"):
        if flags[name] is not None:
            flags[name] = tuple(rule.strip() for text in flags[name] for rule in text.split(",") if rule.strip())
    return resolve(flags, os.environ, Path(), narrate)


def _format_and_file(text: str) -> tuple[str, Path]:
    from golfcheck.core.errors import UsageError
    from golfcheck.core.suggest import suggestion
    from golfcheck.judging.config import FORMATS

    name, colon, file = text.partition(":")
    if name not in FORMATS or not colon or not file:
        expected = f"FORMAT one of {', '.join(FORMATS)}{suggestion(name, FORMATS)}"
        raise UsageError(f"verify: --also {text!r}: expected FORMAT:FILE, {expected}")
    return name, Path(file)


def _fix(paths: Sequence[Path], *, dry: bool) -> None:
    """Make the edits, each file completely or not at all, and print them; with `dry`, only print a diff."""
    from golfcheck.authoring.fix import fix
    from golfcheck.core.text import safe
    from golfcheck.reference.files import write_atomic
    from golfcheck.submission.discover import record_folders
    from golfcheck.submission.record import load

    fixes = [change for folder in record_folders(paths) if (change := fix(load(folder)))]
    for change in fixes:
        if dry:
            print("\n".join(map(safe, change.diff().splitlines())))
        else:
            write_atomic(change.path, change.after.encode())
            for edit in change.edits:
                print(f"fixed {safe(str(change.path))}: {safe(edit)}", file=sys.stderr)
    if not fixes:
        print("golfcheck: the logs imply no fixes", file=sys.stderr)


def _write(name: str, file: Path | None, verdicts: "Sequence[Verdict]", *, verbose: bool, run_seconds: float) -> None:
    """Print in the format `name`, or write a file, which is replaced completely or not at all."""
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.reference.files import write_atomic
    from golfcheck.render.page import Page

    out = sys.stdout
    page = Page() if file else Page(columns(out), wants_color(out), only_ascii(out))
    page = replace(page, verbose=verbose, run_seconds=run_seconds)
    text = import_module(f"golfcheck.render.verdict_{name}").render(verdicts, page)
    if file is None:
        out.write(text)
    elif file.exists() and not file.is_file():  # such as /dev/stderr or a pipe, which cannot be replaced
        file.write_text(text, encoding="utf-8")
    else:
        write_atomic(file, text.encode("utf-8"))
