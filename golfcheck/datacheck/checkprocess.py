"""The child process of `datacheck`: reads what to check from stdin, writes one JSON line per file.

It opens all files, enters the sandbox, and only then parses, because a hostile file may take over the parser.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy.ma  # noqa: F401 - numpy imports it at first need, when no file can be opened any more

from golfcheck.core.errors import Refused
from golfcheck.core.sandbox import SandboxLimits, allow_open_files, confine
from golfcheck.datacheck import MAX_PIECES, BadFile, ShardReport, SplitOverlap, TokenizerReport
from golfcheck.datacheck.fingerprints import Fingerprints
from golfcheck.datacheck.shards import check_beginning, check_opened, open_shard
from golfcheck.datacheck.tokenizer import read_tokenizer, tokenizer_of

_MEMORY_BYTES = 4 << 30
_COMPLAINT_BYTES = 1 << 20  # for a library that prints endless warnings
_LOAD_SECONDS = 60
_BYTES_PER_SECOND = 500_000  # of a shard: thirty times slower than measured


def main() -> None:
    """Check the files of the request, the tokenizer first."""
    request = json.load(sys.stdin)
    paths = [Path(name) for name in request["files"]]
    vocab_size, decoder, model = request["vocab_size"], None, None
    if request["tokenizer"]:
        path = paths.pop(0)
        try:
            model = read_tokenizer(path)
        except Refused as refused:
            _say(BadFile(str(path), refused.code, refused.message))
            return
    allow_open_files()
    opened = [_open(path) for path in paths]
    sizes = [0 if isinstance(file, BadFile) else os.fstat(file.fileno()).st_size for file in opened]
    seconds = [_LOAD_SECONDS + size // _BYTES_PER_SECOND for size in sizes]
    confine(SandboxLimits(_MEMORY_BYTES, _LOAD_SECONDS + sum(seconds), _COMPLAINT_BYTES))
    if model is not None:
        signal.alarm(_LOAD_SECONDS)
        try:
            decoder, report = tokenizer_of(model, path, vocab_size)
        except Refused as refused:
            _say(BadFile(str(path), refused.code, refused.message))
            return
        _say(report)
        vocab_size = report.pieces
    fingerprints, done_bytes = Fingerprints(), 0

    def progress(count: int) -> None:
        _print("progress", {"done": done_bytes + 2 * count, "total": sum(sizes)})

    for path, file, size_bytes, limit_seconds in zip(paths, opened, sizes, seconds, strict=True):
        if isinstance(file, BadFile):
            _say(file)
            continue
        signal.alarm(limit_seconds)
        try:
            with file:
                if request["beginnings"] and decoder is not None:
                    count = check_beginning(file, vocab_size or MAX_PIECES, decoder)
                    _say(ShardReport(str(path), count, 0, "", None, None, None, None))
                else:
                    size = vocab_size or MAX_PIECES
                    _say(check_opened(file, path, size, decoder, fingerprints=fingerprints, progress=progress))
        except Refused as refused:
            _say(BadFile(str(path), refused.code, refused.message))
        except OSError as error:
            _say(BadFile(str(path), "FILE_ACCESS", error.strerror or str(error)))
        done_bytes += size_bytes
    if fingerprints.validation and fingerprints.training:
        _say(SplitOverlap("", fingerprints.validation, fingerprints.training, fingerprints.shared))


def _open(path: Path) -> BinaryIO | BadFile:
    try:
        return open_shard(path)
    except Refused as refused:
        return BadFile(str(path), refused.code, refused.message)
    except OSError as error:
        return BadFile(str(path), "FILE_ACCESS", error.strerror or str(error))


def _say(report: TokenizerReport | ShardReport | SplitOverlap | BadFile) -> None:
    _print(type(report).__name__, asdict(report))


def _print(kind: str, fields: dict[str, object]) -> None:
    print(json.dumps({"kind": kind} | fields), flush=True)
