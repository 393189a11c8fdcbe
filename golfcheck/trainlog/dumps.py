"""Find source code dumped into a log, so that its text is not read as lines of the log.

Our trainer writes `# file: NAME, N bytes` and then exactly N bytes. The contest's scripts print themselves, then a line
of 100 `=`; a source that contains such a line itself is not cut there, because the text after the real one is known.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from golfcheck.core.work import LOG_LINE_US, Work
from golfcheck.trainlog import linekinds, templates
from golfcheck.trainlog.events import SourceDump

_RULE = str(linekinds.Separator()).encode() + b"\n"
_MAX_RULES = 64  # per log; a log with one run has two or four
_MAX_FILES = 512
_MAX_DUMP_BYTES = 4 * 2**20  # of all dumps in a log; a source has at most 2 MiB, and a real one a tenth of that
_MAX_HEADER_BYTES = 4_200
_AFTER_RULE = re.compile(rb"(?:Running )?Python (?=[0-9])|Hyperparameters:|--- ")
_IS_PYTHON = re.compile(rb"^(?:import [A-Za-z_]|from [A-Za-z_.][A-Za-z0-9_.]{0,80} import )", re.MULTILINE)
_FIRST_LINE = re.compile(
    rb"^(?:\"\"\"|'''|#|@|import [A-Za-z_]|from [A-Za-z_.]|exec\(|(?:def|class) |[A-Za-z_][A-Za-z0-9_]{0,40} ?= ?)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class DumpSpan:
    """A dump and its position in the log: data[start:end]."""

    start: int
    end: int
    dump: SourceDump


def find(data: bytes, work: Work | None = None) -> list[DumpSpan]:
    """Return the dumps of a log (UTF-8, newlines normalized) in order; they do not overlap.

    `work` is the record's remaining budget (None: a full one).
    """
    spans = _named(data, Work() if work is None else work) or _printed(data)
    left_bytes = _MAX_DUMP_BYTES
    for index, span in enumerate(spans):
        if len(span.dump.text) > left_bytes:
            spans[index] = replace(span, dump=replace(span.dump, text=span.dump.text[:left_bytes]))
        left_bytes -= len(spans[index].dump.text)
    return spans


class _Lines:
    """The line numbers of increasing positions."""

    def __init__(self, data: bytes) -> None:
        self.data, self.number, self.position = data, 1, 0

    def at(self, position: int) -> int:
        self.number += self.data.count(b"\n", self.position, position)
        self.position = position
        return self.number


def _named(data: bytes, work: Work) -> list[DumpSpan]:
    """Files that our trainer announces with their length, one after another at the beginning."""
    spans: list[DumpSpan] = []
    lines, position = _Lines(data), 0
    while len(spans) < _MAX_FILES and (start := _line_with(b"# file: ", data, position)) >= 0:
        end_of_line = data.find(b"\n", start)
        if end_of_line < 0 or not work.spend(1, LOG_LINE_US):
            break
        position = end_of_line + 1
        header: Any = templates.parse_as(
            linekinds.SourceFile, data[start:end_of_line][:_MAX_HEADER_BYTES].decode("utf-8", "replace")
        )
        if header is None:
            continue
        end = min(position + max(header.size_bytes, 0), len(data))
        text = data[position : min(end, position + _MAX_DUMP_BYTES)]
        spans.append(DumpSpan(start, end, SourceDump(lines.at(position), header.name, text)))
        position = end
    return spans


def _printed(data: bytes) -> list[DumpSpan]:
    """Scripts that print themselves before a rule of 100 `=`."""
    spans: list[DumpSpan] = []
    lines = _Lines(data)
    begin = position = searched = 0
    has_code = False  # between `begin` and `searched`
    in_machine = False  # between the two rules around the description of the machine
    for _ in range(_MAX_RULES):
        rule = _line_with(_RULE, data, position)
        if rule < 0:
            break
        position = rule + len(_RULE)
        opens = _AFTER_RULE.match(data, position)
        is_last = not opens and _line_with(_RULE, data, position) < 0
        may_have = not has_code and data.find(b"import ", searched, rule) >= 0
        has_code = has_code or (may_have and _IS_PYTHON.search(data, searched, rule) is not None)
        searched = position
        if has_code and (opens or is_last):
            first = _FIRST_LINE.search(data, begin, rule)
            assert first  # an import is a first line
            text = data[first.start() : min(rule, first.start() + _MAX_DUMP_BYTES)].removesuffix(b"\n")
            spans.append(DumpSpan(first.start(), rule, SourceDump(lines.at(first.start()), None, text)))
        elif not (opens or in_machine):
            continue  # a rule inside a source
        begin, has_code = position, False
        in_machine = opens is not None and opens[0].endswith(b"Python ")
    return spans


def _line_with(mark: bytes, data: bytes, position: int) -> int:
    """Return where the next line that begins with `mark` begins, from the line that begins at `position` on; or -1."""
    if data.startswith(mark, position):
        return position
    newline = data.find(b"\n" + mark, position)
    return newline + 1 if newline >= 0 else -1
