"""`golfcheck demo`: from text to a judged record, on any machine."""

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from golfcheck.commands.parser import run as run_command
from golfcheck.core.children import for_scripts
from golfcheck.core.errors import GolfcheckError, MissingExtra
from golfcheck.core.numbers import bpb_text, rough_text
from golfcheck.core.text import shell_word

if TYPE_CHECKING:
    from golfcheck.data.dataset import Dataset

HELP = "run the whole workflow in two minutes: data to ranked record"
_SEEDS = (1337, 1338, 1339)
_TAIL_LINES = 5  # of the trainer's output, if it fails


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="output folder (default: ./demo)")


def run(args: argparse.Namespace) -> int:
    """Make data, train, make a record, judge it, score it again and rank it. Returns the worst exit code."""
    for package in ("torch", "sentencepiece"):
        if find_spec(package) is None:
            raise MissingExtra("demo", package, "train")
    from golfcheck.data import dataset

    out: Path = args.out
    print("1/6 data: a tokenizer and shards of English text that comes with Python", flush=True)
    data = dataset.make_demo(out / "data")
    print(f"    {data.train_tokens:,} tokens for training, {data.val_tokens:,} for validation", flush=True)
    print(f"2/6 train: seeds {', '.join(map(str, _SEEDS))}, one thread each", flush=True)
    before = set((out / "record").glob("*"))
    _train(data, out)
    record = next(iter(set((out / "record").glob("*")) - before), None)
    if record is None:
        raise GolfcheckError(f"demo: the trainer left no record in {out / 'record'}; see {out / 'logs'}")
    print(f"3/6 record: {record}: {', '.join(sorted(path.name for path in record.iterdir()))}", flush=True)
    print(f"4/6 golfcheck verify {shell_word(record)}", flush=True)
    code = run_command("verify", [str(record)])
    paths = ["--data", str(data.data_path), "--tokenizer", str(data.tokenizer_path)]
    if not _has_sandbox():
        paths.append("--built-in")  # the record's own predictor.py only runs in a sandbox
    words = " ".join(word if word.startswith("--") else shell_word(word) for word in paths)
    print(f"5/6 golfcheck rescore {shell_word(record)} {words}", flush=True)
    code = max(code, run_command("rescore", [str(record), *paths]))
    print(f"6/6 golfcheck leaderboard {shell_word(record.parent)}", flush=True)
    code = max(code, run_command("leaderboard", [str(record.parent)]))
    print(f"""
Try next (after `. .venv/bin/activate`, if `make demo` installed it):
  golfcheck verify {shell_word(record)} --format markdown
  golfcheck tui {shell_word(record.parent)}           browse it: enter opens, ? helps
  golfcheck explain score-not-in-logs     what a rule checks, and why
  golfcheck data check {shell_word(data.data_path)} --tokenizer {shell_word(data.tokenizer_path)}
  python reference/train.py --help        every setting of the trainer
  golfcheck data get --train-shards 1     the contest's own data
Change a digit of val_bpb in {record / "submission.json"} and verify again: golfcheck notices.""")
    return code


def _has_sandbox() -> bool:
    from golfcheck.box.launch import NoSandbox, sandbox

    try:
        return bool(sandbox())
    except NoSandbox:
        return False


def _train(data: "Dataset", out: Path) -> None:
    """Run the trainer on all seeds, and show its progress."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    import golfcheck.reference
    from golfcheck.trainlog import linekinds
    from golfcheck.trainlog.templates import parse

    script = Path(str(golfcheck.reference.__file__)).with_name("train.py")
    seeds = ",".join(map(str, _SEEDS))
    command = [sys.executable, str(script), "--smoke", "--run-id", "demo", "--seeds", seeds, "--out", str(out)]
    command += ["--data-path", str(data.data_path), "--tokenizer-path", str(data.tokenizer_path)]
    tail: list[str] = []
    columns = (TextColumn("   "), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True)) as progress,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=for_scripts(os.environ) | {"OMP_NUM_THREADS": "1"},
        ) as trainer,
    ):
        assert trainer.stdout is not None
        task, done = progress.add_task("", total=len(_SEEDS)), 0
        for text in trainer.stdout:
            tail = [*tail, text.rstrip()][-_TAIL_LINES:]
            match line := parse(text.rstrip("\n")):
                case linekinds.TrainStep():
                    share = line.step / line.iterations
                    progress.update(task, completed=done + share, description=f"loss {rough_text(line.train_loss)}")
                case linekinds.FinalExact():
                    done += 1
                    progress.console.print(
                        f"    seed {_SEEDS[done - 1]}: {bpb_text(line.val_bpb)} bits per byte", highlight=False
                    )
    if trainer.returncode:
        raise GolfcheckError("demo: the trainer failed: " + " | ".join(tail))
