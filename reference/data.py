"""Token shards, the endless stream that training reads from them, and the batches of one rank."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

# A shard is 256 little-endian int32 words (magic, version, token count, zeros) and then uint16 tokens.
MAGIC = 20240520
VERSION = 1
HEADER_BYTES = 256 * 4
# For what training must not wait for: hashing, and shards, for which at most three steps wait at once.
READER = ThreadPoolExecutor(5)
Tokens = npt.NDArray[np.uint16]


def shard_tokens(path: Path) -> int:
    """Return the number of tokens that the header of `path` announces; ValueError if the file has another size."""
    size_bytes = path.stat().st_size
    words = np.fromfile(path, "<i4", 3)
    magic, version, count = [*words.tolist(), 0, 0, 0][:3]  # zeros in a shorter file
    if words.tobytes().startswith(b"version http"):
        raise ValueError(f"{path}: a Git LFS pointer, not the shard itself: git lfs pull")
    if magic != MAGIC or version != VERSION:
        raise ValueError(f"{path}: not a token shard: magic {magic} version {version}, not {MAGIC} and {VERSION}")
    if count <= 0:
        raise ValueError(f"{path}: its header announces {count} tokens; a shard holds at least one")
    if size_bytes != HEADER_BYTES + 2 * count:
        raise ValueError(f"{path}: {size_bytes:,} bytes, but {count:,} tokens make {HEADER_BYTES + 2 * count:,}")
    return count


def read_shard(path: Path, vocab_size: int) -> Tokens:
    """Return the tokens of `path` [n]; ValueError unless the file is whole and every token is in the vocabulary."""
    count = shard_tokens(path)
    # Read, not mapped: if a mapped file shrinks, the process is killed.
    tokens = np.fromfile(path, "<u2", count, offset=HEADER_BYTES)
    if tokens.size != count:
        raise ValueError(f"{path}: changed while it was read: {tokens.size:,} of {count:,} tokens")
    # A token that the vocabulary lacks would read past the embedding's end, on a GPU without any message.
    if tokens[at := int(tokens.argmax())] >= vocab_size:
        raise ValueError(f"{path}: token {tokens[at]} at position {at:,}, but the vocabulary has {vocab_size} pieces")
    return tokens


recent_shard = lru_cache(2)(read_shard)  # the current shard, in which a new stream may begin, and the next


def shard_paths(folder: Path, split: str) -> list[Path]:
    """Return the shards of a split ("train" or "val") in the order in which they are read."""
    paths = sorted(folder.glob(f"fineweb_{split}_*.bin"))
    if not paths:
        remedy = "set DATA_PATH, or make some: golfcheck data demo, golfcheck data get"
        raise FileNotFoundError(f"no shards {folder}/fineweb_{split}_*.bin: {remedy}")
    return paths


def read_validation(paths: Sequence[Path], seq_len: int, vocab_size: int, ranks: int = 1) -> Tokens:
    """Return all validation tokens, cut to whole sequences and the last target [seqs * seq_len + 1]."""
    tokens = np.concatenate([read_shard(path, vocab_size) for path in paths])  # [n]
    # Tokens left over are never scored, so that all scores are of the same tokens.
    seqs = (tokens.size - 1) // seq_len
    if seqs < ranks:  # each rank scores at least one
        problem = f"{tokens.size:,} validation tokens make fewer than {ranks} sequences of {seq_len}"
        raise ValueError(f"{paths[0].parent}: {problem}")
    return tokens[: seqs * seq_len + 1]


def digest(paths: Sequence[Path]) -> str:
    """Return the sha256 of what `sha256sum FILES` prints inside their folder: one number for a whole split."""
    listing = "".join(f"{sha256(path)}  {path.name}\n" for path in paths)
    return hashlib.sha256(listing.encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return a file's digest in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class TokenStream:
    """The training tokens, endlessly, from a position (shard, offset) on; ValueError if the shards do not have it."""

    def __init__(self, paths: Sequence[Path], vocab_size: int, position: tuple[int, int] = (0, 0)) -> None:
        self.paths = paths
        self.vocab_size = vocab_size
        shard, offset = position
        tokens = recent_shard(paths[shard], vocab_size) if shard < len(paths) else np.empty(0, np.uint16)
        if not 0 <= offset < tokens.size:
            raise ValueError(f"{paths[0].parent}: no token {offset:,} in shard {shard}: is this other data?")
        self._enter(tokens, position)

    def _enter(self, tokens: Tokens, position: tuple[int, int]) -> None:
        self.tokens = tokens
        self.position = position
        # The next shard is read while this one is used: in the contest's log, reading costs 155 of 600 s.
        self.next = READER.submit(recent_shard, self.paths[(position[0] + 1) % len(self.paths)], self.vocab_size)

    def take(self, count: int) -> Tokens:
        """Return the next `count` tokens [count]."""
        # Shards are joined end to end, so a step may take the last tokens of one and the first of the next.
        pieces = []
        while count > 0:
            shard, offset = self.position
            pieces.append(self.tokens[offset : offset + count])
            count -= pieces[-1].size
            self.position = (shard, offset + pieces[-1].size)
            if self.position[1] == self.tokens.size:
                self._enter(self.next.result(), ((shard + 1) % len(self.paths), 0))
        return np.concatenate(pieces)

    def take_batch(self, micro_batches: int, span: int, rank: int, ranks: int) -> npt.NDArray[np.int64]:
        """Return a rank's part of the next step [micro_batches, span]; a micro-batch has one span for each rank."""
        # Every rank reads the tokens of all ranks and keeps its own, so that no data has to be sent.
        tokens = self.take(micro_batches * ranks * span).reshape(micro_batches, ranks, span)
        return tokens[:, rank].astype(np.int64)  # as an embedding takes it
