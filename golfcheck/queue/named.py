"""Which pull requests and records a submission says it builds on: in submission.json and in its README."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golfcheck.submission.record import Record

_MAX = 100
_MAX_LINES = 5_000
_LINE_CHARS = 2_000
_BEFORE_CHARS = 160  # in which a line may say that it builds on what follows
_PULL = re.compile(r"(?:\bPRs?[ -]?#?|\bpull[ /](?:request )?#?|(?<![\w/&])#)([1-9][0-9]{0,5})\b", re.IGNORECASE)
_RECORD = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2}_[A-Za-z0-9][A-Za-z0-9_.+-]{2,150})")
_BASE = re.compile(
    r"\b(?:buil[dt]s?|building|based|stack(?:ed|s|ing)?|fork(?:ed|s)?|on top|deriv\w+|exten(?:ds?|ded|sion)"
    r"|start(?:s|ed|ing)?(?: point)? from|inherit\w*|parent|base|lineage|descend\w*|port(?:ed|s)? (?:of|from))\b",
    re.IGNORECASE,
)
_BASE_KEY = re.compile(r"base|parent|lineage|builds?_on|built_on|derived|fork|stack|reference", re.IGNORECASE)
_NOT_BASE_KEY = re.compile(r"baseline|database|bpb|score|loss", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A pull request (or a record's folder) that a submission names; `base`: it says that it builds on it."""

    pull: int | None
    record: str | None
    base: bool
    path: str
    line: int


def named_in(record: Record) -> tuple[Named, ...]:
    """Return what a submission names, each once, starting with the JSON."""
    seen: dict[tuple[int | None, str | None, bool], Named] = {}
    for one in (*_in_json(record), *_in_readme(record)):
        seen.setdefault((one.pull, one.record, one.base), one)
        if len(seen) >= _MAX:
            break
    return tuple(seen.values())


def _in_json(record: Record) -> Iterator[Named]:
    submission = record.submission
    for key, value in submission.raw.items() if submission else ():
        assert submission is not None
        line = submission.line_of.get(key, 1)
        base = bool(_BASE_KEY.search(key)) and not _NOT_BASE_KEY.search(key)
        if base and isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**6:
            yield Named(value, None, True, submission.path, line)
        for text in _texts(value, 0):
            yield from _in_line(text, submission.path, line, base)


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:_LINE_CHARS]
    elif isinstance(value, list | dict) and depth < 4:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, depth + 1)


def _in_readme(record: Record) -> Iterator[Named]:
    names = [file.path for file in record.files if file.path.lower() in ("readme.md", "readme")]
    if record.readme is None or not names:
        return
    for number, line in enumerate(record.readme.split("\n", _MAX_LINES)[:_MAX_LINES], start=1):
        yield from _in_line(line[:_LINE_CHARS], names[0], number, False)


def _in_line(text: str, path: str, line: int, base: bool) -> Iterator[Named]:
    """Yield what a line names; it is the base if the words before it, in the same sentence, say so."""
    for pattern in (_PULL, _RECORD):
        for match in pattern.finditer(text):
            before = re.split(r"[.;!?]\s", text[max(0, match.start() - _BEFORE_CHARS) : match.start()])[-1]
            is_base = base or bool(_BASE.search(before))
            if pattern is _RECORD:
                yield Named(None, match[1], is_base, path, line)
            elif not match[0].startswith("#") or int(match[1]) >= 10:  # "#1" is a rank
                yield Named(int(match[1]), None, is_base, path, line)
