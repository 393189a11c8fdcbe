"""`golfcheck data`: get, make and check tokenizers and token shards."""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from golfcheck.core.errors import GolfcheckError, MissingExtra, UsageError
from golfcheck.core.numbers import counted, ratio_text
from golfcheck.core.text import safe, shell_word

if TYPE_CHECKING:
    from golfcheck.datacheck import Report

HELP = "get, make and check tokenizers and token shards"
_CONTEST_REPOSITORY = "willdepueoai/parameter-golf"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="demo|get|tokenize|check")

    demo = commands.add_parser("demo", help="make a small dataset from English that every Python ships, offline")
    demo.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="where to (default: ./data)")
    demo.set_defaults(act=_demo, packages=("numpy", "sentencepiece"))

    get = commands.add_parser("get", help="download the contest's tokenizer and shards, or what is missing of them")
    get.add_argument("--variant", default="sp1024", help="the tokenizer's name in the dataset (default: sp1024)")
    get.add_argument(
        "--train-shards",
        type=int,
        default=1,
        metavar="N",
        help="how many training shards of 100 million tokens, 200 MB each (default: 1; the contest's runs use 80)",
    )
    get.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="where to (default: ./data)")
    get.add_argument(
        "--repo",
        default=_CONTEST_REPOSITORY,
        metavar="OWNER/NAME",
        help=f"the dataset on the Hugging Face hub, for variants published elsewhere (default: {_CONTEST_REPOSITORY})",
    )
    get.set_defaults(act=_get, packages=("numpy", "huggingface_hub"))

    tokenize = commands.add_parser(
        "tokenize",
        help="make shards of your own text",
        epilog='Text is UTF-8. In a .jsonl file each line is an object with its document under "text"; in any other, '
        "a line <|endoftext|> stands between documents, and a file without one is one document.",
    )
    tokenize.add_argument("--text", type=Path, nargs="+", required=True, metavar="FILE", help="the text, in order")
    tokenize.add_argument("--model", type=Path, required=True, metavar="TOKENIZER.model", help="a SentencePiece model")
    tokenize.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shards go")
    tokenize.add_argument("--split", choices=("train", "val"), default="train", help="which split (default: train)")
    tokenize.add_argument(
        "--shard-tokens", type=int, default=100_000_000, metavar="N", help="tokens per shard (default: 100,000,000)"
    )
    tokenize.set_defaults(act=_tokenize, packages=("numpy", "sentencepiece"))

    check = commands.add_parser("check", help="check shards and their tokenizer; exit code 1 when one is bad")
    check.add_argument("dir", type=Path, nargs="?", default=Path("data"), metavar="DIR", help="default: ./data")
    check.add_argument(
        "--tokenizer",
        type=Path,
        metavar="MODEL",
        help="default: the one in DIR/tokenizers that fits the dataset's name",
    )
    check.set_defaults(act=_check, packages=("numpy", "sentencepiece"))


def run(args: argparse.Namespace) -> int:
    """Run one subcommand; 1 when `check` found a bad file."""
    for package in args.packages:
        if find_spec(package) is None:
            raise MissingExtra("data", package, "train")
    try:
        return int(args.act(args))
    except ValueError as error:  # what the trainer's own reader says of a file
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
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    from golfcheck.data.dataset import tokenize_files
    from golfcheck.datacheck import BadFile, check

    if args.shard_tokens < 1:
        raise UsageError(f"data tokenize: --shard-tokens must be at least 1, not {args.shard_tokens}")
    for report in check(args.model, [], None):  # can it be loaded, and does it count right?
        if isinstance(report, BadFile):
            raise GolfcheckError(f"{report.path}: {report.code}: {report.message}")
    # Encoding runs the model's own tables, in C++: in a child process too.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            done = pool.submit(tokenize_files, args.text, args.model, args.out, args.split, args.shard_tokens).result()
        except BrokenProcessPool:
            raise GolfcheckError(
                f"{args.model}: TOK_CRASH: the process that encoded with it died: do not use it"
            ) from None
    print(
        f"documents {done.documents:,}, bytes {done.text_bytes:,} -> tokens {done.tokens:,} "
        f"in {counted(len(done.shards), 'shard')}, {ratio_text(done.text_bytes / done.tokens)} bytes per token",
        file=sys.stderr,
    )
    if done.counted_bytes != done.text_bytes:
        print(
            f"note: a score counts {done.counted_bytes:,} of these bytes: the tokenizer's normalizer changes the text, "
            "or documents begin with a space",
            file=sys.stderr,
        )
    for path in done.shards:
        print(path)
    _next(f"golfcheck data check {shell_word(args.out)} --tokenizer {shell_word(args.model)}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from golfcheck.datacheck import check, find_shards, find_tokenizer, vocab_of

    bad = 0
    for folder, shards in find_shards(args.dir).items():
        tokenizer = args.tokenizer or find_tokenizer(folder)
        if tokenizer is None:
            print(f"skipped  {safe(str(folder))}: no tokenizer for it found, so no bytes are counted: give --tokenizer")
        for report in check(tokenizer, shards, vocab_of(folder.name)):
            line = report_line(report)
            bad += line.startswith("bad")
            print(safe(line), flush=True)
    print(f"bad files: {bad}" if bad else "nothing wrong was found in what was checked", file=sys.stderr)
    return 1 if bad else 0


def report_line(report: "Report") -> str:
    """Return a report of `data check` as one line."""
    from golfcheck.datacheck import BadFile, TokenizerReport

    if isinstance(report, BadFile):
        return f"bad      {report.path}: {report.code}: {report.message}"
    if isinstance(report, TokenizerReport):
        source = f"= {report.known_as}" if report.known_as else "not one of the contest's"
        return f"ok       {report.path}  {report.pieces:,} pieces  sha256 {report.sha256} {source}"
    counts = f"{report.tokens:,} tokens"
    if report.documents is not None and report.text_bytes is not None:
        ratio = f"{ratio_text(report.text_bytes / report.tokens)} bytes/token"
        counts += f"  {report.documents:,} documents  {report.text_bytes:,} bytes  {ratio}"
    return f"ok       {report.path}  {counts}  highest token {report.top_token:,}"


def _environment(data_path: Path, tokenizer_path: Path, separator: str = "\n") -> str:
    paths = {"DATA_PATH": data_path, "TOKENIZER_PATH": tokenizer_path}
    return separator.join(f"{name}={shell_word(path)}" for name, path in paths.items())


def _next(command: str) -> None:
    print(f"next: {command}", file=sys.stderr)
