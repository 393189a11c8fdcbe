"""The child process of `data tokenize`: reads its request from stdin, writes batches of tokens to stdout.

It opens all files, enters the sandbox, and only then reads them, because a hostile text or model may take over the
parser. Each batch is a line of JSON, then its tokens as 16-bit little-endian numbers.
"""

import codecs
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.ma
import sentencepiece as spm

from golfcheck.core.errors import UsageError
from golfcheck.core.namedfile import open_named, read_named
from golfcheck.core.sandbox import SandboxLimits, allow_open_files, confine
from golfcheck.data.textfiles import read_documents
from golfcheck.data.tokenizing import tokenize
from golfcheck.reference.bpb import ByteTable

_MAX_MODEL_BYTES = 2 << 20  # `data check`, which comes first, accepts no larger one
_MEMORY_BYTES = 8 << 30
_COMPLAINT_BYTES = 1 << 20  # for a library that prints endless warnings
_BATCH_BYTES = 4 << 20  # of text


def main() -> None:
    """Tokenize the files of the request; an error that the user can mend is the last line."""
    request = json.load(sys.stdin)
    codecs.lookup("utf-8-sig")  # like numpy.ma, it is imported at first need, when no file can be opened any more
    allow_open_files()
    try:
        model = Path(request["model"])
        proto = read_named(model, _MAX_MODEL_BYTES, "a SentencePiece model")
        texts = [(Path(name), open_named(Path(name), "a text file")) for name in request["texts"]]
        confine(SandboxLimits(_MEMORY_BYTES, request["seconds"], _COMPLAINT_BYTES))
        tokenizer = spm.SentencePieceProcessor(model_proto=proto)
        if tokenizer.bos_id() < 0:
            _say({"error": f"{model}: has no begin-of-sequence piece, which must come before each document"})
            return
        table = ByteTable.from_tokenizer(tokenizer)
        for batch in _batches(texts):
            _write_batch(batch, tokenizer, table)
    except UsageError as error:
        _say({"error": str(error)})


def _write_batch(batch: Sequence[str], tokenizer: Any, table: ByteTable) -> None:
    ids = tokenize(batch, tokenizer)  # [n], beginning with a boundary piece, which has no bytes
    is_unknown = ids == tokenizer.unk_id()
    unknown = int(np.count_nonzero(is_unknown))
    _say(
        {
            "documents": len(batch),
            "tokens": ids.size,
            "text_bytes": sum(len(text.encode()) for text in batch),
            "counted_bytes": int(table.count(ids).sum()),
            "unknown": unknown,
            "unknown_bytes": sum(_unknown_bytes(text, tokenizer) for text in batch) if unknown else 0,
            "unknown_spaces": int(np.count_nonzero(table.leading_space[ids[1:]] & is_unknown[:-1])),
        }
    )
    sys.stdout.buffer.write(ids.astype("<u2").tobytes())
    sys.stdout.buffer.flush()


def _say(fields: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(fields).encode() + b"\n")
    sys.stdout.buffer.flush()


def _unknown_bytes(text: str, tokenizer: Any) -> int:
    """Return how many bytes of a text became unknown pieces."""
    pieces = zip(tokenizer.encode(text), tokenizer.encode(text, out_type=str), strict=True)
    return sum(len(piece.encode()) for i, piece in pieces if i == tokenizer.unk_id())  # such a piece is its own text


def _batches(texts: Sequence[tuple[Path, BinaryIO]]) -> Iterator[list[str]]:
    """Group the documents of all files into batches of a few MiB."""
    batch: list[str] = []
    size_bytes = 0
    for path, file in texts:
        for text in read_documents(path, file):
            batch.append(text)
            size_bytes += len(text)
            if size_bytes >= _BATCH_BYTES:
                yield batch
                batch, size_bytes = [], 0
    if batch:
        yield batch
