"""Strict JSON as defined by RFC 8259; every error gives the line and the column.

Python's own reader takes the last of two equal keys, NaN, numbers that overflow to infinity, lone surrogates, and any
depth until the stack overflows. A referee that reads one value where other readers see a different one can be fooled.
"""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

MAX_DEPTH = 32  # docs/limits.md; the deepest of 28 real submissions has 3
_LINED_DEPTH = 2  # of keys whose lines are recorded: those of the object, and of objects in it
MAX_DIGITS = 19  # as many as a 64-bit integer needs; Python reads 5,000 digits in quadratic time

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_UNICODE = re.compile(r"[0-9a-fA-F]{4}")
_WORDS = {"true": True, "false": False, "null": None}
_WORD = re.compile("true|false|null")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonError(ValueError):
    """What is wrong with a JSON text; `line` and `column` count from 1, columns in characters."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class JsonSpan(NamedTuple):
    """Where a key with its quotes, and its value, are in a text: text[key_start:key_end], text[start:end]."""

    key_start: int
    key_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON value, and for an object the line of each of its own keys, and where they are in the text.

    A key of an object in it has its line under both keys: `seeds/42`.
    """

    value: Any
    line_of: dict[str, int]
    spans: dict[str, JsonSpan]
    bom: bool


def parse(data: bytes) -> Document:
    """Read one JSON value. A UTF-8 byte order mark is accepted and reported. Raises JsonError."""
    bom = data.startswith(b"\xef\xbb\xbf")
    if bom:
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        _fail(before, len(before), f"not UTF-8: {error.reason} (byte {error.start})")
    reader = _Reader(text)
    value, end = reader.value(reader.space(0), 1)
    end = reader.space(end)
    if end != len(text):
        _fail(text, end, "text after the end of the value")
    return Document(value, reader.line_of, reader.spans, bom)


def _fail(text: str, position: int, message: str) -> NoReturn:
    line = text.count("\n", 0, position) + 1
    raise JsonError(message, line, position - text.rfind("\n", 0, position))


class _Reader:
    """A recursive descent over `text`; every method takes a position and returns the one after what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.line_of: dict[str, int] = {}
        self.parent = ""  # the key of the outermost object that is being read
        self.line, self.line_at = 1, 0  # the line of the last key, and where that key begins
        self.spans: dict[str, JsonSpan] = {}

    def space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        assert match
        return match.end()

    def value(self, position: int, depth: int) -> tuple[Any, int]:
        head = self.text[position : position + 1]
        if head in ("{", "["):
            if depth > MAX_DEPTH:
                _fail(self.text, position, f"nested more than {MAX_DEPTH} deep")
            return self.object(position, depth) if head == "{" else self.array(position, depth)
        if head == '"':
            return self.string(position)
        if word := _WORD.match(self.text, position):
            return _WORDS[word[0]], word.end()
        return self.number(position)

    def object(self, position: int, depth: int) -> tuple[dict[str, Any], int]:
        text, start = self.text, position
        result: dict[str, Any] = {}
        position = self.space(position + 1)
        if text[position : position + 1] == "}":
            return result, position + 1
        while True:
            if text[position : position + 1] != '"':
                _fail(text, position, "expected a key in double quotes")
            key_at = position
            key, position = self.string(position)
            if key in result:
                _fail(text, key_at, f"a duplicate key {key!a}")
            key_end, position = position, self.space(position)
            if text[position : position + 1] != ":":
                _fail(text, position, "expected ':' after a key")
            value_at = self.space(position + 1)
            if depth <= _LINED_DEPTH:
                self.line, self.line_at = self.line + text.count("\n", self.line_at, key_at), key_at
                self.parent = key if depth == 1 else self.parent
                self.line_of.setdefault(key if depth == 1 else f"{self.parent}/{key}", self.line)
            result[key], position = self.value(value_at, depth + 1)
            if depth == 1:
                self.spans[key] = JsonSpan(key_at, key_end, value_at, position)
            position, is_last = self.separator(position, "}", f"the object began at character {start + 1}")
            if is_last:
                return result, position

    def array(self, position: int, depth: int) -> tuple[list[Any], int]:
        text, start = self.text, position
        result: list[Any] = []
        position = self.space(position + 1)
        if text[position : position + 1] == "]":
            return result, position + 1
        while True:
            item, position = self.value(position, depth + 1)
            result.append(item)
            position, is_last = self.separator(position, "]", f"the array began at character {start + 1}")
            if is_last:
                return result, position

    def separator(self, position: int, end: str, where: str) -> tuple[int, bool]:
        """Read what comes after an item of an array or object: a comma, or `end`; and whether it was `end`."""
        position = self.space(position)
        head = self.text[position : position + 1]
        if head not in (",", end):
            _fail(self.text, position, f"expected ',' or {end!r} ({where})")
        return (position + 1, True) if head == end else (self.space(position + 1), False)

    def number(self, position: int) -> tuple[int | float, int]:
        match = _NUMBER.match(self.text, position)
        if not match:
            if self.text[position : position + 1].isalpha() or self.text.startswith("-I", position):
                _fail(self.text, position, "not a JSON value (NaN and Infinity are not allowed; strings need quotes)")
            _fail(self.text, position, "expected a value")
        digits = match[0]
        if digits.lstrip("-").isdigit():
            if len(digits.lstrip("-")) > MAX_DIGITS:
                _fail(self.text, position, f"an integer of more than {MAX_DIGITS} digits")
            return int(digits), match.end()
        number = float(digits)
        if number in (float("inf"), float("-inf")):
            _fail(self.text, position, "a number too large for a double")
        return number, match.end()

    def string(self, position: int) -> tuple[str, int]:
        text, start = self.text, position
        pieces = []
        position += 1
        while True:
            match = _PLAIN.match(text, position)
            assert match
            pieces.append(match[0])
            position = match.end()
            head = text[position : position + 1]
            if head == '"':
                return "".join(pieces), position + 1
            if head == "":
                _fail(text, start, "a string without its closing quote")
            if head != "\\":
                _fail(text, position, f"a control character (U+{ord(head):04X}) in a string: write it as an escape")
            piece, position = self.escape(position)
            pieces.append(piece)

    def escape(self, position: int) -> tuple[str, int]:
        text = self.text
        letter = text[position + 1 : position + 2]
        if letter in _ESCAPES:
            return _ESCAPES[letter], position + 2
        match = _UNICODE.match(text, position + 2) if letter == "u" else None
        if not match:
            _fail(text, position, "an escape sequence that JSON does not have")
        unit = int(match[0], 16)
        if not 0xD800 <= unit < 0xE000:
            return chr(unit), position + 6
        low = _UNICODE.match(text, position + 8) if text[position + 6 : position + 8] == "\\u" else None
        if unit < 0xDC00 and low and 0xDC00 <= int(low[0], 16) < 0xE000:
            return chr(0x10000 + (unit - 0xD800) * 0x400 + int(low[0], 16) - 0xDC00), position + 12
        _fail(text, position, "half of a surrogate pair")
