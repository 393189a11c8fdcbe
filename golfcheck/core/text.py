"""Printing untrusted text: `safe` makes any string harmless; the other functions measure and cut it.

Everything from a submission passes through `safe` before it is printed, in every format: file names, messages, authors,
exception texts. Characters that a terminal would obey, or that would deceive the reader, are shown escaped.
"""

import re
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path

LIMIT_CHARS = 2_000  # of one string in a report, ten times as long as our own messages
_MARKS = 4  # combining marks on one character; living scripts use fewer
_NOTE_CHARS = 32  # room for "… (12,345,678 more characters)"
# Printable according to their category, but invisible: the grapheme joiner, Hangul fillers, Khmer inherent vowels, the
# blank Braille cell, and the variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
)
# Emoji sequences that are drawn as one: with a variation selector, a skin tone, or joined to further emoji. From the
# older blocks, only characters that occur in such sequences.
_OLD_EMOJI = "☀☁☂☃☎☑☕☠☢☣☮☯☹☺♀♂♠♣♥♦♻♾⚒⚓⚔⚕⚖⚗⚙⚛⚠⚡⚧⚽⚾⛄⛈⛔⛳✂✅✈✉✊✋✌✍✏✒✔✖✨✳✴❄❇❌❎❓❗❣❤➕➖➡⬅⬆⬇⬛⬜⭐⭕"
_ONE_EMOJI = f"(?:[{_OLD_EMOJI}]|[\U0001f300-\U0001f3fa\U0001f400-\U0001faff])\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(f"{_ONE_EMOJI}(?:\u200d{_ONE_EMOJI}){{0,7}}")
_EMOJI_COLUMNS = 2
_RUNNER_COMMAND = re.compile(r"(?<!\S)::(?=[A-Za-z-]+(?:\s.*?)?::)")


def safe(text: str, limit: int = LIMIT_CHARS) -> str:
    r"""Return `text` on one line; control, format, bidi and zero-width characters escaped (`\x1b`, `\u202e`).

    Returns at most `limit` characters, the last of which say how many were cut. Combining marks are escaped at the
    start of the text, where they would modify a character of ours, and after the fourth on one character. White space
    other than the plain space is escaped, because it could pass for one. So are the commands that a runner of GitHub
    Actions takes out of whatever a job prints: `##[name]` anywhere, `::name::` where a line may begin.
    """
    if "::" in text or "##[" in text:
        text = _RUNNER_COMMAND.sub(r"\\x3a:", text.replace("##[", r"##\x5b"))
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
    """Return a path as one word of a printed command, quoted so that it is safe to paste."""
    text = safe(str(path), 400)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def width(text: str) -> int:
    """Return the width of `text`, which has been through `safe`, in terminal columns."""
    return len(text) if text.isascii() else sum(columns for _, columns in drawn_parts(text))


def fit(text: str, columns: int) -> str:
    """Return `text` cut to at most `columns` (1 or more) terminal columns, with an ellipsis if it was cut."""
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
    """Return `text` cut or padded with spaces to exactly `columns` terminal columns."""
    text = fit(text, columns)
    return text + " " * (columns - width(text))


def drawn_parts(text: str) -> Iterator[tuple[str, int]]:
    """Yield each emoji sequence or single character, with its width in columns."""
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
