"""Read a record of a pull request and its logs again from git objects, to show them."""

import os
from dataclasses import dataclass
from pathlib import Path

from golfcheck.queue import gitfolder
from golfcheck.queue.objects import Objects
from golfcheck.queue.treefiles import TreeFiles
from golfcheck.submission import bounded
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record, load_from


@dataclass(frozen=True, slots=True)
class Opening:
    """A record folder of a repository: its path there, and its tree."""

    repository: Path
    path: str
    tree: str

    def _objects(self) -> Objects:
        return Objects(gitfolder.find(self.repository).objects, len(self.tree))

    def record(self) -> Record:
        """Read the record; its path does not exist on disk. Raises GolfcheckError without the repository."""
        with self._objects() as objects:
            return load_from(TreeFiles(objects, self.tree), Path(os.devnull) / self.path)

    def log(self, path: str) -> LogText:
        """Read one of its logs. Raises bounded.UnreadableError."""
        with self._objects() as objects:
            data, _ = TreeFiles(objects, self.tree).read(path, bounded.MAX_LOG_BYTES)
        return LogText(data)
