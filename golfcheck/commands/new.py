"""`golfcheck new`: a submission folder from training logs."""

import argparse
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from golfcheck.core.errors import UsageError

HELP = "make a submission folder from training logs"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("dir", type=Path, nargs="?", metavar="DIR", help="the folder to make")
    parser.add_argument("--into", type=Path, metavar="ROOT", help="instead of DIR: make ROOT/YYYY-MM-DD_NAME")
    parser.add_argument(
        "--from", dest="logs", type=Path, nargs="+", required=True, metavar="LOG", help="finished training logs"
    )
    parser.add_argument(
        "--artifact", type=Path, nargs="+", default=[], metavar="FILE", help="one for each log, in the same order"
    )
    parser.add_argument("--name", help="what the record is called (default: the folder's name)")
    parser.add_argument("--author", help="default: $GOLFCHECK_AUTHOR, or git's user.name")
    parser.add_argument("--github-id", metavar="LOGIN", help="default: $GOLFCHECK_GITHUB_ID, or git's github.user")
    parser.add_argument("--blurb", default="", metavar="TEXT", help="what is new, in a few sentences")
    parser.add_argument("--track", choices=("10min_16mb", "non_record_16mb"), help="default: what the logs qualify for")


def run(args: argparse.Namespace) -> int:
    """Write the folder, whole or not at all, and say how the record stands."""
    from golfcheck.authoring.newrecord import About, build, default_author
    from golfcheck.core.ruleset import SIZE_CAP_BYTES

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if (args.dir is None) == (args.into is None) or (args.into and not args.name):
        raise UsageError("new: expected either DIR, or --into ROOT with --name NAME; see golfcheck new --help")
    target = args.dir.absolute() if args.dir else _free(args.into / f"{today}_{args.name}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: is there already; nothing was written: choose another folder")
    author, github_id = default_author()
    about = About(
        name=args.name or target.name.removeprefix(f"{today}_"),
        author=args.author or os.environ.get("GOLFCHECK_AUTHOR") or author,
        github_id=args.github_id or os.environ.get("GOLFCHECK_GITHUB_ID") or github_id,
        blurb=args.blurb,
        track=args.track or "",
    )
    record = build(args.logs, args.artifact, about)
    _write(target, record.files)
    left = SIZE_CAP_BYTES - record.total_bytes
    print(f"record  {target}  ({len(record.files)} files)")
    print(f"score   {record.mean_bpb:.5f} bits per byte, mean of {len(record.results)}")
    print(f"size    {record.total_bytes:,} of {SIZE_CAP_BYTES:,} bytes: {left:,} left")
    for note in record.notes:
        print(f"note    {note}")
    print(f"next    golfcheck verify {target}")
    return 0


def _free(folder: Path) -> Path:
    """Return `folder`, or the first of folder_2, folder_3, … that does not exist."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}_{number}")
    return free


def _write(target: Path, files: dict[str, bytes]) -> None:
    """Make the folder under a temporary name and rename it: it is there with all its files, or not at all."""
    from golfcheck.reference.files import write_atomic

    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        for name, data in files.items():
            write_atomic(partial / name, data)
        if target.exists():
            target.rmdir()  # empty: checked above
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
