"""Reading a line of our own trainer's log by its template (`trainlog.linekinds`)."""

import re
from collections.abc import Callable
from string import Formatter
from typing import Any

from golfcheck.trainlog.linekinds import KINDS, LogLine

_READERS: dict[type, Callable[[str], Any]] = {int: int, bool: "True".__eq__, str: str, float: float}
# Bounded, because it reads untrusted logs. A value must also print as it is written: `parse_as` checks that.
# Words are matched like values: separating two free texts could take seconds on a hostile line.
_TEXT, _VALUE = r"[^\n\r]{0,4096}", r"[!-~]{1,400}"


def _pattern(kind: type[LogLine]) -> re.Pattern[str]:
    """Return the expression that matches lines of this kind, with one named group per field."""
    expression = ""
    for literal, field, spec, _ in Formatter().parse(kind.template):
        expression += re.escape(literal)
        if field is not None:
            expression += f"(?P<{field}>{_TEXT if kind.types[field] is str and not spec else _VALUE})"
    return re.compile(expression)


PATTERNS = {kind: _pattern(kind) for kind in KINDS}
_HEADS = tuple((kind.template.partition("{")[0], kind) for kind in KINDS)


def parse(text: str) -> LogLine | None:
    """Return `text` (without its newline) as a line of some kind, or None if it is of none."""
    for head, kind in _HEADS:
        if text.startswith(head) and (line := parse_as(kind, text)) is not None:
            return line
    return None


def parse_as(kind: type[LogLine], text: str) -> LogLine | None:
    """Read `text` if all of it is a line of this kind."""
    match = PATTERNS[kind].fullmatch(text)
    try:
        line = match and kind(**{name: _READERS[type_](match[name]) for name, type_ in kind.types.items()})
    except ValueError:
        return None
    return line if str(line) == text else None
