"""Git's objects, read by `git cat-file` in an empty repository of ours that borrows the object store of another.

Git never opens the other repository: it sees none of its configuration, hooks, attributes, grafts, replacements or
remotes, so no program that these name can run, and missing objects are not fetched. Git's environment variables and the
configuration of the user and the system are excluded as well (`core/gitprocess.py`).
"""

import re
import subprocess
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from golfcheck.core import gitprocess
from golfcheck.core.errors import GolfcheckError

MAX_BLOB_BYTES = 128 * 2**20  # larger objects are not requested; hosts refuse files over 100 MB
MAX_TREE_BYTES = 4 * 2**20  # 100,000 names
MAX_COMMIT_BYTES = 2**20
_BATCH = 256  # requests written before their answers are read: 17 KB, which a pipe of 64 KB always takes
_KEPT_NAMES = 300_000  # of trees that are remembered: some 100 MB
_CHUNK_BYTES = 2**20
_CONFIG = """[core]
\trepositoryformatversion = {version}
\tbare = true
\tpackedGitWindowSize = 1m
\tpackedGitLimit = 8m
\tdeltaBaseCacheLimit = 8m
\tbigFileThreshold = 16m
[gc]
\tauto = 0
"""
_SHA256 = "[extensions]\n\tobjectFormat = sha256\n"
_HEADER = re.compile(rb"([0-9a-f]{40,64}) (blob|tree|commit|tag) ([0-9]{1,18})\n")


class Info(NamedTuple):
    """What an object is: "blob", "tree", "commit", "tag", or "missing"."""

    kind: str
    size_bytes: int


class Item(NamedTuple):
    """A name in a tree, what it is, and the object that it names."""

    name: str  # bytes that are not UTF-8 become surrogates
    mode: str  # "100644", "100755", "120000" a link, "40000" a tree, "160000" a submodule
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it is a folder."""
        return self.mode == "40000"

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.mode.startswith("100")


class MissingObjectError(Exception):
    """An object is missing or of the wrong kind; the message says which."""


class Objects:
    """Reads objects by their names; a context manager that ends its processes.

    `oid_chars` is 40, or 64 for SHA-256. `home` is the empty repository of another reader, to share it.
    """

    def __init__(self, store: Path, oid_chars: int = 40, home: Path | None = None) -> None:
        self.store, self.oid_chars, self.home = store.resolve(), oid_chars, home
        self._own: TemporaryDirectory[str] | None = None
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._trees: OrderedDict[str, tuple[Item, ...]] = OrderedDict()
        self._num_names = 0  # in these

    def __enter__(self) -> "Objects":
        if gitprocess.program() is None:
            raise GolfcheckError("git is not installed: the queue is read from its objects")
        if self.home is None:
            self._own = TemporaryDirectory(prefix="golfcheck-git-")
            self.home = Path(self._own.name)
            self._make(self.home)
        return self

    def _make(self, home: Path) -> None:
        sha256 = self.oid_chars == 64
        (home / "objects").mkdir()
        (home / "refs").mkdir()
        (home / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
        config = _CONFIG.format(version=int(sha256)) + (_SHA256 if sha256 else "")
        (home / "config").write_text(config, encoding="ascii")

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            gitprocess.end(process)
        self._processes.clear()
        if self._own is not None:
            self._own.cleanup()
            self._own = self.home = None

    def info(self, oids: Sequence[str]) -> list[Info]:
        """Return what objects are, in the order of their names."""
        process = self._started("--batch-check")
        out: list[Info] = []
        for start in range(0, len(oids), _BATCH):
            part = oids[start : start + _BATCH]
            self._ask(process, part)
            for oid in part:
                line = self._line(process)
                match = _HEADER.fullmatch(line)
                out.append(Info(match[2].decode(), int(match[3])) if match else Info("missing", 0))
                assert line.startswith(oid.encode()), line
        return out

    def read(self, oid: str, limit_bytes: int) -> tuple[bytes, bool]:
        """Return the first bytes of a blob, and whether that is all of it. Raises MissingObjectError."""
        (info,) = self.info([oid])
        if info.kind != "blob":
            raise MissingObjectError(f"the repository lacks this file's object ({info.kind})")
        if info.size_bytes > max(limit_bytes, MAX_BLOB_BYTES):
            raise MissingObjectError(f"a blob of {info.size_bytes:,} bytes: not read")
        return self._content(oid, limit_bytes)

    def read_all(self, oids: Sequence[str], kind: str, limit_bytes: int) -> Iterator[bytes | None]:
        """Yield the contents of objects of one kind; None for one that is missing, of another kind, or too large."""
        for start in range(0, len(oids), _BATCH):
            part = oids[start : start + _BATCH]
            whole = [
                oid
                for oid, info in zip(part, self.info(part), strict=True)
                if info.kind == kind and info.size_bytes <= limit_bytes
            ]
            process = self._started("--batch")
            self._ask(process, whole)
            fit = iter(whole)
            coming = next(fit, None)
            for oid in part:
                if oid != coming:
                    yield None
                    continue
                yield self._answer(process)
                coming = next(fit, None)

    def tree(self, oid: str) -> tuple[Item, ...]:
        """Return a tree's items. Raises MissingObjectError."""
        if oid in self._trees:
            self._trees.move_to_end(oid)
            return self._trees[oid]
        (data,) = self.read_all([oid], "tree", MAX_TREE_BYTES)
        if data is None:
            raise MissingObjectError(f"the repository lacks the tree {oid}, or it is too large")
        items = tuple(_items(data, self.oid_chars // 2))
        self._trees[oid] = items
        self._num_names += len(items) + 1  # a tree without names takes room as well
        while self._num_names > _KEPT_NAMES:
            self._num_names -= len(self._trees.popitem(last=False)[1]) + 1
        return items

    def _content(self, oid: str, limit_bytes: int) -> tuple[bytes, bool]:
        process = self._started("--batch")
        self._ask(process, [oid])
        match = _HEADER.fullmatch(self._line(process))
        if match is None:
            raise MissingObjectError("the repository lacks this file's object")
        size_bytes = int(match[3])
        data = self._exactly(process, min(size_bytes, limit_bytes))
        if size_bytes <= limit_bytes:
            self._exactly(process, 1)
            return data, True
        gitprocess.end(self._processes.pop("--batch"))  # cheaper than reading the rest
        return data, False

    def _answer(self, process: "subprocess.Popen[bytes]") -> bytes | None:
        match = _HEADER.fullmatch(self._line(process))
        if match is None:
            return None
        data = self._exactly(process, int(match[3]))
        self._exactly(process, 1)
        return data

    def _started(self, mode: str) -> "subprocess.Popen[bytes]":
        process = self._processes.get(mode)
        if process is not None and process.poll() is None:
            return process
        assert self.home is not None
        self._processes[mode] = process = gitprocess.object_reader(self.home, self.store, mode)
        return process

    def _ask(self, process: "subprocess.Popen[bytes]", oids: Sequence[str]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write("".join(f"{oid}\n" for oid in oids).encode("ascii"))
            process.stdin.flush()
        except BrokenPipeError:
            raise self._ended(process) from None

    def _line(self, process: "subprocess.Popen[bytes]") -> bytes:
        assert process.stdout is not None
        line = process.stdout.readline(512)
        if not line:
            raise self._ended(process)
        return line

    def _exactly(self, process: "subprocess.Popen[bytes]", size_bytes: int) -> bytes:
        assert process.stdout is not None
        data = process.stdout.read(size_bytes)
        if len(data) < size_bytes:
            raise self._ended(process)
        return data

    def _ended(self, process: "subprocess.Popen[bytes]") -> Exception:
        for mode, other in list(self._processes.items()):
            if other is process:
                gitprocess.end(self._processes.pop(mode))
        return MissingObjectError("git could not read an object: the store is damaged")


def commit_of(data: bytes) -> tuple[str, tuple[str, ...], str]:
    """Return the tree of a raw commit, its parents, and the first line of its message."""
    head, _, message = data.partition(b"\n\n")
    tree, parents = "", []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree":
            tree = value.decode("ascii", "replace")
        elif key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        else:
            break
    return tree, tuple(parents), message.partition(b"\n")[0][:500].decode("utf-8", "replace")


def _items(data: bytes, oid_bytes: int) -> Iterator[Item]:
    """Yield the items of a raw tree, a sequence of `mode SP name NUL oid`."""
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 8)
        end = data.find(b"\0", blank)
        if blank < 0 or end < 0:
            return
        name = data[blank + 1 : end].decode("utf-8", "surrogateescape")
        mode = data[at:blank].decode("ascii", "replace").lstrip("0")
        at = end + 1 + oid_bytes
        if name and name not in (".", "..") and "/" not in name:
            yield Item(name, mode, data[end + 1 : at].hex())
