"""The folder of a site: what golfcheck wrote there is listed in it, and nothing else is ever replaced or removed."""

import contextlib
import re
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.reference.files import sweep_partial, write_atomic

_LIST = ".golfcheck-site"
_QUEUE_LIST = ".golfcheck-queue"  # of the part that another command writes into the same folder
_MAX_LIST_BYTES = 2**24
_OURS = re.compile(r"(?:index\.html|data\.json|feed\.xml|records/[a-z0-9-]+/[a-z0-9-]+\.html)")
_OURS_OF_QUEUE = re.compile(r"(?:queue\.html|queue\.json|pulls/[0-9]{1,9}\.html)")


class SiteFolder:
    """A folder to write pages into. Leaving the block without an exception removes the pages that were not written.

    `queue`: the part that `golfcheck queue` writes, which may stand beside a board.

    Each file is there as a whole or as it was before. Raises UsageError for a file that golfcheck has not made.
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
        self.before = _listed(self.list, self.ours)
        return self

    def write(self, name: str, data: bytes) -> None:
        """Write a file; `name` is relative to the folder."""
        assert self.ours.fullmatch(name), name
        path = self.path / name
        if name not in self.before and (path.exists() or path.is_symlink()):
            raise UsageError(
                f"{path}: golfcheck did not make this file; expected an empty folder, or a site of its own"
            )
        self._claim(name)
        if not path.is_file() or path.read_bytes() != data:
            write_atomic(path, data)

    def _claim(self, name: str) -> None:
        """Put a new file on the list before it is there: a site that was written half-way still knows its own."""
        if name not in self.before:
            self.path.mkdir(parents=True, exist_ok=True)
            with self.list.open("a", encoding="ascii") as file:
                file.write(f"{name}\n")
        self.written.add(name)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        for name in sorted(self.before - self.written):
            (self.path / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or the site's own
                (self.path / name).parent.rmdir()
        write_atomic(self.list, "".join(f"{name}\n" for name in sorted(self.written)).encode())


def _listed(path: Path, ours: re.Pattern[str]) -> set[str]:
    """Return the files that the list names, those only that could be ours."""
    if not path.is_file():
        return set()
    sweep_partial(path.parent)
    with path.open("rb") as file:
        text = file.read(_MAX_LIST_BYTES).decode("ascii", "replace")
    return set(filter(ours.fullmatch, text.splitlines()))
