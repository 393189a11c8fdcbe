"""The logs that runs are most likely writing now."""

import time
from collections.abc import Iterable
from pathlib import Path

_FRESH_SECONDS = 600
_PLACES = ("logs/*.txt", "logs/*.log", "*.log", "*/*.log")


def logs(folder: Path) -> list[Path]:
    """Return the logs below `folder`, the most recently written first."""
    return _newest_first(path for pattern in _PLACES for path in folder.glob(pattern))


def logs_near(log: Path) -> list[Path]:
    """Return the files next to a log with the same suffix, and the logs below the current folder, newest first."""
    neighbors = log.parent.glob(f"*{log.suffix}") if log.suffix else iter(())
    others = {path.resolve(): path for path in [*logs(Path()), *neighbors]}
    others.pop(log.resolve(), None)
    return _newest_first(others.values())


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted({path for path in paths if path.is_file()}, key=lambda path: (-path.stat().st_mtime, path))


def is_fresh(log: Path) -> bool:
    """Whether the log was written to in the last ten minutes, as that of a run in progress would be."""
    return time.time() - log.stat().st_mtime < _FRESH_SECONDS
