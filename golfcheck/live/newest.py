"""The log that is most likely the one that a run writes now."""

import time
from pathlib import Path

_FRESH_SECONDS = 600
_PLACES = ("logs/*.txt", "logs/*.log", "*.log", "*/*.log")


def newest_log(folder: Path) -> Path | None:
    """Return the log below `folder` that was written to last, or None if there is none."""
    found = [path for pattern in _PLACES for path in folder.glob(pattern) if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def is_fresh(log: Path) -> bool:
    """Whether something was written in the last ten minutes, as a run that goes on would have done."""
    return time.time() - log.stat().st_mtime < _FRESH_SECONDS
