"""Make token shards: a demonstration dataset from text that comes with Python, and shards of the user's text.

The layout is that of the contest's data: `OUT/datasets/NAME/fineweb_{train,val}_NNNNNN.bin` and
`OUT/tokenizers/NAME.model`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from golfcheck.core.errors import UsageError
from golfcheck.data.shardwriter import ShardWriter, shard_bytes
from golfcheck.data.stdlib_text import documents
from golfcheck.data.textfiles import read_documents
from golfcheck.data.tokenizing import make_dataset, tokenize
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.files import write_atomic

DEMO_NAME = "demo_sp1024"
DEMO_VOCAB = 1024
DEMO_VAL_FRACTION = 0.05  # of the documents, about 60,000 tokens: a small model scores them in seconds
DEMO_SEED = 1337
_BATCH_BYTES = 4 << 20  # of text, tokenized in one call


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

    On failure, nothing is left behind. Raises UsageError for text that cannot be read, and if the split already exists.
    """
    import sentencepiece as spm

    if shards := sorted(out.glob(f"fineweb_{split}_*.bin")):
        raise UsageError(f"{shards[0]}: the {split} split has shards already: move them away, or choose another --out")
    tokenizer = spm.SentencePieceProcessor(model_proto=model.read_bytes())
    if tokenizer.bos_id() < 0:
        raise UsageError(f"{model}: has no begin-of-sequence piece, which must come before each document")
    table = ByteTable.from_tokenizer(tokenizer)
    document_count = token_count = text_bytes = counted_bytes = unknown = unknown_bytes = unknown_spaces = 0
    with ShardWriter(out, split, shard_tokens) as writer:
        for batch in _batches(texts):
            ids = tokenize(batch, tokenizer)  # [n], beginning with a boundary piece, which has no bytes
            writer.add(ids)
            document_count += len(batch)
            token_count += ids.size
            text_bytes += sum(len(text.encode()) for text in batch)
            counted_bytes += int(table.count(ids).sum())
            is_unknown = ids == tokenizer.unk_id()
            if count := int(np.count_nonzero(is_unknown)):
                unknown += count
                unknown_bytes += sum(_unknown_bytes(text, tokenizer) for text in batch)
                unknown_spaces += int(np.count_nonzero(table.leading_space[ids[1:]] & is_unknown[:-1]))
        if not token_count:
            raise UsageError(f"{', '.join(map(str, texts))}: no document in these files")
    lost = unknown, unknown_bytes, unknown_spaces
    return Tokenized(tuple(writer.paths), document_count, token_count, text_bytes, counted_bytes, *lost)


def _unknown_bytes(text: str, tokenizer: Any) -> int:
    """Return how many bytes of a text became unknown pieces."""
    pieces = zip(tokenizer.encode(text), tokenizer.encode(text, out_type=str), strict=True)
    return sum(len(piece.encode()) for i, piece in pieces if i == tokenizer.unk_id())  # such a piece is its own text


def _batches(texts: Sequence[Path]) -> Iterator[list[str]]:
    """Group the documents of all files into batches of a few MiB."""
    batch: list[str] = []
    size_bytes = 0
    for path in texts:
        for text in read_documents(path):
            batch.append(text)
            size_bytes += len(text)
            if size_bytes >= _BATCH_BYTES:
                yield batch
                batch, size_bytes = [], 0
    if batch:
        yield batch
