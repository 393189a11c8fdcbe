"""A tree of git objects as the files of a record: listed and read within the limits of a folder on disk."""

from golfcheck.core.verdict import Problem
from golfcheck.queue.objects import Item, MissingObjectError, Objects
from golfcheck.submission import bounded
from golfcheck.submission.bounded import FileEntry, Listing

_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}


class TreeFiles:
    """The files below a tree, implementing `bounded.Files`."""

    def __init__(self, objects: Objects, tree: str) -> None:
        self.objects, self.tree = objects, tree
        self.oid_of: dict[str, str] = {}
        self._problems: list[Problem] = []
        self._names = 0
        self._listing: Listing | None = None

    def walk(self) -> Listing:
        """List the files; never raises on content."""
        if self._listing is None:
            self._enter(self.tree, "", 1)
            entries = []
            paths = list(self.oid_of)
            for path, info in zip(paths, self.objects.info([self.oid_of[path] for path in paths]), strict=True):
                if info.kind == "blob":
                    entries.append(FileEntry(path, info.size_bytes, 0, 0))
                else:
                    self._problems.append(Problem("cannot be examined: the repository lacks its object", path))
            self._listing = bounded.listing(entries, self._problems, self._names)
        return self._listing

    def read(self, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        """Return the first bytes of a file, and whether that is all of it. Raises UnreadableError."""
        self.walk()
        try:
            return self.objects.read(self.oid_of[path], limit_bytes)
        except KeyError:
            raise bounded.UnreadableError("no such file") from None
        except MissingObjectError as error:
            raise bounded.UnreadableError(str(error)) from None

    def _enter(self, tree: str, prefix: str, depth: int) -> None:
        try:
            items = self.objects.tree(tree)
        except MissingObjectError as error:
            self._problems.append(Problem(f"cannot be opened: {error}", prefix.rstrip("/") or None))
            return
        for item in items:
            self._names += 1
            if self._names > bounded.MAX_FILES:
                return
            path = prefix + item.name
            if not item.name.isprintable():
                self._problems.append(Problem(f"a name that is not printable UTF-8: {path!a}"))
            elif item.is_file:
                self.oid_of[path] = item.oid
            else:
                self._take(item, path, depth)

    def _take(self, item: Item, path: str, depth: int) -> None:
        if not item.is_tree:
            kind = _KINDS.get(item.mode, "not a plain file")
            self._problems.append(Problem(f"{kind}: a submission has only regular files", path))
        elif item.name.lower() == ".git":
            self._problems.append(Problem("a repository inside a submission: not opened", path))
        elif depth == bounded.MAX_DEPTH:
            message = f"folders are nested more than {bounded.MAX_DEPTH} deep: not opened"
            self._problems.append(Problem(message, path))
        elif item.name not in bounded.IGNORED_FOLDERS:
            self._enter(item.oid, path + "/", depth + 1)
