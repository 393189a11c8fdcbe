"""Parsed records and values derived from them, cached in sqlite so that unchanged records are not read again.

The key of a record is its path, the size and time of every file in it, and the digest of golfcheck's sources; a derived
value also has a name in its key. Values are stored as JSON: a file that somebody swapped in can hold wrong values but
cannot run code. A cache that cannot be read or written is not an error: it is rebuilt, or golfcheck works without it.
"""

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from golfcheck.core import schema
from golfcheck.core.typedjson import BROKEN, dump, reader_of
from golfcheck.core.userfolders import user_folder
from golfcheck.submission import bounded
from golfcheck.submission.record import Record, load

MAX_RECORD_CHARS = 16 * 2**20  # of JSON; a larger record is read again each time
_WAIT_SECONDS = 2.0
_UNKEPT = (sqlite3.Error, UnicodeEncodeError)  # a folder's name may be any bytes, but sqlite stores only Unicode

T = TypeVar("T")


def default_path() -> Path:
    """Return where the cache of this user is: `$XDG_CACHE_HOME/golfcheck/records.sqlite`."""
    return user_folder("XDG_CACHE_HOME", ".cache") / "records.sqlite"


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a value is derived from a record: the cache holds one per name, and a new version replaces it."""

    name: str
    version: str


class Cache:
    """A cache of records; a context manager that holds one connection."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()
        self.connection: sqlite3.Connection | None = None

    def __enter__(self) -> "Cache":
        with contextlib.suppress(OSError, sqlite3.Error):
            self.connection = opened(self.path, _prepare)
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection:
            with contextlib.suppress(sqlite3.Error):
                self.connection.close()
            self.connection = None

    def load(self, path: Path) -> Record:
        """Return the record at `path` as `record.load` does, from the cache if nothing in it has changed."""
        stamp = stamp_of(path)
        if stamp is None:
            return load(path)
        key = str(path.resolve())
        cached_json = self._one("select record from records where path = ? and stamp = ?", (key, stamp))
        if cached_json is not None:
            with contextlib.suppress(*BROKEN):
                record: Record = reader_of(Record)(json.loads(cached_json))
                return replace(record, path=path)
        record = load(path)
        if stamp_of(path) == stamp:
            self._put("insert or replace into records values (?, ?, ?)", key, stamp, dump(record, MAX_RECORD_CHARS))
        return record

    def derived(self, kind: type[T], how: Derivation, path: Path, stamp: str | None) -> T | None:
        """Return the value that `keep` last stored for the record at the resolved `path`, if its stamp is the same."""
        if stamp is None:
            return None
        wanted = "select value from derived where path = ? and name = ? and stamp = ?"
        cached_json = self._one(wanted, (str(path), how.name, how.version + stamp))
        if cached_json is None:
            return None
        reader: Callable[[Any], T] = reader_of(cast(Hashable, kind))  # mypy does not know that a class is hashable
        with contextlib.suppress(*BROKEN):
            return reader(json.loads(cached_json))
        return None

    def keep(self, value: object, how: Derivation, path: Path, stamp: str | None) -> None:
        """Store a dataclass derived from the record at the resolved `path`, if the record still has this stamp."""
        if stamp is not None and stamp_of(path) == stamp:
            text = dump(value, MAX_RECORD_CHARS)
            self._put(
                "insert or replace into derived values (?, ?, ?, ?)", str(path), how.name, how.version + stamp, text
            )

    def _one(self, wanted: str, values: tuple[str, ...]) -> str | None:
        if self.connection is None:
            return None
        try:
            row = self.connection.execute(wanted, values).fetchone()
        except _UNKEPT:
            return None
        return row[0] if row and isinstance(row[0], str) else None

    def _put(self, order: str, *values: str | None) -> None:
        if self.connection is None or values[-1] is None:
            return
        with contextlib.suppress(*_UNKEPT), self.connection:
            self.connection.execute(order, values)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("create table if not exists records (path text primary key, stamp text, record text)")
    connection.execute("select path, stamp, record from records limit 1").fetchone()
    connection.execute(
        "create table if not exists derived (path text, name text, stamp text, value text, primary key (path, name))"
    )
    connection.execute("select path, name, stamp, value from derived limit 1").fetchone()


def opened(path: Path, prepare: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    """Open a database of this user and `prepare` its tables; a corrupt one is deleted and rebuilt.

    Raises sqlite3.Error if it is locked by another process or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for attempt in range(2):
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            prepare(connection)
        except sqlite3.OperationalError:
            connection.close()
            raise  # locked by another process, or the disk is full: work without it
        except sqlite3.DatabaseError:
            connection.close()
            if attempt:
                raise
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        else:
            path.chmod(0o600)
            return connection
    raise AssertionError("unreachable")


def stamp_of(path: Path) -> str | None:
    """Return a digest of the folder's contents: every path, size and time, and golfcheck's version."""
    try:
        with bounded.opened(path) as folder:
            listing = bounded.walk(folder)
    except OSError:
        return None
    text = json.dumps([sources_version(), [(e.path, e.size_bytes, e.mtime_ns, e.ctime_ns) for e in listing.entries]])
    return hashlib.sha256(f"{text}{listing.problems}".encode("utf-8", "backslashreplace")).hexdigest()


@cache
def sources_version() -> str:
    """Return a digest of all of golfcheck's sources and schemas.

    After any edit, the cache returns nothing that the edited code might parse or judge differently. A list of only the
    modules that matter would have to be maintained by hand.
    """
    package = Path(__file__).parents[1]
    sources = [*package.rglob("*.py"), *(package / "reference").glob("*.py"), *schema.folder().glob("*.json")]
    digest = hashlib.sha256()
    for source in sorted(set(sources)):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()
