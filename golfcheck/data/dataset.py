"""Make token shards: a demonstration dataset from text that comes with Python, and shards of the user's text.

The layout is that of the contest's data: `OUT/datasets/NAME/fineweb_{train,val}_NNNNNN.bin` and
`OUT/tokenizers/NAME.model`.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golfcheck.core import sandbox
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.data.shardwriter import ShardWriter, shard_bytes
from golfcheck.data.stdlib_text import documents
from golfcheck.data.tokenizing import make_dataset
from golfcheck.reference.data import Tokens
from golfcheck.reference.files import write_atomic

DEMO_NAME = "demo_sp1024"
DEMO_VOCAB = 1024
DEMO_VAL_FRACTION = 0.05  # of the documents, about 60,000 tokens: a small model scores them in seconds
DEMO_SEED = 1337
_ENCODE_SECONDS = 60
_ENCODED_PER_SECOND = 100_000  # bytes of text: a twentieth of the measured speed
_MAX_TOKENS_PER_BYTE = 32  # of text: a ligature of 3 bytes becomes up to 18 letters
_MAX_BATCH_TOKENS = 1 << 28
_LINE_BYTES = 16 << 10
_COUNTS = ("documents", "tokens", "text_bytes", "counted_bytes", "unknown", "unknown_bytes", "unknown_spaces")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset on disk: what DATA_PATH and TOKENIZER_PATH must say, and the tokens of each split."""

    data_path: Path
    tokenizer_path: Path
    train_tokens: int
    val_tokens: int


def make_demo(out: Path) -> Dataset:
    """Write the demonstration dataset to `out`; the bytes depend only on the versions of Python and sentencepiece.

    Identical files are left alone. Raises UsageError if a file has other content.
    """
    model, tokens = make_dataset(documents(), DEMO_VOCAB, DEMO_VAL_FRACTION, DEMO_SEED)
    folder = out / "datasets" / DEMO_NAME
    tokenizer_path = out / "tokenizers" / "demo_1024_bpe.model"
    files = {folder / f"fineweb_{split}_000000.bin": shard_bytes(ids) for split, ids in tokens.items()}
    files[tokenizer_path] = model
    missing = {path: data for path, data in files.items() if not _holds(path, data)}
    for path, data in missing.items():
        write_atomic(path, data)
    return Dataset(folder, tokenizer_path, tokens["train"].size, tokens["val"].size)


def _holds(path: Path, data: bytes) -> bool:
    """Whether `path` exists with exactly these bytes; UsageError if it has others."""
    if not path.exists():
        return False
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return True
    raise UsageError(
        f"{path}: has different contents from what would be written: move it away, or choose another --out"
    )


@dataclass(frozen=True, slots=True)
class Tokenized:
    """The result of tokenizing; the byte counts differ if the tokenizer's normalizer changes the text."""

    shards: tuple[Path, ...]
    documents: int
    tokens: int
    text_bytes: int
    counted_bytes: int  # by the byte table, as a score counts them
    unknown: int  # <unk> pieces, each for one or more characters
    unknown_bytes: int  # of the text that they replace
    unknown_spaces: int  # spaces right after them, which a score does not count either


def tokenize_files(texts: Sequence[Path], model: Path, out: Path, split: str, shard_tokens: int) -> Tokenized:
    """Tokenize text files into shards of `shard_tokens` in `out`, in constant memory.

    A confined child process reads the texts and encodes them with the model's tables, in C++; this one only writes what
    it answers. On failure, nothing is left behind. Raises UsageError for text that cannot be read, and if the split
    already exists; GolfcheckError if the child dies.
    """
    if shards := sorted(out.glob(f"fineweb_{split}_*.bin")):
        raise UsageError(f"{shards[0]}: the {split} split has shards already: move them away, or choose another --out")
    size_bytes = sum(path.stat().st_size for path in texts if path.is_file())
    request = {
        "texts": [str(path) for path in texts],
        "model": str(model),
        "seconds": _ENCODE_SECONDS + size_bytes // _ENCODED_PER_SECOND,
    }
    counts = dict.fromkeys(_COUNTS, 0)
    with ShardWriter(out, split, shard_tokens) as writer:
        for fields, ids in _encoded(request, model):
            for name in _COUNTS:
                counts[name] += int(fields[name])
            if counts["tokens"] > _MAX_TOKENS_PER_BYTE * (size_bytes + 1):
                raise GolfcheckError(f"{model}: more than {_MAX_TOKENS_PER_BYTE} tokens for a byte of text")
            writer.add(ids)
        if not counts["tokens"]:
            raise UsageError(f"{', '.join(map(str, texts))}: no document in these files")
    return Tokenized(tuple(writer.paths), **counts)


def _encoded(request: dict[str, Any], model: Path) -> Iterator[tuple[dict[str, Any], Tokens]]:
    """Yield the batches of the child process: its counts, and its tokens [n]."""
    with (
        tempfile.TemporaryFile() as complaints,
        sandbox.started("golfcheck.data.encoder", request, complaints) as child,
    ):
        assert child.stdout is not None
        try:
            while line := child.stdout.readline(_LINE_BYTES):
                fields = json.loads(line)
                if error := fields.get("error"):
                    raise UsageError(str(error))
                tokens = min(int(fields["tokens"]), _MAX_BATCH_TOKENS)
                data = child.stdout.read(2 * tokens)
                if len(data) == 2 * tokens:  # otherwise it died: see below
                    yield fields, np.frombuffer(data, "<u2")
            status = child.wait()
        except (ValueError, KeyError, TypeError):
            raise GolfcheckError(f"{model}: TOK_CRASH: the process that encoded with it wrote no tokens") from None
        if status < 0:
            why = "took too long" if sandbox.is_out_of_time(status) else sandbox.manner(status)
            raise GolfcheckError(f"{model}: TOK_CRASH: the process that encoded with it {why}: do not use it")
        if status:
            last = sandbox.last_complaint(complaints)
            raise GolfcheckError(f"{model}: TOK_CRASH: the process that encoded with it failed: {last}")
