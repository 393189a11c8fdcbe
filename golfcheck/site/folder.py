"""The folder of a site. It lists the files that golfcheck wrote; no others are ever replaced or removed."""

import contextlib
import re
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.reference.files import sweep_partial, write_atomic

_LIST = ".golfcheck-site"
_QUEUE_LIST = ".golfcheck-queue"  # written by another command
_MAX_LIST_BYTES = 2**24
_OURS = re.compile(r"(?:index\.html|data\.json|feed\.xml|records/[a-z0-9-]+/[a-z0-9-]+\.html)")
_OURS_OF_QUEUE = re.compile(r"(?:queue\.html|queue\.json|pulls/[0-9]{1,9}\.html)")


class SiteFolder:
    """A folder to write pages into. Leaving the block without an exception removes old pages.

    `queue`: the pages of `golfcheck queue`, which may share a folder with a leaderboard.

    Each file is replaced as a whole. Raises UsageError instead of replacing a file that golfcheck did not write.
    """

    def __init__(self, path: Path, *, queue: bool = False) -> None:
        self.path = path
        self.list = path / (_QUEUE_LIST if queue else _LIST)
        self.ours = _OURS_OF_QUEUE if queue else _OURS
        self.before: set[str] = set()
        self.written: set[str] = set()

    def __enter__(self) -> "SiteFolder":
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path}: expected a folder for the site, found a file")
        if self.list.is_symlink():
            raise UsageError(f"{self.list}: is a link, and the list would be written to its target; remove it")
        self.before = _listed(self.list, self.ours)
        return self

    def write(self, name: str, data: bytes) -> None:
        """Write a file; `name` is relative to the folder."""
        assert self.ours.fullmatch(name), name
        path = self.path / name
        if name not in self.before and (path.exists() or path.is_symlink()):
            raise UsageError(
                f"{path}: golfcheck did not write this file; expected an empty folder, or one with its own pages"
            )
        if link := self._link_above(name):
            raise UsageError(f"{link}: is a link, and pages would be written to its target; remove it")
        self._claim(name)
        if not path.is_file() or path.read_bytes() != data:
            write_atomic(path, data)

    def _link_above(self, name: str) -> Path | None:
        """Return a folder inside the site that is a link; the site itself may be one, since the user named it."""
        folders = (self.path / parent for parent in Path(name).parents if parent.name)
        return next((folder for folder in folders if folder.is_symlink()), None)

    def _claim(self, name: str) -> None:
        """List a file before it is written, so that an interrupted site still knows its own files."""
        if name not in self.before:
            self.path.mkdir(parents=True, exist_ok=True)
            with self.list.open("a", encoding="ascii") as file:
                file.write(f"{name}\n")
        self.written.add(name)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        for name in sorted(self.before - self.written):
            if self._link_above(name):
                continue  # not one of our files
            (self.path / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or in use
                (self.path / name).parent.rmdir()
        write_atomic(self.list, "".join(f"{name}\n" for name in sorted(self.written)).encode())


def _listed(path: Path, ours: re.Pattern[str]) -> set[str]:
    """Return the listed files, if they can be ours."""
    if not path.is_file():
        return set()
    sweep_partial(path.parent)
    with path.open("rb") as file:
        text = file.read(_MAX_LIST_BYTES).decode("ascii", "replace")
    return set(filter(ours.fullmatch, text.splitlines()))
