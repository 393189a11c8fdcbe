"""Two texts → the hunks of a unified diff, in bounded time whatever the texts are.

Lines that occur once in both texts are paired first, as many as possible in the same order (Bram Cohen's patience
diff): between two versions of a program, these are the lines that a reader would pair. The gaps are then treated the
same way. A gap without such lines is aligned by a longest common subsequence, which takes time proportional to the
product of the two lengths, as long as a fixed allowance lasts; after that, all its lines count as removed and added.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_LINES = 50_000  # of one text; the longest real script has under 5,000
_MAX_DEPTH = 32  # gaps inside gaps
CELLS = 2_000_000  # of the tables of common subsequences, for all gaps in a pair of texts: 0.5 s


@dataclass(slots=True)
class Allowance:
    """What is left of it; several pairs of texts may share one."""

    cells: int = CELLS


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a hunk: "-" is in the first text only, "+" in the second only, " " in both."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines and their context; `first` and `second` are the line numbers in the texts at which it begins."""

    first: int
    second: int
    lines: tuple[DiffLine, ...]

    @property
    def head(self) -> str:
        """The line `@@ -1,7 +1,8 @@` above a hunk of a unified diff; an empty side has the line number before."""
        counts = (sum(line.sign != added for line in self.lines) for added in "+-")
        ranges = [
            f"{start if count else start - 1},{count}"
            for start, count in zip((self.first, self.second), counts, strict=True)
        ]
        return f"@@ -{ranges[0]} +{ranges[1]} @@"


def hunks(
    first: Sequence[str], second: Sequence[str], context: int = 3, allowance: Allowance | None = None
) -> tuple[Hunk, ...]:
    """Return the changes from `first` to `second` with `context` lines around each; only MAX_LINES of each are read."""
    first, second = first[:MAX_LINES], second[:MAX_LINES]
    script = list(_script(first, second, allowance))
    changed = [index for index, (sign, _, _) in enumerate(script) if sign != " "]
    groups: list[tuple[int, int]] = []
    for index in changed:
        start, end = max(0, index - context), min(len(script), index + context + 1)
        if groups and start <= groups[-1][1]:
            groups[-1] = groups[-1][0], end
        else:
            groups.append((start, end))
    return tuple(
        Hunk(
            script[start][1] + 1,
            script[start][2] + 1,
            tuple(DiffLine(sign, second[j] if sign == "+" else first[i]) for sign, i, j in script[start:end]),
        )
        for start, end in groups
    )


def _script(first: Sequence[str], second: Sequence[str], allowance: Allowance | None) -> list[tuple[str, int, int]]:
    """Return (sign, line of the first, line of the second) for every line of both."""
    script: list[tuple[str, int, int]] = []
    j = 0
    for i, partner in enumerate([*paired(first, second, allowance), len(second)]):
        if partner >= 0:
            script += [("+", i, index) for index in range(j, partner)]
            j = partner
        if i < len(first):
            script.append((" " if partner >= 0 else "-", i, j))
            j += partner >= 0
    return script


def paired(first: Sequence[str], second: Sequence[str], allowance: Allowance | None = None) -> list[int]:
    """Return for each line of `first` the equal line of `second` it is paired with, or -1; the order is kept."""
    allowance = allowance or Allowance()
    number: dict[str, int] = {}  # numbers are compared faster than lines
    a = [number.setdefault(line, len(number)) for line in first]
    b = [number.setdefault(line, len(number)) for line in second]
    partner = [-1] * len(a)
    pending = [(0, len(a), 0, len(b), 0)]
    while pending:
        i, i_end, j, j_end, depth = pending.pop()
        while i < i_end and j < j_end and a[i] == b[j]:
            partner[i] = j
            i, j = i + 1, j + 1
        while i < i_end and j < j_end and a[i_end - 1] == b[j_end - 1]:
            i_end, j_end = i_end - 1, j_end - 1
            partner[i_end] = j_end
        if i == i_end or j == j_end:
            continue
        anchors = _anchors(a[i:i_end], b[j:j_end]) if depth < _MAX_DEPTH else []
        if anchors:
            marks = [(i, j), *((i + x, j + y) for x, y in anchors), (i_end, j_end)]
            pending += [(i, to_i, j, to_j, depth + 1) for (i, j), (to_i, to_j) in pairwise(marks)]
        elif (i_end - i) * (j_end - j) <= allowance.cells:
            allowance.cells -= (i_end - i) * (j_end - j)
            for x, y in _common(a[i:i_end], b[j:j_end]):
                partner[i + x] = j + y
    return partner


def _anchors(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return the indices of values that occur once in both: the longest run of them in the same order in both."""
    indices = _once(b)
    pairs = [(i, indices[value]) for value, i in _once(a).items() if value in indices]
    ends: list[int] = []  # the least index in b at which an increasing run of each length ends
    chain: list[int] = []  # which pair that is
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        before.append(chain[length - 1] if length else -1)
        ends[length : length + 1] = [j]
        chain[length : length + 1] = [index]
    anchors: list[tuple[int, int]] = []
    index = chain[-1] if chain else -1
    while index >= 0:
        anchors.append(pairs[index])
        index = before[index]
    return anchors[::-1]


def _once(values: Sequence[int]) -> dict[int, int]:
    """Return value → index, in the order of the indices, for the values that occur once."""
    index_of: dict[int, int] = {}
    again: set[int] = set()
    for index, value in enumerate(values):
        if value in index_of:
            again.add(value)
        index_of[value] = index
    return {value: index for value, index in index_of.items() if value not in again}


def _common(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Return the indices of a longest common subsequence."""
    rest = [[0] * (len(b) + 1)]  # rest[-1 - i][j]: the length of the longest of a[i:] and b[j:]
    for value in reversed(a):
        below, row = rest[-1], [0]
        for j in range(len(b) - 1, -1, -1):
            row.append(below[j + 1] + 1 if value == b[j] else max(below[j], row[-1]))
        rest.append(row[::-1])
    pairs_of_lines: list[tuple[int, int]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            pairs_of_lines.append((i, j))
            i, j = i + 1, j + 1
        elif rest[-2 - i][j] >= rest[-1 - i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs_of_lines
