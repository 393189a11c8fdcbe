"""What a head has changed since it left the base: record folders, and files elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from golfcheck.queue.objects import Item, MissingObjectError, Objects
from golfcheck.submission.identity import DATED_FOLDER, SUBMISSION_FILE

MAX_CHANGES = 20_000  # files that a head changes outside record folders, or deletes; more are not counted
MAX_NAMES = 200_000  # that are compared in one head; a few trees of a few names that hold one another name millions
MAX_FOLDERS = 1_000  # record folders that one head adds or changes
_MAX_DEPTH = 40
RECORDS = "records"
Pair = tuple[str, Item | None, Item | None]  # a name, the old item and the new item


class FileChange(NamedTuple):
    """A file outside record folders, or one that is deleted: its path, git's letter (A, M, D), and its mode."""

    path: str
    status: str
    mode: str

    @property
    def special(self) -> str | None:
        """What it is, if it is not a plain file."""
        return {"120000": "a symbolic link", "160000": "a submodule"}.get(self.mode)


@dataclass(frozen=True, slots=True)
class FolderChange:
    """A record folder that a head adds or changes: its path, its tree, and the tree that it had before."""

    path: str
    tree: str
    before: str | None  # None: added


@dataclass(frozen=True, slots=True)
class Changes:
    """All that a head changes."""

    folders: tuple[FolderChange, ...]
    removed: tuple[str, ...]  # record folders that no longer exist
    outside: tuple[FileChange, ...]  # everything that is not in a record folder
    deleted: tuple[str, ...]  # files of record folders that still exist
    problems: tuple[str, ...]  # what could not be read


class Reader:
    """Compares trees of one repository."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def changes(self, before: str | None, after: str) -> Changes:
        """Compare two root trees; without `before`, everything counts as added."""
        return _Comparison(self.objects).run(before, after)

    def folders(self, root: str) -> dict[str, str]:
        """Return every record folder of a root tree: path → tree."""
        return {folder.path: folder.tree for folder in self.changes(None, root).folders}

    def at(self, root: str, path: str) -> Item | None:
        """Return the item at a path below a root tree; None if there is none."""
        item = Item("", "40000", root)
        for name in path.split("/"):
            if not item.is_tree:
                return None
            inside = next((other for other in _tree(self.objects, item.oid) if other.name == name), None)
            if inside is None:
                return None
            item = inside
        return item


class _Comparison:
    """The state of one comparison."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.folders: list[FolderChange] = []
        self.removed: list[str] = []
        self.outside: list[FileChange] = []
        self.deleted: list[str] = []
        self.problems: list[str] = []
        self.names_left = MAX_NAMES

    def run(self, before: str | None, after: str) -> Changes:
        self._enter("", before, after, 0)
        lists = (self.folders, self.removed, self.outside, self.deleted, self.problems)
        return Changes(*map(tuple, lists))  # type: ignore[arg-type]

    def _enter(self, prefix: str, before: str | None, after: str | None, depth: int) -> None:
        for name, old, new in self._pairs(prefix, before, after):
            path = prefix + name
            old_tree = old.oid if old and old.is_tree else None
            new_tree = new.oid if new and new.is_tree else None
            if (old_tree or new_tree) and self._is_folder(path, old_tree, new_tree):
                self._folder(path, old_tree, new_tree)
            elif old_tree or new_tree:
                if depth < _MAX_DEPTH:
                    self._enter(f"{path}/", old_tree, new_tree, depth + 1)
                else:
                    self._say(f"{path}: nested more than {_MAX_DEPTH} deep: not compared")
            self._file(path, old, new)

    def _pairs(self, prefix: str, before: str | None, after: str | None) -> Iterator[Pair]:
        """Yield each name that differs, in the order of the names."""
        if before == after or self.names_left < 0:
            return
        try:
            old = {item.name: item for item in self.objects.tree(before)} if before else {}
            new = {item.name: item for item in self.objects.tree(after)} if after else {}
        except MissingObjectError as error:
            self._say(f"{prefix or '/'}: {error}")
            return
        for name in sorted(old.keys() | new.keys()):
            self.names_left -= 1
            if self.names_left <= 0:
                if self.names_left == 0:
                    self._say(f"{prefix or '/'}: more than {MAX_NAMES:,} names: the rest is not compared")
                return
            one, other = old.get(name), new.get(name)
            if one != other:
                yield name, one, other

    def _file(self, path: str, old: Item | None, new: Item | None) -> None:
        old, new = (None if one and one.is_tree else one for one in (old, new))
        status = "M" if old and new else "A" if new else "D"
        if (old or new) and len(self.outside) < MAX_CHANGES:
            self.outside.append(FileChange(path, status, (new or old).mode))  # type: ignore[union-attr]

    def _folder(self, path: str, before: str | None, after: str | None) -> None:
        if after is None:
            self.removed.append(path)
            return
        if len(self.folders) == MAX_FOLDERS:
            self._say(f"{path}: more than {MAX_FOLDERS:,} record folders: the rest is not judged")
            self.names_left = -1
            return
        self.folders.append(FolderChange(path, after, before))
        if before is not None:
            self.deleted += self._gone(f"{path}/", before, after, 0)

    def _gone(self, prefix: str, before: str, after: str | None, depth: int) -> Iterator[str]:
        """Yield the files that no longer exist."""
        for name, old, new in self._pairs(prefix, before, after):
            if len(self.deleted) >= MAX_CHANGES or old is None or depth > _MAX_DEPTH:
                continue
            if old.is_tree:
                yield from self._gone(f"{prefix}{name}/", old.oid, new.oid if new and new.is_tree else None, depth + 1)
            elif new is None or new.is_tree:
                yield prefix + name

    def _is_folder(self, path: str, *trees: str | None) -> bool:
        """Whether a path is a record's: `records/TRACK/NAME`, dated, or with a submission file further up."""
        parts = path.split("/")
        if parts[0] != RECORDS or len(parts) < 2:
            return False
        if len(parts) == 2:
            return not parts[1].startswith("track_") and (
                bool(DATED_FOLDER.fullmatch(parts[1])) or any(tree and self._has_submission(tree) for tree in trees)
            )
        return True

    def _has_submission(self, tree: str) -> bool:
        return any(item.is_file and SUBMISSION_FILE.fullmatch(item.name) for item in _tree(self.objects, tree))

    def _say(self, problem: str) -> None:
        if len(self.problems) < MAX_CHANGES:
            self.problems.append(problem)


def _tree(objects: Objects, oid: str) -> tuple[Item, ...]:
    try:
        return objects.tree(oid)
    except MissingObjectError:
        return ()
