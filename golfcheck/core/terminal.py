"""What the terminal behind a stream can show: colors, width, characters."""

import os

TYPE_CHECKING = False  # importing typing takes 5 ms, a fifth of `golfcheck --help`
if TYPE_CHECKING:
    from typing import TextIO

_PAGE_COLUMNS = 100  # for pipes and files
_MIN_COLUMNS = 40


def wants_color(stream: "TextIO") -> bool:
    """Whether to write colors to `stream`: NO_COLOR decides, then FORCE_COLOR, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns(stream: "TextIO") -> int:
    """Return the line width for `stream`: COLUMNS, else the terminal's width, else 100; at least 40."""
    setting = os.environ.get("COLUMNS", "")
    if setting.isdecimal() and int(setting):
        return max(_MIN_COLUMNS, int(setting))
    try:
        return max(_MIN_COLUMNS, os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):  # not a terminal, or not a file
        return _PAGE_COLUMNS


def only_ascii(stream: "TextIO") -> bool:
    """Whether the stream's encoding lacks the block characters that bars consist of."""
    try:
        "█▏…±".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False
