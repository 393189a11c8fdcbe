"""Making token shards: a demonstration set from text that is at hand, and shards of anybody's text.

Laid out like the contest's data: `OUT/datasets/NAME/fineweb_{train,val}_NNNNNN.bin` and `OUT/tokenizers/NAME.model`.
"""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from golfcheck.errors import UsageError
from golfcheck.stdlib_text import documents
from reference.bpb import ByteTable
from reference.data import Tokens, make_dataset, shard_bytes, shard_header, tokenize
from reference.files import write_atomic

DEMO_NAME = "demo_sp1024"
DEMO_VOCAB = 1024
DEMO_VAL_FRACTION = 0.05  # about 44,000 tokens: a small model scores them in seconds
DEMO_SEED = 1337
SEPARATOR = "<|endoftext|>"  # on a line of its own, as in other plain-text corpora
MAX_DOCUMENT_BYTES = 16 << 20
_BATCH_BYTES = 4 << 20  # of text, tokenized in one call


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset on disk: what DATA_PATH and TOKENIZER_PATH must say, and the tokens of each split."""

    data_path: Path
    tokenizer_path: Path
    train_tokens: int
    val_tokens: int


def make_demo(out: Path) -> Dataset:
    """Write the demonstration dataset under `out`: the same bytes each time with the same Python and sentencepiece.

    Raises UsageError where a file with other content stands; identical files are left alone.
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
    """Whether `path` is there with exactly these bytes; UsageError if it is there with others."""
    if not path.exists():
        return False
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return True
    raise UsageError(f"{path}: holds something else than would be written: move it away, or choose another --out")


@dataclass(frozen=True, slots=True)
class Tokenized:
    """What became of a text; the byte counts differ where the tokenizer's normalizer changed the text."""

    shards: tuple[Path, ...]
    documents: int
    tokens: int
    text_bytes: int
    counted_bytes: int  # by the byte table, as a score counts them


def tokenize_files(texts: Sequence[Path], model: Path, out: Path, split: str, shard_tokens: int) -> Tokenized:
    """Tokenize text files into shards of `shard_tokens` under `out`, in memory that does not grow with the text.

    Nothing is left when it fails. Raises UsageError for text that cannot be read, and where the split has shards.
    """
    import sentencepiece as spm

    if shards := sorted(out.glob(f"fineweb_{split}_*.bin")):
        raise UsageError(f"{shards[0]}: the {split} split has shards already: move them away, or choose another --out")
    tokenizer = spm.SentencePieceProcessor(model_proto=model.read_bytes())
    if tokenizer.bos_id() < 0:
        raise UsageError(f"{model}: has no begin-of-sequence piece, which stands before each document")
    table = ByteTable.from_tokenizer(tokenizer)
    document_count = token_count = text_bytes = counted_bytes = 0
    with ShardWriter(out, split, shard_tokens) as writer:
        for batch in _batches(texts):
            ids = tokenize(batch, tokenizer)  # [n], begun by a boundary piece, which is worth nothing
            writer.add(ids)
            document_count += len(batch)
            token_count += ids.size
            text_bytes += sum(len(text.encode()) for text in batch)
            counted_bytes += int(table.count(ids).sum())
        if not token_count:
            raise UsageError(f"{', '.join(map(str, texts))}: no document in there")
    return Tokenized(tuple(writer.paths), document_count, token_count, text_bytes, counted_bytes)


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


def read_documents(path: Path) -> Iterator[str]:
    """Yield the documents of a UTF-8 file, never more than one in memory; empty ones are left out.

    `.jsonl`: the string under "text" of each line. Anything else: plain text, in which a line `<|endoftext|>` ends a
    document; a file without one is one document. Raises UsageError naming file and line.
    """
    lines = _lines(path)
    found = _json_documents(path, lines) if path.suffix == ".jsonl" else _text_documents(path, lines)
    return (text for text in found if text)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line with its line end, and a byte order mark at the start taken away."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_DOCUMENT_BYTES + 1):
                number += 1
                if len(line) > MAX_DOCUMENT_BYTES:
                    raise UsageError(f"{path}:{number}: a line of more than {MAX_DOCUMENT_BYTES:,} bytes")
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{error.object[error.start]:02x} at column {error.start + 1}"
        raise UsageError(f"{path}:{number}: not UTF-8: {found}; convert the file to UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _text_documents(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    parts: list[str] = []
    size_bytes = 0
    for number, line in lines:
        if line.rstrip("\r\n") == SEPARATOR:
            yield "".join(parts).removesuffix("\n")
            parts, size_bytes = [], 0
            continue
        parts.append(line)
        size_bytes += len(line.encode())
        if size_bytes > MAX_DOCUMENT_BYTES:
            raise UsageError(
                f"{path}:{number}: a document of more than {MAX_DOCUMENT_BYTES:,} bytes: "
                f"put a line {SEPARATOR} between documents"
            )
    yield "".join(parts).removesuffix("\n")


def _json_documents(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
            text.encode()  # a lone surrogate is no text
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageError(
                f'{path}:{number}: expected a JSON object with its text as a string under "text"'
            ) from None
        yield text


class ShardWriter:
    """Writes tokens into numbered shards; they get their names when all is written, and an error leaves none."""

    def __init__(self, folder: Path, split: str, shard_tokens: int) -> None:
        self.paths: list[Path] = []
        self._folder, self._split, self._shard_tokens = folder, split, shard_tokens
        self._file: BinaryIO | None = None
        self._count = 0  # tokens in the open shard

    def __enter__(self) -> "ShardWriter":
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in self._folder.glob(f".fineweb_{self._split}_*.bin.partial"):  # of a writer that was killed
            stale.unlink()
        return self

    def add(self, tokens: Tokens) -> None:
        """Append tokens, starting new shards as they fill."""
        with self._room():
            while tokens.size:
                file = self._file or self._start()
                piece = tokens[: self._shard_tokens - self._count]
                file.write(piece.astype("<u2").tobytes())
                self._count += piece.size
                tokens = tokens[piece.size :]
                if self._count == self._shard_tokens:
                    self._finish()

    def _start(self) -> BinaryIO:
        """Open the next shard, with room for its header."""
        self.paths.append(self._folder / f"fineweb_{self._split}_{len(self.paths):06d}.bin")
        self._file = _partial(self.paths[-1]).open("wb")
        self._file.write(shard_header(0))
        self._count = 0
        return self._file

    def _finish(self) -> None:
        """Write the open shard's header, now that its count is known."""
        if self._file is not None:
            with self._file as file:
                self._file = None
                file.seek(0)
                file.write(shard_header(self._count))
                file.flush()
                os.fsync(file.fileno())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                with self._room():
                    self._finish()
                for path in self.paths:
                    _partial(path).replace(path)
        finally:
            if self._file is not None:
                with contextlib.suppress(OSError):  # of what is thrown away
                    self._file.close()
            for path in self.paths:
                _partial(path).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """Say in one line what a full disk lacks: what was written so far did not fit."""
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            need_bytes = (len(self.paths) - 1) * 2 * self._shard_tokens + 2 * self._count
            written_bytes = sum(_partial(path).stat().st_size for path in self.paths if _partial(path).exists())
            have_bytes = written_bytes + shutil.disk_usage(self._folder).free
            message = f"disk full: {self._folder} needs more than {need_bytes:,} bytes, has room for {have_bytes:,}"
            raise OSError(error.errno, f"{message}; nothing was kept") from None


def _partial(path: Path) -> Path:
    """Return the temporary name of a shard."""
    return path.with_name(f".{path.name}.partial")
