"""Token shards, and the endless stream that training reads; only numpy in here.

A shard is 256 little-endian int32 header words (magic, version, token count, zeros) and then uint16 tokens.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import InitVar, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

MAGIC = 20240520
VERSION = 1
HEADER_BYTES = 256 * 4

READER = ThreadPoolExecutor(4)  # of shards, and of steps (3 at most, after a resumption), which wait for shards
Tokens = npt.NDArray[np.uint16]


def shard_tokens(path: Path) -> int:
    """Return the number of tokens that the header of `path` announces, checked against the file's size."""
    size_bytes = path.stat().st_size
    magic, version, count = [*np.fromfile(path, "<i4", 3).tolist(), 0, 0, 0][:3]  # of a shorter file, zeros
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"{path}: not a token shard: magic {magic} version {version}, not {MAGIC} and {VERSION}")
    if count <= 0:
        raise ValueError(f"{path}: its header announces {count} tokens; a shard holds at least one")
    if size_bytes != HEADER_BYTES + 2 * count:
        raise ValueError(f"{path}: {size_bytes:,} bytes, but {count:,} tokens make {HEADER_BYTES + 2 * count:,}")
    return count


def read_shard(path: Path, vocab_size: int) -> Tokens:
    """Return the tokens of `path` [n]; ValueError unless the file is whole and every token is in the vocabulary."""
    # A token that the vocabulary lacks would read past the embedding's end, on a GPU without any message.
    count = shard_tokens(path)
    tokens = np.fromfile(path, "<u2", count, offset=HEADER_BYTES)  # a map would kill us where the file shrinks
    if tokens.size != count:
        raise ValueError(f"{path}: changed while it was read: {tokens.size:,} of {count:,} tokens")
    if tokens[at := int(tokens.argmax())] >= vocab_size:
        raise ValueError(f"{path}: token {tokens[at]} at position {at:,}, but the vocabulary has {vocab_size} pieces")
    return tokens


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the shards of a split ("train" or "val") in the order in which they are read."""
    paths = sorted(folder.glob(f"fineweb_{split}_*.bin"))
    if not paths:
        remedy = "set DATA_PATH, or make some: golfcheck data demo, golfcheck data get"
        raise FileNotFoundError(f"no shards {folder}/fineweb_{split}_*.bin: {remedy}")
    return paths


def read_validation(paths: Sequence[Path], seq_len: int, vocab_size: int) -> Tokens:
    """Return all validation tokens, cut so that whole sequences and the last target remain [seqs * seq_len + 1]."""
    tokens = np.concatenate([read_shard(path, vocab_size) for path in paths])  # [n]
    # What is left over is no whole sequence. It is not scored, by anybody: all scores are of the same tokens.
    seqs = (tokens.size - 1) // seq_len
    if seqs < 1:
        raise ValueError(f"{paths[0].parent}: {tokens.size} validation tokens make no sequence of {seq_len}")
    return tokens[: seqs * seq_len + 1]


def digest(paths: Sequence[Path]) -> str:
    """Return the sha256 of what `sha256sum FILES` prints inside their folder: one number for a whole split."""
    with ThreadPoolExecutor() as pool:  # hashing releases the interpreter's lock
        sums = pool.map(sha256, paths)
        listing = "".join(f"{sum_}  {path.name}\n" for sum_, path in zip(sums, paths, strict=True))
    return hashlib.sha256(listing.encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return a file's digest in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class TokenStream:
    """The training tokens, for ever, each shard read ahead; ValueError if the shards do not have the first `place`.

    `before` is a stream of the same shards that is no longer read: it may have the first one in memory.
    """

    paths: Sequence[Path]
    vocab_size: int
    place: tuple[int, int] = (0, 0)
    before: "InitVar[TokenStream | None]" = None

    def __post_init__(self, before: "TokenStream | None") -> None:
        shard, offset = self.place
        if before is not None and before.place[0] == shard:
            self._enter(before._tokens, shard, offset)
        elif shard < len(self.paths):
            self._enter(read_shard(self.paths[shard], self.vocab_size), shard, offset)
        if shard >= len(self.paths) or not 0 <= offset < self._tokens.size:
            raise ValueError(f"{self.paths[0].parent}: no token {offset:,} in shard {shard}: is this other data?")

    def take(self, count: int) -> Tokens:
        """Return the next `count` tokens [count]."""
        # Shards are joined end to end, so a step may take the last tokens of one and the first of the next.
        pieces = []
        while count > 0:
            shard, offset = self.place
            piece = self._tokens[offset : offset + count]
            pieces.append(piece)
            count -= piece.size
            self.place = shard, offset + piece.size
            if offset + piece.size == self._tokens.size:
                tokens = self._next.result() if len(self.paths) > 1 else self._tokens
                self._enter(tokens, (shard + 1) % len(self.paths), 0)
        return np.concatenate(pieces)

    def _enter(self, tokens: Tokens, shard: int, offset: int) -> None:
        self._tokens = tokens
        self.place = (shard, offset)
        if len(self.paths) > 1:  # a lone shard comes again as it is
            self._next = READER.submit(read_shard, self.paths[(shard + 1) % len(self.paths)], self.vocab_size)
