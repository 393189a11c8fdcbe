"""Open the user's editor at a line of a file."""

import os
import shlex
import shutil
from pathlib import Path

_AT_LINE = {"code": "--goto", "codium": "--goto", "subl": "", "hx": "", "zed": ""}  # these take FILE:LINE, others +LINE


def command(path: Path, line: int | None) -> list[str] | None:
    """Return the command that opens `path` at `line` in $VISUAL, $EDITOR or vi; None if none exists."""
    try:
        words = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    except ValueError:  # an unclosed quote
        return None
    if not words or shutil.which(words[0]) is None:
        return None
    file = str(path.resolve())  # absolute, so that a name that begins with - is not an option
    if line is None:
        return [*words, file]
    program = Path(words[0]).name
    if program in _AT_LINE:
        return [*words, *filter(None, [_AT_LINE[program]]), f"{file}:{line}"]
    return [*words, f"+{line}", file]
