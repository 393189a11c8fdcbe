"""Where this user's caches and states are kept."""

import os
from pathlib import Path


def user_folder(variable: str, below_home: str) -> Path:
    """Return the folder that a variable like XDG_CACHE_HOME names, or else the one below the user's home.

    A relative path is ignored (as the XDG specification says): it would be relative to the folder that golfcheck is
    started in, which may be a record. If there is no home either, the result is a path that cannot be written to.
    """
    named = os.environ.get(variable, "")
    base = Path(named)
    if not base.is_absolute():
        base = expanded(f"~/{below_home}")
    return (base if base.is_absolute() else Path(os.devnull)) / "golfcheck"


def expanded(path: str) -> Path:
    """Return a path with `~` replaced by the user's home; unchanged without a home (`Path.expanduser` raises)."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
