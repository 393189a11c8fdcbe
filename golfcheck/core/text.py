"""Strangers' text on its way to a person: one function makes any string harmless, others say how wide it is.

Everything that was submitted passes through `safe` before it is printed, in every format: file names,
messages, authors, the texts of exceptions. What a terminal would obey, or an eye would be deceived by, is
shown escaped.
"""

import shlex
import unicodedata
from pathlib import Path

LIMIT_CHARS = 2_000  # of one string in a report; a message of ours is a tenth of that
_MARKS = 4  # combining marks on one character: more than living scripts stack
_NOTE_CHARS = 32  # room for "… (12,345,678 more characters)"
# Printable by category, but drawn as nothing: the grapheme joiner, Hangul fillers, Khmer inherent vowels, the
# blank Braille cell, and the variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)


def safe(text: str, limit: int = LIMIT_CHARS) -> str:
    r"""Return `text` on one line; control, format, bidi and zero-width characters escaped (`\x1b`, `\u202e`).

    At most `limit` characters are returned; what is cut is counted at the end. Combining marks are escaped at
    the start of the text, where they would change a character of ours, and after the fourth on one character.
    The plain space stays; every other blank is escaped, for it may pose as one.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    counts = limit > 2 * _NOTE_CHARS
    room = limit - (_NOTE_CHARS if counts else 1)
    shown: list[str] = []
    length = fits = 0
    marks = _MARKS
    for character in text:
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        # isprintable() is False for control, format, surrogate, private, unassigned characters, and blanks.
        plain = character.isprintable() and character not in _BLANK and marks <= _MARKS
        shown.append(character if plain else character.encode("unicode_escape").decode("ascii"))
        length += len(shown[-1])
        if length > limit:
            note = f"… ({len(text) - fits:,} more characters)" if counts else "…"
            return ("".join(shown[:fits]) + note)[:limit]
        if length <= room:
            fits = len(shown)
    return "".join(shown)


def shell_word(path: str | Path) -> str:
    """Return a path as one word of a command that we print: whoever pastes it runs that command and nothing else."""
    text = safe(str(path), 400)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def width(text: str) -> int:
    """Return how many terminal columns `text` takes; it has been through `safe`."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fit(text: str, columns: int) -> str:
    """Return `text` cut to at most `columns` (1 or more) terminal columns, an ellipsis where it is cut."""
    if width(text) <= columns:
        return text
    kept, room = "", columns - 1
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + "…"


def pad(text: str, columns: int) -> str:
    """Return `text` cut or filled with blanks to exactly `columns` terminal columns."""
    text = fit(text, columns)
    return text + " " * (columns - width(text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
