"""`golfcheck stats`: test whether a gain is more than luck."""

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golfcheck.comparison.gain import SeedScores

HELP = "test whether a gain is more than luck, and how many seeds show it"
_EPILOG = """A is yours, B is the record to beat; differences are A minus B, so negative is better. p is the probability
of scores this good if the true gain were exactly the required one. 0.005 nats per token and 0.005 bpb are different
margins; the table shows both. The exit code is 0 whether or not a gain is shown.

Examples:
  golfcheck stats Mine 2026-03-23_Theirs               Welch's test of two records, seeds still needed
  golfcheck stats Mine --bar 1.11473                   against a number that is taken as exact
  golfcheck stats Mine Theirs --sigma 0.0004           one to three seeds, if the spread is already known
  golfcheck stats Mine Theirs --with Reproduction      with seeds that somebody else ran
"""
_CONFIDENCE = 0.95


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    add = parser.add_argument
    add("a", type=Path, metavar="A", help="a record's folder, or any file in it")
    add("b", type=Path, metavar="B", nargs="?", help="the record to beat")
    add("--bar", type=_positive, metavar="BPB", help="instead of B: a val_bpb to beat, taken as exact")
    add(
        "--sigma",
        type=_positive,
        metavar="BPB",
        help="a known standard deviation between seeds, for a z test with one to three seeds",
    )
    add("--with", dest="others", action="append", type=Path, default=[], metavar="RECORD",
        help="a reproduction of A, whose seeds count as seeds of A; repeatable")  # fmt: skip
    add(
        "--confidence",
        type=_share,
        default=_CONFIDENCE,
        metavar="P",
        help="confidence level of the interval; default: 0.95",
    )
    add("--format", choices=("text", "markdown", "json"), default="text", help="default: text")


def run(args: argparse.Namespace) -> int:
    """Test and print."""
    from golfcheck.comparison.gain import gain_over, pooled
    from golfcheck.core.errors import UsageError
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.render import stats_text
    from golfcheck.render.page import Page

    if (args.b is None) == (args.bar is None):
        raise UsageError(
            "stats: expected a record to beat, or a bar: golfcheck stats A B, or golfcheck stats A --bar BPB"
        )
    ours, notes = pooled(_sample(args.a), [_sample(path) for path in args.others])
    theirs = _sample(args.b) if args.b else None
    gain = gain_over(ours, theirs, bar_bpb=args.bar, sigma_bpb=args.sigma, confidence=args.confidence, notes=notes)
    if args.format == "json":
        sys.stdout.write(stats_text.render_json(gain))
    elif args.format == "markdown":
        sys.stdout.write(stats_text.render_markdown(gain))
    else:
        page = Page(columns(sys.stdout), wants_color(sys.stdout), only_ascii(sys.stdout))
        sys.stdout.write(stats_text.render(gain, page))
    return 0


def _sample(path: Path) -> "SeedScores":
    from golfcheck.comparison.gain import sample
    from golfcheck.core.errors import UsageError
    from golfcheck.submission.discover import record_folders
    from golfcheck.submission.record import load

    folders = record_folders([path])
    if len(folders) > 1:
        raise UsageError(f"{path}: leads to {len(folders)} records; expected the folder of one, or a file in it")
    return sample(load(folders[0]))


def _positive(text: str) -> float:
    return _between(text, 0.0, math.inf, "a number of bits per byte above 0")


def _share(text: str) -> float:
    return _between(text, 0.0, 1.0, "a share between 0 and 1")


def _between(text: str, low: float, high: float, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low < value < high:
        raise argparse.ArgumentTypeError(f"expected {expected}, not {text!r}")
    return value
