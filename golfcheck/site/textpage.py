"""A text file of a record as numbered lines, so that numbers on other pages can link to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from golfcheck.core.text import safe
from golfcheck.site.codepage import Runs
from golfcheck.submission.logtext import LogText

MAX_CHARS = 512 * 2**10  # of a page; the longest of 165 real logs has 205 KB
_LINE_CHARS = 1_000
_TAB = " " * 4


class Shown(NamedTuple):
    """A line of a page, and the number of lines skipped before it."""

    number: int
    runs: Runs
    skipped: int = 0


@dataclass(slots=True)
class Citations:
    """The files of a record that have a page, and the lines that are linked to."""

    pages: dict[str, str]  # path in the record → name of the page
    cited: dict[str, set[int]] = field(default_factory=dict)

    def href(self, path: str | None, line: int | None) -> str | None:
        """Return the address of a line, which is then included in the page; None for a file without a page."""
        page = self.pages.get(path) if path else None
        if page is None or path is None:
            return None
        if line is None:
            return page
        self.cited.setdefault(path, set()).add(line)
        return f"{page}#L{line}"


def shown_lines(log: LogText, cited: set[int]) -> Iterator[Shown]:
    """Yield the lines of a file; for a long one, its beginning, its end, and the lines that are linked to."""
    texts = _Lazy(log)
    for number, skipped in _chosen(texts, cited):
        yield Shown(number, (("", texts[number - 1]),), skipped)


def shown_code(lines: Sequence[Runs], cited: set[int]) -> Iterator[Shown]:
    """Yield the lines of a source like `shown_lines`; lines that are too long are cut."""
    texts = ["".join(text for _, text in runs) for runs in lines]
    for number, skipped in _chosen(texts, cited):
        runs, text = lines[number - 1], texts[number - 1]
        yield Shown(number, runs if len(text) <= _LINE_CHARS else (("", safe(text, _LINE_CHARS)),), skipped)


class _Lazy(Sequence[str]):
    """The lines of a log as shown, generated on demand."""

    def __init__(self, log: LogText) -> None:
        self.log = log

    def __len__(self) -> int:
        return len(self.log)

    def __getitem__(self, index: Any) -> Any:
        return safe(self.log.line(index + 1).replace("\t", _TAB), _LINE_CHARS)


def _chosen(texts: Sequence[str], cited: set[int]) -> Iterator[tuple[int, int]]:
    """Yield (line number, number of lines skipped before it) for the lines that fit on a page."""
    count = len(texts)
    head = _fill(texts, range(1, count + 1))
    tail = _fill(texts, range(count, head, -1)) if head < count else 0
    before = 0
    wanted = [*range(1, head + 1), *sorted(n for n in cited if head < n <= count - tail)]
    for number in [*wanted, *range(count - tail + 1, count + 1)]:
        yield number, number - before - 1
        before = number


def _fill(texts: Sequence[str], numbers: range) -> int:
    """Return how many lines fit on half a page."""
    room = MAX_CHARS // 2
    for count, number in enumerate(numbers):
        room -= min(len(texts[number - 1]), _LINE_CHARS) + 1
        if room < 0:
            return count
    return len(numbers)
