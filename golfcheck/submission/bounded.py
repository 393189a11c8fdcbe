"""Read an untrusted folder: nothing outside it, no special files, and nothing without a limit.

Every name is opened relative to a descriptor of the folder, without following links and without blocking (a FIFO would
block forever), is then checked to be a regular file, and is read up to a limit that the caller specifies.

A record is read through `Files`: an open folder is one kind (`OpenFolder`), a tree of git objects the other
(golfcheck/queue/treefiles.py).
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from golfcheck.core.verdict import Problem

# The reasons for these limits are in docs/limits.md.
MAX_FILES = 512
MAX_DEPTH = 8
MAX_FOLDER_BYTES = 64 * 2**20
MAX_JSON_BYTES = 256 * 2**10
MAX_LOG_BYTES = 64 * 2**20
MAX_SOURCE_BYTES = 2 * 2**20
MAX_README_BYTES = 2**20  # our own choice: a README is shown to people

IGNORED_FOLDERS = {"__pycache__"}
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_FLAGS = _READ_FLAGS | os.O_DIRECTORY
_CHUNK_BYTES = 2**20


class UnreadableError(Exception):
    """A file of the submission cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file: its path inside the folder with `/`, its size, and when it and its data last changed."""

    path: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int  # a submitter can set mtime, but not this


@dataclass(frozen=True, slots=True)
class Listing:
    """The regular files of a folder, sorted by path, and problems with the rest."""

    entries: tuple[FileEntry, ...]
    problems: tuple[Problem, ...]


class Files(Protocol):
    """The source of a record's files: lists regular files and reads them, both within the limits above."""

    def walk(self) -> Listing:
        """List the files; never raises on content."""

    def read(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """Return the first `limit_bytes` of a file, and whether that is all of it. Raises UnreadableError."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder in the file system, through its open descriptor."""

    descriptor: int

    def walk(self) -> Listing:
        """List the files; implements `Files`."""
        return walk(self.descriptor)

    def read(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """Read a file; implements `Files`."""
        return read(self.descriptor, path, limit_bytes)


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a folder that the user named (it may be a link; its contents may not). Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def walk(folder: int) -> Listing:
    """List the files under the descriptor `folder`, within all limits; never raises on content."""
    walker = _Walk()
    walker.enter(folder, "", 1)
    return listing(walker.entries, walker.problems, walker.names)


def listing(entries: list[FileEntry], problems: list[Problem], num_names: int) -> Listing:
    """Sort what a walk has collected, and add problems of the folder as a whole; takes ownership of both lists."""
    if num_names > MAX_FILES:
        problems.append(Problem(f"the folder has more than {MAX_FILES} names: the rest was not looked at"))
    entries.sort(key=lambda entry: entry.path)
    total_bytes = sum(entry.size_bytes for entry in entries)
    if total_bytes > MAX_FOLDER_BYTES:
        problems.append(Problem(f"the files add up to {total_bytes:,} bytes, more than {MAX_FOLDER_BYTES:,}"))
    problems += _collisions(entries)
    return Listing(tuple(entries), tuple(problems))


def read(folder: int, path: str, limit_bytes: int) -> tuple[bytes, bool]:
    """Read a file below the descriptor `folder`: its first `limit_bytes`, and whether that was all of it.

    Raises UnreadableError for links, special files, missing rights, and files that vanish.
    """
    *parents, name = path.split("/")
    held: list[int] = []
    try:
        for parent in parents:
            folder = os.open(parent, _FOLDER_FLAGS, dir_fd=folder)
            held.append(folder)
        file = os.open(name, _READ_FLAGS, dir_fd=folder)
        held.append(file)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise UnreadableError("not a regular file")
        pieces: list[bytes] = []
        wanted = limit_bytes + 1  # one more, to detect a longer or growing file
        while wanted > 0 and (piece := os.read(file, min(wanted, _CHUNK_BYTES))):
            pieces.append(piece)
            wanted -= len(piece)
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__) from None
    finally:
        for descriptor in held:
            os.close(descriptor)
    if wanted > 0:
        return b"".join(pieces), True
    pieces[-1] = pieces[-1][:-1]
    return b"".join(pieces), False


class _Walk:
    """The state of a walk through a folder."""

    def __init__(self) -> None:
        self.entries: list[FileEntry] = []
        self.problems: list[Problem] = []
        self.names = 0

    def enter(self, folder: int, prefix: str, depth: int) -> None:
        with os.scandir(folder) as items:
            for item in items:
                self.names += 1
                if self.names > MAX_FILES:
                    return
                path = prefix + item.name
                if item.name.isprintable():
                    self.take(folder, item, path, depth)
                else:
                    self.problems.append(Problem(f"a name that is not printable UTF-8: {path!a}"))

    def take(self, folder: int, item: os.DirEntry[str], path: str, depth: int) -> None:
        try:
            status = item.stat(follow_symlinks=False)
        except OSError as error:
            self.problems.append(Problem(f"cannot be examined: {error.strerror}", path))
            return
        if stat.S_ISREG(status.st_mode):
            self.entries.append(FileEntry(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        elif not stat.S_ISDIR(status.st_mode):
            self.problems.append(Problem(f"{_kind(status.st_mode)}: a submission has only regular files", path))
        elif item.name.lower() == ".git":
            self.problems.append(Problem("a repository inside a submission: not opened", path))
        elif depth == MAX_DEPTH:
            self.problems.append(Problem(f"folders are nested more than {MAX_DEPTH} deep: not opened", path))
        elif item.name not in IGNORED_FOLDERS:
            try:
                inner = os.open(item.name, _FOLDER_FLAGS, dir_fd=folder)
            except OSError as error:
                self.problems.append(Problem(f"cannot be opened: {error.strerror}", path))
                return
            try:
                self.enter(inner, path + "/", depth + 1)
            finally:
                os.close(inner)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _collisions(entries: list[FileEntry]) -> list[Problem]:
    """Report names that are the same file on systems that ignore case."""
    first: dict[str, str] = {}
    problems = []
    for entry in entries:
        other = first.setdefault(entry.path.casefold(), entry.path)
        if other != entry.path:
            problems.append(Problem(f"differs from {other} only in case", entry.path))
    return problems
