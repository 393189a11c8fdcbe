"""State that is saved between runs: filter, order, theme, the record under the cursor. A broken file is ignored."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from golfcheck.core.userfolders import user_folder
from golfcheck.reference.files import write_atomic

_MAX_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Session:
    """The saved state; `record` is the path under the cursor in the tree `root`."""

    filter: str = ""
    sort: str = "rank"
    reverse: bool = False
    theme: str = "golfcheck"
    root: str = ""
    record: str = ""


def path() -> Path:
    """Return the path of the file: `$XDG_STATE_HOME/golfcheck/tui.json`."""
    return user_folder("XDG_STATE_HOME", ".local/state") / "tui.json"


def load() -> Session:
    """Return the saved state, or the defaults if the file cannot be read or is invalid."""
    try:
        with path().open("rb") as file:
            values = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return Session()
    if not isinstance(values, dict):
        return Session()
    defaults = Session()
    valid = {
        f.name: values[f.name] for f in fields(Session) if type(values.get(f.name)) is type(getattr(defaults, f.name))
    }
    return Session(**valid)


def save(session: Session) -> None:
    """Save the state, if possible."""
    with contextlib.suppress(OSError):
        write_atomic(path(), json.dumps(asdict(session), indent=1).encode())
