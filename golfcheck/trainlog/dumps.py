"""Source code dumped into a log: where it stands, so that its text is not taken for lines of the log.

Our trainer writes `# file: NAME, N bytes` and then exactly N bytes. The contest's scripts print themselves, then a line
of 100 `=`; a source that holds such a line itself is not cut there, for what follows the real one is known.
"""

import re
from dataclasses import dataclass

from golfcheck.trainlog.events import SourceDump
from reference import loglines

_RULE = str(loglines.Separator()).encode() + b"\n"
_MAX_RULES = 64  # of one log; a log of one run has two or four
_MAX_FILES = 512
_AFTER_RULE = re.compile(rb"(?:Running )?Python [0-9]|Hyperparameters:|--- ")
_IS_PYTHON = re.compile(rb"^(?:import [A-Za-z_]|from [A-Za-z_.][A-Za-z0-9_.]{0,80} import )", re.MULTILINE)
_FIRST_LINE = re.compile(
    rb"^(?:\"\"\"|'''|#|@|import [A-Za-z_]|from [A-Za-z_.]|exec\(|(?:def|class) |[A-Za-z_][A-Za-z0-9_]{0,40} ?= ?)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """A dump and the bytes of the log that it takes: data[start:end]."""

    start: int
    end: int
    dump: SourceDump


def find(data: bytes) -> list[Span]:
    """Return the dumps of a log (UTF-8, newlines normalized) in their order; they do not overlap."""
    spans = _named(data)
    return spans or _printed(data)


def _named(data: bytes) -> list[Span]:
    """Files that our trainer announces with their length; they stand one after another at the beginning."""
    spans: list[Span] = []
    position = 0
    while len(spans) < _MAX_FILES:
        start = position if data.startswith(b"# file: ", position) else data.find(b"\n# file: ", position) + 1
        if not data.startswith(b"# file: ", start) or start < position:
            break
        end_of_line = data.find(b"\n", start)
        header = loglines.SourceFile.parse(data[start:end_of_line][:4200].decode("utf-8", "replace"))
        if end_of_line < 0 or header is None:
            if end_of_line < 0:
                break
            position = end_of_line
            continue
        first = end_of_line + 1
        position = first + min(header.size_bytes, len(data) - first)
        dump = SourceDump(data.count(b"\n", 0, first) + 1, header.name, data[first:position])
        spans.append(Span(start, position, dump))
    return spans


def _printed(data: bytes) -> list[Span]:
    """Scripts that print themselves before a rule of 100 `=`."""
    spans: list[Span] = []
    begin = position = 0
    for _ in range(_MAX_RULES):
        rule = position if data.startswith(_RULE, position) else data.find(b"\n" + _RULE, position) + 1
        if rule == 0 and not data.startswith(_RULE):
            break
        position = rule + len(_RULE)
        is_real = _AFTER_RULE.match(data, position) is not None
        if data.find(b"import ", begin, rule) < 0 or not _IS_PYTHON.search(data, begin, rule):
            begin = position
        elif is_real or data.find(b"\n" + _RULE, position - 1) < 0:
            first = _FIRST_LINE.search(data, begin, rule)
            assert first  # an import is a first line
            text = data[first.start() : rule].removesuffix(b"\n")
            line = data.count(b"\n", 0, first.start()) + 1
            spans.append(Span(first.start(), rule, SourceDump(line, None, text)))
            begin = position
    return spans
