"""Write token shards: one from an array, or numbered ones with more tokens than fit into memory."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from golfcheck.reference.data import MAGIC, VERSION, Tokens

_MAX_VOCAB = 1 << 16  # tokens are uint16


def shard_header(count: int) -> bytes:
    """Return the first 1,024 bytes of a shard of `count` tokens."""
    header = np.zeros(256, "<i4")
    header[:3] = MAGIC, VERSION, count
    return header.tobytes()


def shard_bytes(tokens: npt.ArrayLike) -> bytes:
    """Return the bytes of a shard with these `tokens`, each below 65,536."""
    array = np.asarray(tokens)
    if array.size and (array.min() < 0 or array.max() >= _MAX_VOCAB):
        raise ValueError(f"token ids must be in 0..{_MAX_VOCAB - 1}, not {array.min()}..{array.max()}")
    return shard_header(array.size) + array.astype("<u2").tobytes()


class ShardWriter:
    """Writes tokens into numbered shards, which get their names when everything is written.

    An error leaves none of them, and no folder that was not there before.
    """

    def __init__(self, folder: Path, split: str, shard_tokens: int) -> None:
        self.paths: list[Path] = []
        self._folder, self._split, self._shard_tokens = folder, split, shard_tokens
        self._file: BinaryIO | None = None
        self._count = 0  # tokens in the open shard
        self._new_folders: list[Path] = []  # the innermost first

    def __enter__(self) -> "ShardWriter":
        self._new_folders = [folder for folder in (self._folder, *self._folder.parents) if not folder.exists()]
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
        """Open the next shard, with a placeholder for its header."""
        self.paths.append(self._folder / f"fineweb_{self._split}_{len(self.paths):06d}.bin")
        partial = _partial(self.paths[-1])
        partial.unlink(missing_ok=True)
        self._file = partial.open("xb")  # never through an existing link
        self._file.write(shard_header(0))
        self._count = 0
        return self._file

    def _finish(self) -> None:
        """Write the header of the open shard, now that its number of tokens is known."""
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
                with contextlib.suppress(OSError):  # it is discarded anyway
                    self._file.close()
            for path in self.paths:
                _partial(path).unlink(missing_ok=True)
            for folder in self._new_folders:
                with contextlib.suppress(OSError):  # it has the shards, or files of somebody else
                    folder.rmdir()

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """Turn the error of a full disk into one line with the bytes needed and available."""
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
