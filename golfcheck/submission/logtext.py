"""The lines of a log for display, accessible by number and by search."""

from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path

from golfcheck.submission import bounded
from golfcheck.trainlog.rawlines import normalize

MAX_LINES = 100_000  # shown; the longest log of 60 merged records has 22,918
_SHOWN_BYTES = 16 * 2**10  # of a line; the longest meaningful one has a tenth of it


class LogText:
    """A log in UTF-8 with the positions of its lines, at most MAX_LINES."""

    def __init__(self, data: bytes) -> None:
        self.data, notes = normalize(data)
        self.notes = [fact.value for fact in notes]
        self._starts = array("q", [0])
        while len(self._starts) <= MAX_LINES and (end := self.data.find(b"\n", self._starts[-1])) >= 0:
            self._starts.append(end + 1)
        if self._starts[-1] == len(self.data):
            self._starts.pop()
        if len(self._starts) > MAX_LINES:
            self.notes.append(f"only the first {MAX_LINES:,} lines are shown")
            self._starts.pop()
        self._lower: bytes | None = None
        self._hits: tuple[bytes, array[int]] = (
            b"",
            array("q"),
        )  # words, and the numbers of the lines that contain them

    @classmethod
    def open(cls, folder: Path, path: str) -> "LogText":
        """Read a file of a record's folder, within the limits of logs. Raises OSError, and bounded.UnreadableError."""
        with bounded.opened(folder) as descriptor:
            data, _ = bounded.read(descriptor, path, bounded.MAX_LOG_BYTES)
        return cls(data)

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> str:
        """Return a line, counting from 1; only the beginning of a very long one. It is untrusted, unescaped text."""
        start = self._starts[number - 1]
        end = self.data.find(b"\n", start, start + _SHOWN_BYTES)
        if end < 0:
            end = start + _SHOWN_BYTES
        return self.data[start:end].decode("utf-8", "replace")

    def lines_with(self, words: str) -> "array[int]":
        """Return the numbers of the lines that contain `words`, in order; the case of ASCII letters is ignored."""
        needle = words.encode("utf-8", "replace").lower()
        if needle == self._hits[0]:
            return self._hits[1]
        self._lower = self.data.lower() if self._lower is None else self._lower
        numbers = array("q")
        at = self._lower.find(needle)
        while at >= 0 and (number := self.number_at(at)) <= len(self):
            numbers.append(number)
            at = self._lower.find(needle, self._starts[number]) if number < len(self) else -1
        self._hits = needle, numbers
        return numbers

    def find(self, words: str, after: int, *, backwards: bool = False) -> int | None:
        """Return the number of the next line that contains `words`, wrapping around.

        `after` is the line where the search begins, which is searched last.
        """
        hits = self.lines_with(words)
        if not hits:
            return None
        return hits[bisect_left(hits, after) - 1] if backwards else hits[bisect_right(hits, after) % len(hits)]

    def number_at(self, offset: int) -> int:
        """Return the line that contains the byte at `offset`."""
        return max(bisect_right(self._starts, offset), 1)
