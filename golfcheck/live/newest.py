"""The log that is most likely the one that a run writes now."""

import time
from collections.abc import Iterable
from pathlib import Path

_FRESH_SECONDS = 600
_PLACES = ("logs/*.txt", "logs/*.log", "*.log", "*/*.log")


def newest_log(folder: Path) -> Path | None:
    """Return the log below `folder` that was written to last, or None if there is none."""
    return next(iter(logs(folder)), None)


def logs(folder: Path) -> list[Path]:
    """Return the logs below `folder`, the one that was written to last first."""
    return _newest_first(path for pattern in _PLACES for path in folder.glob(pattern))


def logs_near(log: Path) -> list[Path]:
    """Return the files next to a log that end as it does, and the logs below this folder, the newest first."""
    neighbors = log.parent.glob(f"*{log.suffix}") if log.suffix else iter(())
    others = {path.resolve(): path for path in [*logs(Path()), *neighbors]}
    others.pop(log.resolve(), None)
    return _newest_first(others.values())


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted({path for path in paths if path.is_file()}, key=lambda path: (-path.stat().st_mtime, path))


def is_fresh(log: Path) -> bool:
    """Whether something was written in the last ten minutes, as a run that goes on would have done."""
    return time.time() - log.stat().st_mtime < _FRESH_SECONDS
