"""`golfcheck pack`: make a small self-extracting script, with a proof that it is the same program."""

import argparse
from pathlib import Path

HELP = "pack a script into a small self-extracting one, and verify it"
_EPILOG = """Comments, docstrings and annotations are removed unless the program can read them; then the text is
compressed with LZMA. --brotli tries Brotli as well, which needs the brotli package where the script runs. Each variant
is unpacked again and compared with the source, token by token and by its syntax tree. The output is reproducible.

Examples:
  golfcheck pack train_gpt.py                       print what packing would save, by variant
  golfcheck pack train_gpt.py -o out/train_gpt.py   write the smallest
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "script", type=Path, metavar="SCRIPT", help="the script; modules next to it that it imports are included"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the smallest variant to this file")
    parser.add_argument("--alone", action="store_true", help="leave out the modules that it imports")
    parser.add_argument("--brotli", action="store_true", help="try brotli as well")


def run(args: argparse.Namespace) -> int:
    """Pack, print the size of each variant, and write the smallest if asked to."""
    from golfcheck.authoring.pack import pack, read_script, sizes
    from golfcheck.core.errors import UsageError
    from golfcheck.core.text import safe, shell_word
    from golfcheck.reference.files import write_atomic

    if args.output is not None and args.output.exists() and args.output.samefile(args.script):
        raise UsageError(f"pack: -o {args.output} is the script itself, which would be overwritten: name another file")
    packed = pack(read_script(args.script, alone=args.alone), brotli=args.brotli)
    print(f"{packed.source_bytes:>9,} bytes  source: {safe(', '.join(packed.files), 500)}")
    for line in sizes(packed):
        print(line)
    saved = packed.source_bytes - len(packed.best.packed)
    print(f"proof    every variant unpacks to the same program; the smallest saves {saved:,} bytes")
    if args.output is None:
        print(f"next     golfcheck pack {shell_word(args.script)} -o FILE")
        return 0
    write_atomic(args.output, packed.best.packed)
    print(f"written  {safe(str(args.output))}")
    return 0
