"""A cache of verdicts. The key is what they depend on: the folder's tree and path, the record to beat, our sources."""

import contextlib
import hashlib
import json
import sqlite3
from pathlib import Path

from golfcheck.core.typedjson import BROKEN, dump, reader_of
from golfcheck.judging.cache import default_path, opened, sources_version
from golfcheck.queue.content import Content, FolderTask
from golfcheck.submission.examined import Entry

_MAX_BYTES = 2 * 2**20  # of one verdict; the largest of 2,000 real ones has 40 KB
_PENDING = 20  # verdicts that a crash of the machine may lose


class Store:
    """A file of verdicts; a context manager that holds one connection. `path` None: nothing is cached.

    If it cannot be read or written, everything is judged again.
    """

    def __init__(self, path: Path | None, ruleset: str) -> None:
        self.path, self.ruleset = path, ruleset
        self.connection: sqlite3.Connection | None = None
        self.unsaved = 0

    def __enter__(self) -> "Store":
        if self.path is not None:
            with contextlib.suppress(OSError, sqlite3.Error):
                self.connection = opened(self.path, _prepare)
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self.connection.commit()
                self.connection.close()
            self.connection = None

    def get(self, task: FolderTask) -> Content | None:
        """Return the cached result of a task, None if there is none."""
        if self.connection is None:
            return None
        try:
            row = self.connection.execute("select value from contents where key = ?", (self._key(task),)).fetchone()
        except sqlite3.Error:
            return None
        if row is not None and isinstance(row[0], str):
            with contextlib.suppress(*BROKEN):
                content: Content = reader_of(Content)(json.loads(row[0]))
                return content
        return None

    def put(self, task: FolderTask, content: Content) -> None:
        """Cache the result of a task, unless golfcheck failed at it."""
        if self.connection is None or content.broken or (value := dump(content, _MAX_BYTES)) is None:
            return
        with contextlib.suppress(sqlite3.Error, UnicodeEncodeError):
            row = (self._key(task), sources_version(), value)
            self.connection.execute("insert or replace into contents values (?, ?, ?)", row)
            self.unsaved += 1
            if self.unsaved >= _PENDING:
                self.connection.commit()
                self.unsaved = 0

    def _key(self, task: FolderTask) -> str:
        parts = [sources_version(), self.ruleset, task.path, task.tree, _digest_of(task.rival)]
        parts.append(str(task.number) if task.rival else "")
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest_of(rival: Entry | None) -> str:
    """Return a short digest of everything in the other record that a comparison depends on."""
    if rival is None:
        return ""
    return hashlib.sha256(f"{rival.name!a} {rival.bpb} {rival.nats}".encode()).hexdigest()[:16]


def store_path() -> Path:
    """Return the path of this user's cache of verdicts, next to that of records."""
    return default_path().with_name("queue.sqlite")


def _prepare(connection: sqlite3.Connection) -> None:
    """Create the table, and delete the results of other versions of golfcheck."""
    connection.execute("create table if not exists contents (key text primary key, version text, value text)")
    connection.execute("delete from contents where version != ?", (sources_version(),))
    connection.commit()
