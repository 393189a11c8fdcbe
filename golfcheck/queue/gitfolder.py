"""Find a repository's object store, and read its refs as files, without running git in it.

A repository's configuration can name programs (hooks, filters, text conversions, fetches of what is missing). Git obeys
it as soon as it opens the repository, so git never opens it: this module finds the object store and the refs, and
`objects.py` lets git read the store from an empty repository of our own.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from golfcheck.core.errors import UsageError

_MAX_POINTER_BYTES = 4_096  # of a file that holds one path or one ref
_MAX_PACKED_BYTES = 256 * 2**20  # of packed-refs: three million refs
_MAX_LOOSE = 100_000
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_DEPTH = 5  # of symbolic refs


@dataclass(frozen=True, slots=True)
class GitFolder:
    """A repository on disk: the folder with this work tree's own files, and the one that all its work trees share."""

    name: str  # as the user wrote it
    own: Path
    common: Path

    @property
    def objects(self) -> Path:
        """The object store."""
        return self.common / "objects"

    def refs(self, patterns: tuple[str, ...]) -> dict[str, str]:
        """Return the refs whose full names match one of the patterns (`refs/pull/*/head`) and what they name."""
        return {
            name: value
            for name, value in (*self._packed(), *self._loose())  # a loose ref takes precedence over a packed one
            if any(fnmatchcase(name, pattern) for pattern in patterns)
        }

    def resolve(self, revision: str) -> str:
        """Return the object that a branch, tag, ref or full object name refers to. Raises UsageError."""
        if _OID.fullmatch(revision):
            return revision
        packed = dict(self._packed())
        for prefix in ("", "refs/", "refs/heads/", "refs/tags/", "refs/remotes/"):
            if value := self._value(f"{prefix}{revision}", packed):
                return value
        raise UsageError(
            f"{self.name}: no branch, tag or ref is called {revision!r}; "
            "expected one of these, or a full object name (fetch it first)"
        )

    def _value(self, name: str, packed: dict[str, str]) -> str | None:
        for _ in range(_MAX_DEPTH):
            if not _is_ref(name):
                return None
            text = next(filter(None, (_first_line(base / name) for base in (self.own, self.common))), "")
            if text.startswith("ref: "):
                name = text[5:].strip()
                continue
            return text if _OID.fullmatch(text) else packed.get(name)
        return None

    def _packed(self) -> Iterator[tuple[str, str]]:
        path = self.common / "packed-refs"
        if not path.is_file() or path.stat().st_size > _MAX_PACKED_BYTES:
            return
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                value, _, name = line.rstrip("\n").partition(" ")
                if _OID.fullmatch(value):  # neither a comment nor the object behind a tag
                    yield name, value

    def _loose(self) -> Iterator[tuple[str, str]]:
        left = _MAX_LOOSE
        for top, _, names in os.walk(self.common / "refs"):
            folder = Path(top)
            for name in sorted(names):
                left -= 1
                if left < 0:
                    return
                value = _first_line(folder / name)
                if _OID.fullmatch(value):
                    yield (folder / name).relative_to(self.common).as_posix(), value


def find(path: Path) -> GitFolder:
    """Return the repository at `path`: a bare one, a work tree, or one of several. Raises UsageError."""
    own = path / ".git" if (path / ".git").exists() else path
    if own.is_file():  # an additional work tree, or a submodule
        text = _first_line(own)
        own = path / text.removeprefix("gitdir:").strip() if text.startswith("gitdir:") else own
    common = own / _first_line(own / "commondir") if (own / "commondir").is_file() else own
    if not (common / "objects").is_dir() or not (own / "HEAD").exists():
        raise UsageError(f"{path}: not a git repository; expected a clone, bare or with a work tree")
    if (common / "reftable").is_dir():
        raise UsageError(f"{path}: keeps its refs in a reftable; expected files (git refs migrate --ref-format=files)")
    return GitFolder(str(path), own, common)


def _is_ref(name: str) -> bool:
    return bool(name) and not name.startswith("/") and ".." not in name.split("/") and name.isprintable()


def _first_line(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_MAX_POINTER_BYTES).decode("utf-8", "surrogateescape").split("\n", 1)[0].strip()
    except OSError:
        return ""
