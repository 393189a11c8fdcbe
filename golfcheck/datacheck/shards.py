"""A token shard, read in blocks: its header, its tokens, and the bytes of each document. Runs in the child process."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from golfcheck.core.errors import Refused
from golfcheck.core.gitlfs import POINTER_BYTES, pointer
from golfcheck.datacheck import ShardReport
from golfcheck.datacheck.find import split_of
from golfcheck.datacheck.fingerprints import Fingerprints, Prints
from golfcheck.datacheck.tokenizer import TokenDecoder
from golfcheck.reference.data import HEADER_BYTES, MAGIC, VERSION, Tokens

_BLOCK_TOKENS = 1 << 20
_ORIGIN_TOKENS, _LEAST_ORIGIN_TOKENS = 1 << 15, 256
_LEAST_KEPT = 0.5  # of the tokens, by the right tokenizer: measured 1.0; another one keeps fewer (tests/golfcheck/data)
_LOOK_BACK_TOKENS = 4096
_MAX_CHARACTER_BYTES = 4


def open_shard(path: Path) -> BinaryIO:
    """Open a shard; Refused (SHARD_TYPE) for anything but a regular file."""
    if not path.exists():
        raise Refused("SHARD_TYPE", "expected a shard, not a regular file")
    # Without blocking, since a path may name a pipe.
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Refused("SHARD_TYPE", "expected a shard, not a regular file")
    return file


def check_beginning(file: BinaryIO, vocab_size: int, decoder: TokenDecoder) -> int:
    """Return the number of tokens in an open shard, of which only the first are read; Refused as by `check_opened`."""
    count = _check_header(file)
    _check_origin(decoder, next(_blocks(file, min(count, _ORIGIN_TOKENS), vocab_size, None))[0])
    return count


def check_opened(
    file: BinaryIO,
    path: Path,
    vocab_size: int,
    decoder: TokenDecoder | None,
    *,
    fingerprints: Fingerprints | None = None,
    progress: Callable[[int], object] = lambda _count: None,
) -> ShardReport:
    """Read an open shard in blocks; Refused at the first error, with its offset in the file.

    The documents of a validation shard are added to `fingerprints`, those of a training shard are looked up in it.
    `progress` is called with the number of tokens read so far.
    """
    count = _check_header(file) if decoder is None else check_beginning(file, vocab_size, decoder)
    digest = hashlib.blake2b(digest_size=16)
    before = start = text_bytes = top = begun = ended = unknown = shared = 0
    for block, is_whole in _blocks(file, count, vocab_size, decoder):
        digest.update(block.tobytes())
        top = max(top, int(block.max()))
        if decoder is not None:
            _compare(decoder, block, start, begun or ended, is_whole)
            begun += int(np.count_nonzero(block == decoder.begin_id))
            ended += int(np.count_nonzero(decoder.is_control[block]))
            unknown += int(np.count_nonzero(block == decoder.unknown_id))
            text_bytes += int(decoder.counted(block).sum())
            if start and not decoder.table.boundary[before]:  # the space at a cut inside a document
                text_bytes += int(decoder.table.leading_space[block[0]])
            if fingerprints is not None:
                shared += _share(fingerprints, fingerprints.of(block, decoder.is_control), split_of(path))
        before, start = block[-1], start + block.size
        progress(start)
    if decoder is None:
        return ShardReport(str(path), count, top, digest.hexdigest(), None, None, None, None)
    # If no document begins with the begin-of-sequence piece, another control piece separates them.
    documents = begun or ended
    return ShardReport(str(path), count, top, digest.hexdigest(), documents, text_bytes, unknown, shared)


def _share(fingerprints: Fingerprints, prints: Prints, split: str) -> int:
    """Add the documents of a validation shard; return how many of a training shard are validation documents."""
    if split == "train":
        return fingerprints.count_shared(prints)
    fingerprints.add_validation(prints)
    return 0


def _check_origin(decoder: TokenDecoder, tokens: Tokens) -> None:
    """Refuse a shard (TOK_DATA) whose documents, decoded and encoded again, give other tokens.

    With another tokenizer of the same size, a shard decodes to other text, and every score counts wrong bytes.
    """
    edges = np.flatnonzero(decoder.table.boundary[tokens])
    documents = [document[1:] for document in np.split(tokens, edges)[1:]]  # before the first edge may be half a word
    total = same = 0
    for document in documents:
        again = decoder.encoded(decoder.tokenizer.decode(document.tolist()))
        differs = [i for i, (ours, theirs) in enumerate(zip(document.tolist(), again, strict=False)) if ours != theirs]
        total += document.size
        same += differs[0] if differs else min(document.size, len(again))  # the last document may be cut in a word
    if total >= _LEAST_ORIGIN_TOKENS and same < _LEAST_KEPT * total:
        expected = f"expected the first {total:,} tokens to come back when they are decoded and encoded again"
        raise Refused("TOK_DATA", f"not made with this tokenizer: {expected}, found {same:,} of them")


def _check_header(file: BinaryIO) -> int:
    """Return the number of tokens in a shard; Refused unless header and size agree."""
    size_bytes = os.fstat(file.fileno()).st_size
    if problem := pointer(file.read(POINTER_BYTES)):
        raise Refused("SHARD_LFS", problem)
    file.seek(0)
    if size_bytes < HEADER_BYTES:
        raise Refused("SHARD_HEADER", f"expected a header of {HEADER_BYTES:,} bytes, found a file of {size_bytes:,}")
    magic, version, count = np.frombuffer(file.read(12), "<i4").tolist()
    if magic != MAGIC:
        raise Refused("SHARD_MAGIC", f"byte 0: expected the number {MAGIC}, found {magic}: not a token shard")
    if version != VERSION:
        raise Refused("SHARD_VERSION", f"byte 4: expected version {VERSION}, found {version}")
    if count < 0:
        raise Refused("SHARD_COUNT", f"byte 8: expected a number of tokens, found {count}")
    if size_bytes != HEADER_BYTES + 2 * count:
        expected = f"{HEADER_BYTES + 2 * count:,} bytes, because byte 8 announces {count:,} tokens"
        raise Refused("SHARD_SIZE", f"expected {expected}, found {size_bytes:,} bytes")
    if count == 0:
        raise Refused("SHARD_EMPTY", "byte 8: expected at least one token, found 0")
    return int(count)


def _blocks(file: BinaryIO, count: int, vocab_size: int, decoder: TokenDecoder | None) -> Iterator[tuple[Tokens, bool]]:
    """Yield all tokens in blocks, and whether the block ends with a document; most do, the last one is unknown."""
    left = np.empty(0, np.uint16)
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


def _cut(decoder: TokenDecoder, block: Tokens) -> tuple[int, bool]:
    """Return the start of the last document, and True; in a very long document, a position between words, and False."""
    starts = np.flatnonzero(decoder.is_control[block])
    if starts.size and starts[-1] > 0:
        return int(starts[-1]), True
    tail = block[-_LOOK_BACK_TOKENS:]
    inner = np.flatnonzero((decoder.byte_of[tail] < 0) & ~decoder.table.leading_space[tail])
    cut = block.size - tail.size + int(inner[-1]) if inner.size else block.size
    return cut or block.size, False


def _compare(decoder: TokenDecoder, block: Tokens, start: int, documents: int, is_whole: bool) -> None:
    """Compare both counts for each text between boundaries in a block; Refused if they differ.

    `start` is the block's first token in the shard, `documents` how many began before it.
    """
    boundary = decoder.table.boundary
    edges = np.unique(np.append(np.flatnonzero(boundary[block]), 0))  # [fragments]
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
            number = documents + int(np.count_nonzero(decoder.is_control[block[: edges[i] + 1]]))
            where = f"byte {HEADER_BYTES + 2 * first:,}: document {number:,} (tokens {first:,} to {last:,})"
            problem = (
                f"expected the {table_bytes:,} bytes that a score counts, found {text_bytes:,} in its decoded text"
            )
            raise Refused("SHARD_BYTES", f"{where}: {problem}{_why(decoder, text)}")


def _why(decoder: TokenDecoder, text: Tokens) -> str:
    """Return an explanation if the byte pieces among the tokens are not valid UTF-8; else ""."""
    runs = np.where(decoder.byte_of[text] >= 0, decoder.byte_of[text], ord(" ")).astype(np.uint8)
    try:
        runs.tobytes().decode()
    except UnicodeDecodeError as error:
        return f"; its byte pieces form no valid UTF-8 from token {error.start} of the document on"
    return ""


def _whole_characters(decoder: TokenDecoder, text: Tokens, front: bool, back: bool) -> Tokens:
    """Remove the byte pieces of a character that is cut in two at the front or back."""
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
