"""Untrusted text on its way to a person: one function makes any string harmless, others say how wide it is.

Everything that was submitted passes through `safe` before it is printed, in every format: file names,
messages, authors, the texts of exceptions. What a terminal would obey, or an eye would be deceived by, is
shown escaped.
"""

import re
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path

LIMIT_CHARS = 2_000  # of one string in a report; a message of ours is a tenth of that
_MARKS = 4  # combining marks on one character: more than living scripts stack
_NOTE_CHARS = 32  # room for "… (12,345,678 more characters)"
# Printable by category, but drawn as nothing: the grapheme joiner, Hangul fillers, Khmer inherent vowels, the
# blank Braille cell, and the variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)
# Emoji of several characters, drawn as one: a variation selector or a color of skin, joined to further emoji. Of the
# older blocks only those that are emoji with a selector, or are joined to others.
_OLD_EMOJI = "☀☁☂☃☎☑☕☠☢☣☮☯☹☺♀♂♠♣♥♦♻♾⚒⚓⚔⚕⚖⚗⚙⚛⚠⚡⚧⚽⚾⛄⛈⛔⛳✂✅✈✉✊✋✌✍✏✒✔✖✨✳✴❄❇❌❎❓❗❣❤➕➖➡⬅⬆⬇⬛⬜⭐⭕"
_ONE_EMOJI = f"(?:[{_OLD_EMOJI}]|[\U0001f300-\U0001f3fa\U0001f400-\U0001faff])\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(f"{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI}){{0,7}}")
_EMOJI_COLUMNS = 2


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
    joiners = {index for match in _EMOJI.finditer(text) for index in range(match.start() + 1, match.end())}
    for index, character in enumerate(text):
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        # isprintable() is False for control, format, surrogate, private, unassigned characters, and blanks.
        plain = (character.isprintable() and character not in _BLANK and marks <= _MARKS) or index in joiners
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
    return len(text) if text.isascii() else sum(columns for _, columns in drawn_parts(text))


def fit(text: str, columns: int) -> str:
    """Return `text` cut to at most `columns` (1 or more) terminal columns, an ellipsis where it is cut."""
    if width(text) <= columns:
        return text
    prefix, room = "", columns - 1
    for part, part_columns in drawn_parts(text):
        room -= part_columns
        if room < 0:
            break
        prefix += part
    return prefix.rstrip() + "…"


def pad(text: str, columns: int) -> str:
    """Return `text` cut or filled with blanks to exactly `columns` terminal columns."""
    text = fit(text, columns)
    return text + " " * (columns - width(text))


def drawn_parts(text: str) -> Iterator[tuple[str, int]]:
    """Yield what is drawn as one, an emoji of several characters or a single character, and its columns."""
    end = 0
    for match in _EMOJI.finditer(text):
        yield from ((character, _columns(character)) for character in text[end : match.start()])
        end = match.end()
        yield match[0], _EMOJI_COLUMNS if "\ufe0f" in match[0] else _columns(match[0][0])  # as terminals do
    yield from ((character, _columns(character)) for character in text[end:])


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
