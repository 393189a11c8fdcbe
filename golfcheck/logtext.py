"""The lines of one log of a record, as a person reads them: found by number, and by what they say."""

from array import array
from bisect import bisect_right
from pathlib import Path

from golfcheck import bounded
from golfcheck.trainlog.text import MAX_LINES, normalize

_SHOWN_BYTES = 16 * 2**10  # of a line; the longest that says something has a tenth of it


class LogText:
    """A log in UTF-8 and where its lines begin; at most MAX_LINES of them."""

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

    @classmethod
    def open(cls, folder: Path, path: str) -> "LogText":
        """Read a file of a record's folder, within the limits of logs. Raises OSError, and bounded.UnreadableError."""
        with bounded.opened(folder) as descriptor:
            data, _ = bounded.read(descriptor, path, bounded.MAX_LOG_BYTES)
        return cls(data)

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> str:
        """Return a line, the first being 1; of a very long one its beginning. It may hold anything: it is not safe."""
        start = self._starts[number - 1]
        end = self.data.find(b"\n", start, start + _SHOWN_BYTES)
        if end < 0:
            end = start + _SHOWN_BYTES
        return self.data[start:end].decode("utf-8", "replace")

    def find(self, words: str, after: int, *, backwards: bool = False) -> int | None:
        """Return the number of the next line that holds `words`, ASCII letters alike in both cases; it goes around.

        `after` is the line where the search begins, which comes last.
        """
        needle = words.encode("utf-8", "replace").lower()
        if not needle or not self._starts:
            return None
        self._lower = self.data.lower() if self._lower is None else self._lower
        here = self._starts[after - 1]
        beyond = self._starts[after] if after < len(self) else len(self.data)
        if backwards:
            found = self._lower.rfind(needle, 0, here)
            found = self._lower.rfind(needle) if found < 0 else found
        else:
            found = self._lower.find(needle, beyond)
            found = self._lower.find(needle) if found < 0 else found
        return self.number_at(found) if found >= 0 else None

    def number_at(self, offset: int) -> int:
        """Return the line that holds the byte at `offset`."""
        return max(bisect_right(self._starts, offset), 1)
