"""What the terminal at the other end of a stream can show: color, width, characters."""

import os

TYPE_CHECKING = False  # typing's own costs 5 ms, a fifth of `golfcheck --help`
if TYPE_CHECKING:
    from typing import TextIO

_PAGE_COLUMNS = 100  # of a pipe or a file; longer lines are hard to read
_MIN_COLUMNS = 40


def wants_color(stream: "TextIO") -> bool:
    """Whether to color what goes to `stream`: NO_COLOR decides, then FORCE_COLOR, then if it is a TTY."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns(stream: "TextIO") -> int:
    """Return how wide to write to `stream`: COLUMNS, else the terminal's width, else a page; 40 at least."""
    setting = os.environ.get("COLUMNS", "")
    if setting.isdecimal() and int(setting):
        return max(_MIN_COLUMNS, int(setting))
    try:
        return max(_MIN_COLUMNS, os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):  # no terminal, or no file at all
        return _PAGE_COLUMNS


def only_ascii(stream: "TextIO") -> bool:
    """Whether the stream's encoding lacks the blocks that bars are drawn of."""
    try:
        "█▏…±".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
