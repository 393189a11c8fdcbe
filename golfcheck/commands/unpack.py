"""`golfcheck unpack`: the source inside a self-extracting script, read as data."""

import argparse
import re
import sys
from pathlib import Path

HELP = "print the source inside a packed script, without running it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("script", type=Path, metavar="SCRIPT", help="the packed script, whoever packed it")
    parser.add_argument("--tidy", action="store_true", help="reformat minified code, one statement per line")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write the files into this new folder")


def run(args: argparse.Namespace) -> int:
    """Print the source, or write it as the files that it was packed from."""
    from golfcheck.authoring.pack import tidy, unpack
    from golfcheck.core.errors import UsageError
    from golfcheck.core.namedfile import read_named
    from golfcheck.core.text import safe
    from golfcheck.reference.files import write_atomic
    from golfcheck.submission.bounded import MAX_SOURCE_BYTES

    data = read_named(args.script, MAX_SOURCE_BYTES, "a packed script")
    wrapper, files = unpack(data, args.script.name)
    if args.tidy:
        files = {name: tidy(text) for name, text in files.items()}
    size_bytes = sum(map(len, files.values()))
    summary = f"{args.script}: {wrapper}, {len(data):,} bytes -> {size_bytes:,} bytes of source"
    if args.output is None:
        for name, text in files.items():
            head = f"# file: {name}\n" if len(files) > 1 else ""
            sys.stdout.write(safe(head) + _printable(text))
    else:
        if args.output.exists() and any(args.output.iterdir()):
            raise UsageError(f"{args.output}: exists already; nothing was written: choose another folder")
        for name, text in files.items():
            write_atomic(args.output / name, text)
        summary += f", in {args.output}"
    print(f"golfcheck: {safe(summary, 1000)}", file=sys.stderr)
    return 0


def _printable(text: bytes) -> str:
    """Return untrusted source as text whose control characters cannot reach a terminal."""
    lines = text.decode("utf-8", "replace").split("\n")
    return "\n".join(safe_line(line) for line in lines)


def safe_line(line: str) -> str:
    """Return a line of source with control characters escaped, except tabs; commands of CI logs are not escaped."""
    from golfcheck.core.text import safe

    def escaped(part: str) -> str:
        return "".join(safe(piece, len(piece) * 12) for piece in re.split(r"(::|#)", part))

    return "\t".join(map(escaped, line.rstrip("\r").split("\t")))
