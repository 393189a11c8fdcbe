"""Where this user's caches and states are kept."""

import os
from pathlib import Path


def user_folder(variable: str, below_home: str) -> Path:
    """Return the folder that a variable like XDG_CACHE_HOME names, or else the one below the user's home.

    A relative path is none (as the XDG specification says): it would name a place in whatever folder golfcheck is
    started in, a record's too. Where there is no home either, the result is a path that nothing can be written to.
    """
    named = os.environ.get(variable, "")
    base = Path(named)
    if not base.is_absolute():
        base = expanded(f"~/{below_home}")
    return (base if base.is_absolute() else Path(os.devnull)) / "golfcheck"


def expanded(path: str) -> Path:
    """Return a path with `~` as the user's home; as it is where there is none (`Path.expanduser` raises)."""
    return Path(os.path.expanduser(path))  # noqa: PTH111
