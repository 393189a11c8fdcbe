"""What is kept between two runs: filter, order, theme, and the record under the cursor. A broken file is no state."""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from golfcheck.reference.files import write_atomic

_MAX_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Session:
    """How the board was left; `record` is the path under the cursor in the tree `root`."""

    filter: str = ""
    sort: str = "rank"
    reverse: bool = False
    theme: str = "golfcheck"
    root: str = ""
    record: str = ""


def path() -> Path:
    """Return where it is kept: `$XDG_STATE_HOME/golfcheck/tui.json`."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "golfcheck" / "tui.json"


def load() -> Session:
    """Return what was kept; of a file that cannot be read or meant, the defaults."""
    try:
        with path().open("rb") as file:
            found = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return Session()
    if not isinstance(found, dict):
        return Session()
    defaults = Session()
    known = {
        f.name: found[f.name] for f in fields(Session) if type(found.get(f.name)) is type(getattr(defaults, f.name))
    }
    return Session(**known)


def save(session: Session) -> None:
    """Keep it; where that is not possible, nothing is kept."""
    with contextlib.suppress(OSError):
        write_atomic(path(), json.dumps(asdict(session), indent=1).encode())
