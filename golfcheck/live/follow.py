"""A file that another process is writing → what was appended, despite truncation, rotation and replacement."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

_READ_BYTES = 4 * 2**20  # at a time, so that a large file does not block the caller
_MARK_BYTES = 64  # before the current position: they show whether it is still the same text
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # opening a FIFO would block


@dataclass(frozen=True, slots=True)
class Piece:
    """The result of looking at the file once."""

    data: bytes = b""
    again: str = ""  # why the file starts over with `data`, so that everything before is void
    more: bool = False  # there is more to read right away
    missing: str = ""  # why there is no such file to read
    idle_seconds: float | None = None  # since the file's modification time


class Follower:
    """A file, and the position up to which it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_bytes = 0
        self._mark = b""
        self._identity: tuple[int, int] | None = None

    def look(self, now: float) -> Piece:
        """Return what is new; `now` is the current time in seconds. Never raises because of the file."""
        try:
            file = os.open(self.path, _FLAGS)
        except OSError as error:
            return Piece(missing=error.strerror or type(error).__name__)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                return Piece(missing="not a regular file")
            again = self._begun_anew(file, status)
            if again:
                self._read_bytes, self._mark = 0, b""
            self._identity = status.st_dev, status.st_ino
            data = os.pread(file, _READ_BYTES, self._read_bytes)
        except OSError as error:
            return Piece(missing=error.strerror or type(error).__name__)
        finally:
            os.close(file)
        self._read_bytes += len(data)
        self._mark = (self._mark + data[-_MARK_BYTES:])[-_MARK_BYTES:]
        more = self._read_bytes < status.st_size and bool(data)
        return Piece(data, again, more, "", max(0.0, now - status.st_mtime))

    def _begun_anew(self, file: int, status: os.stat_result) -> str:
        if self._identity is None:
            return ""
        if self._identity != (status.st_dev, status.st_ino):
            return "the file was replaced"
        if status.st_size < self._read_bytes:
            return "the file was truncated"
        start = self._read_bytes - len(self._mark)
        return "" if os.pread(file, len(self._mark), start) == self._mark else "the file was written anew"
