"""The child process of `datacheck`: reads what to check from stdin, writes one JSON line per file.

It limits its own memory, output and time, for a hostile file may make the code that reads it misbehave.
"""

import contextlib
import hashlib
import json
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golfcheck.datacheck import MAX_PIECES, MAX_TOKENIZER_BYTES, BadFile, Report, ShardReport, TokenizerReport
from golfcheck.errors import Refused
from reference.bpb import ByteTable
from reference.data import HEADER_BYTES, MAGIC, VERSION, Tokens

_MEMORY_BYTES = 4 << 30
_OUTPUT_BYTES = 1 << 20  # a library that complains without end
_LOAD_SECONDS = 60
_BYTES_PER_SECOND = 500_000  # of a shard: thirty times slower than measured
_BLOCK_TOKENS = 1 << 20
_LOOK_BACK_TOKENS = 4096
_MAX_CHARACTER_BYTES = 4


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


class Decoder:
    """A tokenizer's two ways to count the bytes of tokens: the byte table, and the text that they decode to."""

    def __init__(self, tokenizer: Any, table: ByteTable) -> None:
        self.tokenizer, self.table = tokenizer, table
        self.byte_of = np.full(table.worth.size, -1, np.int16)  # the byte of a byte piece
        for i in range(table.worth.size):
            if tokenizer.is_byte(i):
                self.byte_of[i] = int(tokenizer.id_to_piece(i)[3:5], 16)
        # A score does not count the space that a text begins with. Some tokenizers decode it, some drop it.
        marked = np.flatnonzero(table.leading_space & (table.worth > 0))
        self.keeps_space = bool(marked.size) and tokenizer.decode([int(marked[0])]).startswith(" ")

    def counted(self, tokens: Tokens) -> npt.NDArray[np.int64]:
        """Return the bytes of each token by the table, as if a boundary stood before the first [n] -> [n]."""
        after_boundary = np.concatenate([[True], self.table.boundary[tokens[:-1]]])
        size_bytes = self.table.worth[tokens].astype(np.int64)
        size_bytes += self.table.leading_space[tokens] & ~after_boundary
        return size_bytes

    def decoded(self, fragments: list[Tokens]) -> list[int]:
        """Return the bytes of the text of each fragment, less the space that it begins with."""
        texts = self.tokenizer.decode([fragment.tolist() for fragment in fragments])
        spaces = [
            self.keeps_space and fragment.size > 0 and bool(self.table.leading_space[fragment[0]])
            for fragment in fragments
        ]
        return [len(text.encode()) - space for text, space in zip(texts, spaces, strict=True)]


def load_tokenizer(path: Path, vocab_size: int | None) -> tuple[Decoder, TokenizerReport]:
    """Load a SentencePiece model; Refused unless every piece decodes to the bytes that the table says."""
    import sentencepiece as spm

    if not path.is_file():
        raise Refused("FILE_TYPE", "expected a SentencePiece model, found no regular file")
    with path.open("rb") as file:
        data = file.read(MAX_TOKENIZER_BYTES + 1)
    if not data:
        raise Refused("TOK_EMPTY", "expected a SentencePiece model, found an empty file")
    if len(data) > MAX_TOKENIZER_BYTES:
        raise Refused("FILE_TOO_BIG", f"more than the {MAX_TOKENIZER_BYTES:,} bytes that a tokenizer may have")
    try:
        tokenizer = spm.SentencePieceProcessor(model_proto=data)
        size = tokenizer.vocab_size()
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise Refused("TOK_PARSE", f"not a SentencePiece model that can be used: {reason}") from None
    if size > MAX_PIECES:
        raise Refused("TOK_VOCAB", f"{size:,} pieces, but tokens of 16 bits name at most {MAX_PIECES:,}")
    if vocab_size is not None and size != vocab_size:
        raise Refused("TOK_VOCAB", f"expected {vocab_size:,} pieces, as the dataset's name says, found {size:,}")
    for i in range(size):
        try:
            tokenizer.id_to_piece(i)
        except UnicodeDecodeError:
            raise Refused("TOK_PIECE", f"piece {i} is not UTF-8") from None
        if not np.isfinite(tokenizer.get_score(i)):
            raise Refused("TOK_PARSE", f"piece {i} has the score {tokenizer.get_score(i)}")
    table = ByteTable.from_tokenizer(tokenizer)
    if not table.boundary.any() or not table.worth.any():
        raise Refused("TOK_PIECE", "expected a control or unknown piece and pieces of text, found only one kind")
    decoder = Decoder(tokenizer, table)
    _check_pieces(decoder)
    return decoder, TokenizerReport(str(path), hashlib.sha256(data).hexdigest(), size)


def _check_pieces(decoder: Decoder) -> None:
    """Decode every piece of text after another one; Refused where it is worth other bytes than it decodes to."""
    plain = np.flatnonzero((decoder.table.worth > 0) & (decoder.byte_of < 0))
    if not plain.size:
        return  # bytes only: nothing but shards can tell
    pairs = [np.array([plain[0], i], np.uint16) for i in plain]
    alone = decoder.decoded([np.array([plain[0]], np.uint16)])[0]
    expected = decoder.table.worth + decoder.table.leading_space
    for i, size_bytes in zip(plain.tolist(), decoder.decoded(pairs), strict=True):
        if size_bytes - alone != expected[i]:
            piece = decoder.tokenizer.id_to_piece(i)
            found = f"decodes to {size_bytes - alone} bytes, but a score counts {expected[i]}"
            raise Refused("TOK_BYTES", f"piece {i} {piece!r} {found}")


def check_shard(path: Path, vocab_size: int, decoder: Decoder | None) -> ShardReport:
    """Read a shard in blocks; Refused at the first thing that is wrong, with its offset in the file."""
    count = _check_header(path)
    before = start = documents = text_bytes = top = 0
    for block, is_whole in _blocks(path, count, vocab_size, decoder):
        top = max(top, int(block.max()))
        if decoder is not None:
            documents += _compare(decoder, block, start, documents, is_whole)
            text_bytes += int(decoder.counted(block).sum())
            if start and not decoder.table.boundary[before]:  # the space at a cut inside a document
                text_bytes += int(decoder.table.leading_space[block[0]])
        before, start = block[-1], start + block.size
    if decoder is None:
        return ShardReport(str(path), count, top, None, None)
    return ShardReport(str(path), count, top, documents, text_bytes)


def _check_header(path: Path) -> int:
    """Return the number of tokens in a shard; Refused unless header and size agree."""
    if not path.is_file():
        raise Refused("SHARD_TYPE", "expected a shard, found no regular file")
    size_bytes = path.stat().st_size
    if size_bytes < HEADER_BYTES:
        raise Refused("SHARD_HEADER", f"expected a header of {HEADER_BYTES:,} bytes, found a file of {size_bytes:,}")
    with path.open("rb") as file:
        magic, version, count = np.frombuffer(file.read(12), "<i4").tolist()
    if magic != MAGIC:
        raise Refused("SHARD_MAGIC", f"byte 0: expected the number {MAGIC}, found {magic}: not a token shard")
    if version != VERSION:
        raise Refused("SHARD_VERSION", f"byte 4: expected version {VERSION}, found {version}")
    if count < 0:
        raise Refused("SHARD_COUNT", f"byte 8: expected a number of tokens, found {count}")
    if size_bytes != HEADER_BYTES + 2 * count:
        expected = f"{HEADER_BYTES + 2 * count:,} bytes, for byte 8 announces {count:,} tokens"
        raise Refused("SHARD_SIZE", f"expected {expected}, found {size_bytes:,} bytes")
    if count == 0:
        raise Refused("SHARD_EMPTY", "byte 8: expected at least one token, found 0")
    return int(count)


def _blocks(path: Path, count: int, vocab_size: int, decoder: Decoder | None) -> Iterator[tuple[Tokens, bool]]:
    """Yield all tokens in blocks, and whether a block ends with a document; most do, the last is not known to."""
    left = np.empty(0, np.uint16)
    with path.open("rb") as file:
        file.seek(HEADER_BYTES)
        for start in range(0, count, _BLOCK_TOKENS):
            size = min(_BLOCK_TOKENS, count - start)
            fresh = np.frombuffer(file.read(2 * size), "<u2")
            if fresh.size != size:
                raise Refused("SHARD_SIZE", "the file became shorter while it was read")
            if fresh.max() >= vocab_size:
                i = int((fresh >= vocab_size).argmax())
                where = f"byte {HEADER_BYTES + 2 * (start + i):,} (token {start + i:,})"
                raise Refused("SHARD_TOKEN_RANGE", f"{where}: expected a token below {vocab_size:,}, found {fresh[i]}")
            block = np.concatenate([left, fresh])
            cut, is_whole = block.size, False
            if decoder is not None and start + size < count:
                cut, is_whole = _cut(decoder, block)
            yield block[:cut], is_whole
            left = block[cut:]


def _cut(decoder: Decoder, block: Tokens) -> tuple[int, bool]:
    """Return where a document begins last, and True; in a document without end, a place between words, and False."""
    starts = np.flatnonzero(decoder.table.boundary[block])
    if starts.size and starts[-1] > 0:
        return int(starts[-1]), True
    tail = block[-_LOOK_BACK_TOKENS:]
    inner = np.flatnonzero((decoder.byte_of[tail] < 0) & ~decoder.table.leading_space[tail])
    cut = block.size - tail.size + int(inner[-1]) if inner.size else block.size
    return cut or block.size, False


def _compare(decoder: Decoder, block: Tokens, start: int, documents: int, is_whole: bool) -> int:
    """Compare both counts for each document of a block, and return how many begin in it; Refused at a difference.

    `start` is the block's place in the shard, `documents` how many began before it.
    """
    boundary = decoder.table.boundary
    starts = np.flatnonzero(boundary[block])
    edges = np.unique(np.concatenate([[0], starts]))  # [fragments]
    fragments = np.split(block, edges[1:])
    texts = [fragment[int(boundary[fragment[0]]) :] for fragment in fragments]
    by_table = np.add.reduceat(decoder.counted(block), edges)  # [fragments]
    by_text = np.array(decoder.decoded(texts))  # [fragments]
    for i in np.flatnonzero(by_table != by_text).tolist():
        # A shard may begin and end in the middle of a character.
        cut_front, cut_back = i == 0 and not boundary[block[0]], i == len(texts) - 1 and not is_whole
        text = _whole_characters(decoder, texts[i], cut_front, cut_back)
        table_bytes, text_bytes = int(decoder.counted(text).sum()), decoder.decoded([text])[0]
        if table_bytes != text_bytes:
            first = start + int(edges[i])
            last = first + len(fragments[i]) - 1
            number = documents + int(np.searchsorted(starts, edges[i], "right"))
            where = f"byte {HEADER_BYTES + 2 * first:,}: document {number:,} (tokens {first:,} to {last:,})"
            found = f"expected the {table_bytes:,} bytes that a score counts, found {text_bytes:,} in its decoded text"
            raise Refused("SHARD_BYTES", f"{where}: {found}{_why(decoder, text)}")
    return int(starts.size)


def _why(decoder: Decoder, text: Tokens) -> str:
    """Say whether the byte pieces among the tokens form no valid UTF-8."""
    runs = np.where(decoder.byte_of[text] >= 0, decoder.byte_of[text], ord(" ")).astype(np.uint8)
    try:
        runs.tobytes().decode()
    except UnicodeDecodeError as error:
        return f"; its byte pieces form no valid UTF-8 from token {error.start} of the document on"
    return ""


def _whole_characters(decoder: Decoder, text: Tokens, front: bool, back: bool) -> Tokens:
    """Take away the byte pieces of a character that was cut in two, at the front, at the back."""
    if front:
        head = decoder.byte_of[text[: _MAX_CHARACTER_BYTES - 1]]
        text = text[int(np.argmin(np.append((head & 0xC0 == 0x80) & (head >= 0), False))) :]
    if back:
        for size in range(1, min(_MAX_CHARACTER_BYTES, text.size + 1)):
            lead = int(decoder.byte_of[text[-size]])
            needs = 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)
            if needs > size:
                return text[:-size]
            if lead & 0xC0 != 0x80:
                break
    return text


if __name__ == "__main__":
    main()
