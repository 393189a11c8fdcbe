"""What the terminal at the other end of a stream can show: color, width, characters."""

import os
import shutil
from typing import TextIO

_PAGE_COLUMNS = 100  # of a pipe or a file; longer lines are hard to read
_MIN_COLUMNS = 40


def wants_color(stream: TextIO) -> bool:
    """Whether to color what goes to `stream`: NO_COLOR decides, then FORCE_COLOR, then if it is a TTY."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns(stream: TextIO) -> int:
    """Return how wide to write to `stream`: COLUMNS, else the terminal's width, else a page; 40 at least."""
    if stream.isatty() or os.environ.get("COLUMNS"):
        return max(_MIN_COLUMNS, shutil.get_terminal_size((_PAGE_COLUMNS, 24)).columns)
    return _PAGE_COLUMNS


def only_ascii(stream: TextIO) -> bool:
    """Whether the stream's encoding lacks the blocks that bars are drawn of."""
    try:
        "█▏…±".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
