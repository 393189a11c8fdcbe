"""`golfcheck data`: get, make and check tokenizers and token shards."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from golfcheck.commands.parser import sentence
from golfcheck.commands.progressline import clear, progress
from golfcheck.core.errors import GolfcheckError, MissingExtra, UsageError
from golfcheck.core.numbers import counted, ratio_text
from golfcheck.core.text import safe, shell_word

if TYPE_CHECKING:
    from golfcheck.data.dataset import Tokenized
    from golfcheck.datacheck import Report

HELP = "download, make and check tokenizers and token shards"
_CONTEST_REPOSITORY = "willdepueoai/parameter-golf"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="demo|get|tokenize|check")

    def add(name: str, purpose: str, epilog: str | None = None) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=purpose, description=sentence(purpose), epilog=epilog)

    demo = add("demo", "make a small dataset offline, from English text that comes with Python")
    demo.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="output folder (default: ./data)")
    demo.set_defaults(act=_demo, packages=("numpy", "sentencepiece"))

    get = add("get", "download the contest's tokenizer and shards, if they are missing")
    get.add_argument(
        "--variant", default="sp1024", help="the variant of the dataset, named after its tokenizer (default: sp1024)"
    )
    get.add_argument(
        "--train-shards",
        type=int,
        default=1,
        metavar="N",
        help="number of training shards of 100 million tokens, 200 MB each (default: 1; the contest's runs use 80)",
    )
    get.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="output folder (default: ./data)")
    get.add_argument(
        "--repo",
        default=_CONTEST_REPOSITORY,
        metavar="OWNER/NAME",
        help=f"the dataset on the Hugging Face hub (default: {_CONTEST_REPOSITORY})",
    )
    get.set_defaults(act=_get, packages=("numpy", "huggingface_hub"))

    tokenize = add(
        "tokenize",
        "make shards from your own text",
        epilog='Text is UTF-8. In a .jsonl file, each line is an object with a document under "text". In other files, '
        "a line <|endoftext|> separates documents.",
    )
    tokenize.add_argument("--text", type=Path, nargs="+", required=True, metavar="FILE", help="text files, in order")
    tokenize.add_argument("--model", type=Path, required=True, metavar="TOKENIZER.model", help="a SentencePiece model")
    tokenize.add_argument("--out", type=Path, required=True, metavar="DIR", help="output folder")
    tokenize.add_argument("--split", choices=("train", "val"), default="train", help="which split (default: train)")
    tokenize.add_argument(
        "--shard-tokens", type=int, default=100_000_000, metavar="N", help="tokens per shard (default: 100,000,000)"
    )
    tokenize.set_defaults(act=_tokenize, packages=("numpy", "sentencepiece"))

    check = add("check", "check shards and their tokenizer; exit code 1 if one is bad")
    check.add_argument("dir", type=Path, nargs="?", default=Path("data"), metavar="DIR", help="default: ./data")
    check.add_argument(
        "--tokenizer",
        type=Path,
        metavar="MODEL",
        help="default: the one in DIR or DIR/tokenizers that matches the dataset's name",
    )
    check.set_defaults(act=_check, packages=("numpy", "sentencepiece"))


def run(args: argparse.Namespace) -> int:
    """Run one subcommand; returns 1 if `check` finds a bad file."""
    for package in args.packages:
        if find_spec(package) is None:
            raise MissingExtra("data", package, "train")
    try:
        return int(args.act(args))
    except ValueError as error:  # raised by the trainer's own reader
        raise GolfcheckError(str(error)) from None


def _demo(args: argparse.Namespace) -> int:
    from golfcheck.data.dataset import make_demo

    dataset = make_demo(args.out)
    print(f"train {dataset.train_tokens:,} tokens, val {dataset.val_tokens:,} tokens", file=sys.stderr)
    print(_environment(dataset.data_path, dataset.tokenizer_path))
    _next(f"{_environment(dataset.data_path, dataset.tokenizer_path, ' ')} python reference/train.py --smoke")
    return 0


def _get(args: argparse.Namespace) -> int:
    from golfcheck.data.hub import download

    if args.train_shards < 0:
        raise UsageError(f"data get: --train-shards must not be negative, not {args.train_shards}")

    def say(line: str) -> None:
        print(safe(line), file=sys.stderr)

    data_path, tokenizer_path = download(args.repo, args.variant, args.train_shards, args.out, say)
    print(_environment(data_path, tokenizer_path))
    _next(f"golfcheck data check {shell_word(data_path)}")
    return 0


def _tokenize(args: argparse.Namespace) -> int:
    from golfcheck.data.dataset import tokenize_files
    from golfcheck.datacheck import BadFile, check

    if args.shard_tokens < 1:
        raise UsageError(f"data tokenize: --shard-tokens must be at least 1, not {args.shard_tokens}")
    for report in check(args.model, [], None):  # can it be loaded, and does it count bytes correctly?
        if isinstance(report, BadFile):
            raise GolfcheckError(f"{report.path}: {report.code}: {report.message}")
    tokenized = tokenize_files(args.text, args.model, args.out, args.split, args.shard_tokens)
    print(
        f"documents {tokenized.documents:,}, bytes {tokenized.text_bytes:,} -> tokens {tokenized.tokens:,} "
        f"in {counted(len(tokenized.shards), 'shard')}, "
        f"{ratio_text(tokenized.text_bytes / tokenized.tokens)} bytes per token",
        file=sys.stderr,
    )
    for note in _lost_text(tokenized):
        print(f"note: {note}", file=sys.stderr)
    for path in tokenized.shards:
        print(path)
    _next(f"golfcheck data check {shell_word(args.out)} --tokenizer {shell_word(args.model)}")
    return 0


def _lost_text(tokenized: "Tokenized") -> Iterator[str]:
    """Yield explanations for the text that a score will not count."""
    if tokenized.unknown:
        lost = f"{tokenized.unknown_bytes:,} bytes of text"
        lost += f", and {counted(tokenized.unknown_spaces, 'space')} after them" if tokenized.unknown_spaces else ""
        yield (
            f"{counted(tokenized.unknown, 'unknown piece')} <unk> stand for {lost}, which no score counts: "
            "a tokenizer with byte fallback knows every character"
        )
    if tokenized.text_bytes - tokenized.counted_bytes != tokenized.unknown_bytes + tokenized.unknown_spaces:
        yield (
            f"a score counts {tokenized.counted_bytes:,} of these bytes: the tokenizer's normalizer changes the text, "
            "or documents begin with a space"
        )


def _check(args: argparse.Namespace) -> int:
    from golfcheck.datacheck import find_shards

    kinds = Counter[str]()
    for folder, shards in find_shards(args.dir).items():
        kinds += _check_dataset(folder, shards, args.tokenizer)
    counts = f"{kinds['bad']} bad, {counted(kinds['warning'], 'warning')}"
    is_clean = not kinds["bad"] and not kinds["warning"]
    print("no problems found in what was checked" if is_clean else counts, file=sys.stderr)
    return 1 if kinds["bad"] else 0


def _check_dataset(folder: Path, shards: list[Path], tokenizer: Path | None) -> Counter[str]:
    """Print the reports on a dataset; return how many lines there are of each kind."""
    from golfcheck.datacheck import ShardReport, SplitOverlap, check, find_tokenizer, vocab_of
    from golfcheck.datacheck.fingerprints import LEAST_TOKENS
    from golfcheck.datacheck.together import judge

    kinds = Counter[str]()

    def say(line: str) -> None:
        kinds[line.split(maxsplit=1)[0]] += 1
        clear()
        print(safe(line), flush=True)

    tokenizer = tokenizer or find_tokenizer(folder)
    if tokenizer is None:
        missing = "no matching tokenizer, so bytes are not counted and documents are not compared"
        say(f"skipped  {folder}: {missing}: use --tokenizer MODEL")
    read: list[ShardReport] = []
    overlap = None
    draw = progress(f"checking {folder.name}", "bytes", "data check")
    for report in check(tokenizer, shards, vocab_of(folder.name), progress=draw):
        if isinstance(report, ShardReport):
            read.append(report)
        if isinstance(report, SplitOverlap):
            overlap = report
        if overlap is None or not overlap.shared:  # else it is judged below
            say(report_line(report))
    if overlap is None and tokenizer is not None:
        say(f"skipped  {folder}: splits not compared: expected documents of {LEAST_TOKENS} or more tokens in both")
    for problem in judge(folder, shards, read, overlap):
        say(report_line(problem))
    return kinds


def report_line(report: "Report") -> str:
    """Return a report of `data check` as one line."""
    from golfcheck.datacheck import BadFile, DataWarning, SplitOverlap, TokenizerReport

    if isinstance(report, BadFile):
        return f"bad      {report.path}: {report.code}: {report.message}"
    if isinstance(report, DataWarning):
        return f"warning  {report.path}: {report.message}"
    if isinstance(report, SplitOverlap):
        compared = (
            f"none of the {report.validation:,} validation documents is among the {report.training:,} in training"
        )
        return f"ok       {report.path}  {compared}"
    if isinstance(report, TokenizerReport):
        source = f"= {report.known_as}" if report.known_as else "not one of the contest's"
        return f"ok       {report.path}  {report.pieces:,} pieces  sha256 {report.sha256} {source}"
    counts = counted(report.tokens, "token")
    if report.documents is not None and report.text_bytes is not None:
        ratio = f"{ratio_text(report.text_bytes / report.tokens)} bytes/token"
        counts += f"  {counted(report.documents, 'document')}  {report.text_bytes:,} bytes  {ratio}"
    shared = f"  {counted(report.shared, 'validation document')}" if report.shared else ""
    return f"ok       {report.path}  {counts}  highest token {report.top_token:,}{shared}"


def _environment(data_path: Path, tokenizer_path: Path, separator: str = "\n") -> str:
    paths = {"DATA_PATH": data_path, "TOKENIZER_PATH": tokenizer_path}
    return separator.join(f"{name}={shell_word(path)}" for name, path in paths.items())


def _next(command: str) -> None:
    print(f"next: {command}", file=sys.stderr)
