"""Writing so that nothing is lost or half-written: files that are replaced whole, and the log of a run."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import TextIO

_SUFFIX = ".partial"


def lock(folder: Path) -> int:
    """Take a folder for this process until it ends, and return the lock; ValueError where another run has it."""
    # Two runs in one folder would write one log, and score each other's artifacts.
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"another run writes to {folder.resolve()}: give this one its own --out") from None
    except OSError:  # a file system without locks
        pass
    return descriptor


def write_atomic(path: Path, data: bytes) -> None:
    """Write all of `data` to `path`, or leave what was there; OSError says what a full disk needs and has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Short, because a name has 255 bytes at most. Unguessable and new, because the folder may be full of others' links.
    partial = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.{os.getpid()}{_SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # on the disk, not in a cache, before it takes the name
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        problem = "disk full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
        room = f"{len(data):,} bytes needed, {shutil.disk_usage(path.parent).free:,} free"
        raise OSError(error.errno, f"{path}: {problem}: {room}; what was there is intact") from None
    # Some systems cannot sync a folder: there a power cut may undo the rename.
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def sweep_partial(folder: Path) -> None:
    """Remove what a writer that was killed left behind."""
    for partial in folder.glob(f".*.[0-9]*{_SUFFIX}"):
        pid = partial.name.removesuffix(_SUFFIX).rpartition(".")[2]
        if partial.is_file() and not Path("/proc", pid).exists():  # else its writer is still at work
            partial.unlink(missing_ok=True)


def say(text: str, stream: TextIO, end: str = "\n") -> None:
    """Print to a stream; once it is gone or full, nothing more is shown there."""
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError:  # a closed connection, the end of a pipe, a full disk
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), stream.fileno())


class Journal:
    """A log that grows line by line and is shown on the terminal; without a path, neither. It never stops the run."""

    def __init__(self, path: Path | None) -> None:
        self.file = -1  # a file descriptor: Python's own buffer cannot be trusted once a write has failed
        self.waiting = b""  # what the disk had no room for yet
        self.redraws = path is not None and sys.stdout is not None and sys.stdout.isatty()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():  # an older log of that name moves aside: two runs never mix
                names = (path.with_stem(f"{path.stem}.{number}") for number in count(1))
                path.rename(next(name for name in names if not name.exists()))
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)

    def write(self, line: str) -> None:
        """Append a line to the log, and show it."""
        # The name of a folder or a device may hold a line break, or codes that steer a terminal.
        line = "".join(char if char.isprintable() else " " for char in line)
        self.append(line)
        if self.file >= 0:
            say(f"\r\x1b[K{line}" if self.redraws else line, sys.stdout)

    def append(self, text: str) -> None:
        """Append text to the log, as it is."""
        if self.file < 0:
            return
        was_waiting = bool(self.waiting)
        # A write may take a part of the bytes, or none. What it took leaves the queue: no line is cut or doubled.
        self.waiting += f"{text}\n".encode()
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self.file, self.waiting) :]
        except OSError as error:
            if not was_waiting:
                say(f"train.py: the log cannot be written now: {error.strerror}; its lines wait", sys.stderr)

    def progress(self, share: float, text: str) -> None:
        """Redraw the line at the bottom of a terminal that shows how much of the run is done."""
        if self.redraws:
            line = f"[{'#' * round(24 * min(share, 1.0)):.<24}] {text}"
            say("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], sys.stdout, end="")
