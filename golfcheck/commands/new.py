"""`golfcheck new`: a submission folder from training logs."""

import argparse
import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.core.numbers import bpb_text, bytes_text, headroom_text
from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.text import safe, shell_word

HELP = "make a submission folder from training logs"


_EPILOG = """Examples:
  golfcheck new my_run --from logs/*.txt
  golfcheck new my_run --from seed*.log --script train_gpt.py
  golfcheck new --into records/track_10min_16mb --name MyRun --from *.log
  golfcheck new --trainer my_trainer
  golfcheck new --predictor my_run
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    from rich_argparse import RawDescriptionRichHelpFormatter

    parser.formatter_class = RawDescriptionRichHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("dir", type=Path, nargs="?", metavar="DIR", help="the folder to create")
    parser.add_argument("--into", type=Path, metavar="ROOT", help="instead of DIR: create ROOT/YYYY-MM-DD_NAME")
    parser.add_argument(
        "--trainer", type=Path, metavar="DIR", help="instead of a record: copy the reference trainer to DIR, to edit it"
    )
    parser.add_argument(
        "--predictor",
        type=Path,
        metavar="DIR",
        help="add a predictor.py to an existing folder, for golfcheck rescore DIR",
    )
    add = parser.add_argument_group("What ran").add_argument
    add("--from", dest="logs", type=Path, nargs="+", metavar="LOG", help="finished training logs")
    add(
        "--script",
        type=Path,
        metavar="FILE",
        help="the training script; modules that it imports from its folder are included "
        "(default: the code in the logs, or the train_gpt.py next to them)",
    )
    add("--artifact", type=Path, nargs="+", default=[], metavar="FILE", help="one per log, in the same order")
    add("--keep-last", action="store_true", help="if there are several runs of one seed, use the last one")
    add = parser.add_argument_group("What no log says").add_argument
    add("--name", help="name of the record (default: the folder's name)")
    add("--author", help="default: $GOLFCHECK_AUTHOR, or git's user.name")
    add("--github-id", metavar="LOGIN", help="default: $GOLFCHECK_GITHUB_ID, or git's github.user")
    add("--blurb", default="", metavar="TEXT", help="what is new, in a few sentences")
    add("--track", choices=("10min_16mb", "non_record_16mb"), help="default: the one that the logs qualify for")


def run(args: argparse.Namespace) -> int:
    """Write the folder, completely or not at all, and print the record's score and size."""
    from golfcheck.authoring.newrecord import About, build, default_author

    if args.trainer is not None:
        return _copy_trainer(args)
    if args.predictor is not None:
        return _add_predictor(args)
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    if (args.dir is None) == (args.into is None) or (args.into and not args.name) or not args.logs:
        raise UsageError(
            "new: expected DIR --from LOG…, or --into ROOT --name NAME --from LOG…, --trainer DIR, "
            "or --predictor DIR; see golfcheck new --help"
        )
    target = args.dir.absolute() if args.dir else _free(args.into / f"{today}_{args.name}")
    _refuse_existing(target)
    author, github_id = default_author()
    date, name = _dated(target.name, today)
    about = About(
        name=args.name or name,
        author=args.author or os.environ.get("GOLFCHECK_AUTHOR") or author,
        github_id=args.github_id or os.environ.get("GOLFCHECK_GITHUB_ID") or github_id,
        blurb=args.blurb,
        date=date,
        track=args.track or "",
    )
    record = build(args.logs, args.artifact, about, args.script, keep_last=args.keep_last)
    _write(target, record.files)
    print(f"record  {safe(str(target))}  ({len(record.files)} files)")
    mean = f", mean of {record.num_runs} runs" if record.num_runs > 1 else ""
    print(f"score   {bpb_text(record.mean_bpb)} bits per byte{mean}")
    print(f"size    {_size(record.total_bytes)}")
    for note in record.notes:
        print(f"note    {safe(note, 500)}")
    print(f"next    golfcheck verify {shell_word(target)}")
    return 0


def _dated(folder: str, today: str) -> tuple[str, str]:
    """Split YYYY-MM-DD_NAME into a date and a name; the date is "" if there is none, or if it is today or later."""
    date, _, name = folder.partition("_")
    try:
        day = datetime.strptime(date, "%Y-%m-%d").strftime("%Y-%m-%d")
    except ValueError:
        return "", folder
    return day if day < today else "", name or folder


def _copy_trainer(args: argparse.Namespace) -> int:
    """Copy the reference trainer into a folder of the user's, where it trains with its own code."""
    import golfcheck.reference

    if args.dir or args.into or args.logs:
        raise UsageError("new: --trainer DIR copies the trainer; leave DIR, --into and --from out")
    target = args.trainer.absolute()
    _refuse_existing(target)
    source = Path(str(golfcheck.reference.__file__)).parent
    files = {path.name: path.read_bytes() for path in sorted(source.glob("*.py")) if path.name != "__init__.py"}
    _write(target, files)
    script = shell_word(args.trainer / "train.py")
    print(f"trainer {safe(str(target))}  ({len(files)} files): edit it; it trains with its own code")
    print(f"next    python {script} --smoke")
    return 0


def _add_predictor(args: argparse.Namespace) -> int:
    """Copy the reference's predictor.py into a folder; nothing is overwritten."""
    import golfcheck.reference
    from golfcheck.reference.files import write_atomic

    if args.dir or args.into or args.logs or args.trainer:
        raise UsageError("new: --predictor DIR adds a file to a folder; leave DIR, --into, --from and --trainer out")
    folder, target = args.predictor, args.predictor / "predictor.py"
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; expected the folder with the artifact and its code")
    if target.exists():
        raise UsageError(f"{target}: exists already; nothing was written")
    source = Path(str(golfcheck.reference.__file__)).parent
    write_atomic(target, (source / "predictor.py").read_bytes())
    missing = [name for name in ("artifact.py", "model.py") if not (folder / name).is_file()]
    print(f"predictor {safe(str(target))}")
    if missing:
        print(
            f"note      it imports {' and '.join(missing)} of the reference trainer: edit load() and logits() for yours"
        )
    print(f"next      golfcheck rescore {shell_word(folder)}")
    return 0


def _refuse_existing(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: exists already; nothing was written: choose another folder")


def _size(total_bytes: int | None) -> str:
    if total_bytes is None:
        return "unknown: no log says how large the model is"
    cap, room = bytes_text(SIZE_CAP_BYTES), headroom_text(SIZE_CAP_BYTES - total_bytes)
    return f"{bytes_text(total_bytes)} of {cap} bytes: {room}"


def _free(folder: Path) -> Path:
    """Return `folder`, or the first of folder_2, folder_3, … that does not exist."""
    number, free = 1, folder
    while free.exists():
        number += 1
        free = folder.with_name(f"{folder.name}_{number}")
    return free


def _write(target: Path, files: dict[str, bytes]) -> None:
    """Create the folder under a temporary name and rename it, so that it exists with all its files or not at all."""
    from golfcheck.reference.files import write_atomic

    partial = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.partial")
    partial.mkdir(parents=True)  # raises if it exists
    try:
        for name, data in files.items():
            write_atomic(partial / name, data)
        if target.exists():
            target.rmdir()  # empty: checked above
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
