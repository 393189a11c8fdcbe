"""The child process of `datacheck`: reads what to check from stdin, writes one JSON line per file.

It limits its own memory, output and time, for a hostile file may make the code that reads it misbehave.
"""

import contextlib
import json
import resource
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from golfcheck.core.errors import Refused
from golfcheck.datacheck import MAX_PIECES, BadFile, Report
from golfcheck.datacheck.shards import check_shard
from golfcheck.datacheck.tokenizer import load_tokenizer

_MEMORY_BYTES = 4 << 30
_OUTPUT_BYTES = 1 << 20  # a library that complains without end
_LOAD_SECONDS = 60
_BYTES_PER_SECOND = 500_000  # of a shard: thirty times slower than measured


def main() -> None:
    """Check the files of the request, the tokenizer first."""
    request = json.load(sys.stdin)
    files = [Path(name) for name in request["files"]]
    vocab_size, decoder = request["vocab_size"], None
    _limit()
    if request["tokenizer"]:
        path = files.pop(0)
        signal.alarm(_LOAD_SECONDS)
        try:
            decoder, report = load_tokenizer(path, vocab_size)
        except Refused as refused:
            _say(BadFile(str(path), refused.code, refused.message))
            return
        _say(report)
        vocab_size = report.pieces
    for path in files:
        with contextlib.suppress(OSError):
            signal.alarm(_LOAD_SECONDS + path.stat().st_size // _BYTES_PER_SECOND)
        try:
            _say(check_shard(path, vocab_size or MAX_PIECES, decoder))
        except Refused as refused:
            _say(BadFile(str(path), refused.code, refused.message))
        except OSError as error:
            _say(BadFile(str(path), "FILE_ACCESS", error.strerror or str(error)))


def _limit() -> None:
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _OUTPUT_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # a system that lacks one, or has a lower one
            resource.setrlimit(kind, (most, most))


def _say(report: Report) -> None:
    print(json.dumps({"kind": type(report).__name__} | asdict(report)), flush=True)


if __name__ == "__main__":
    main()
