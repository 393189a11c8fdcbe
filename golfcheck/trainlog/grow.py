"""A log that is still being written → the facts of its complete lines so far, without rereading it all each time.

Whether a source was dumped into a log is clear only later, so the beginning is reread as a whole while it grows. The
lines after it are read once, one by one. A line counts only with its newline: half of `train_time:12345ms` is a
different number.
"""

import codecs
import re

from golfcheck.core.work import Work
from golfcheck.trainlog import dumps, prefix, rawlines
from golfcheck.trainlog.events import Fact, LoggedRun
from golfcheck.trainlog.read import read_lines
from golfcheck.trainlog.runs import Runs

HEAD_BYTES = 2**20  # read as a whole, in 40 ms at most; the longest of 165 real logs has a fifth of it
_LONG_BYTES = 2**20  # longer lines are read in pieces


class Growing:
    """The log so far; pass appended bytes to `feed`. Reads at most MAX_LOG_BYTES, within one record's budget."""

    def __init__(self) -> None:
        self.size_bytes = 0  # fed so far
        self.lines = 0  # whole lines so far
        self.notes: tuple[Fact[str], ...] = ()
        self.full = False  # a limit is reached: nothing more is read
        self._runs = Runs()
        self._work = Work()
        self._head = b""
        self._rest: codecs.IncrementalDecoder | None = None  # for the part after the head
        self._prefix: re.Pattern[bytes] | None = None  # the prefix of every line
        self._open = b""  # the last line, without its newline

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the file."""
        room = max(0, rawlines.MAX_LOG_BYTES - self.size_bytes)
        self.size_bytes += len(data)
        self.full = self.full or len(data) > room
        data = data[:room]
        if self._rest is None:
            room = HEAD_BYTES - len(self._head)
            self._head += data[:room]
            if data:
                self._read_head()
            data = data[room:]
        if self._rest is not None and data:
            self._read(self._rest.decode(data).encode("utf-8", "replace"))

    @property
    def runs(self) -> tuple[LoggedRun, ...]:
        """The runs with any facts; the last one is still growing."""
        return self._runs.finish()

    def _read_head(self) -> None:
        encoding = rawlines.encoding_of(self._head)
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        whole = decoder.decode(self._head).encode("utf-8", "replace").removeprefix(codecs.BOM_UTF8)
        data = prefix.without_colors(whole[: whole.rfind(b"\n") + 1].replace(b"\r\n", b"\n"))
        self._prefix = prefix.learned(data)
        data = prefix.without_prefix(data, self._prefix)
        self._work = Work()
        spans = dumps.find(data, self._work)
        self._runs, notes = Runs(), list[Fact[str]]()
        self.lines, is_whole = read_lines(self._runs, data, spans, notes, self._work)
        self.notes = tuple(notes)
        self.full = self.full or not is_whole
        if len(self._head) == HEAD_BYTES:
            self._rest, self._head = decoder, b""
            self._open = b""
            self._read(whole[whole.rfind(b"\n") + 1 :])

    def _read(self, more: bytes) -> None:
        """Read the lines that `more` (UTF-8) completes."""
        data = self._open + more
        end = data.rfind(b"\n") + 1
        if not end:
            end = len(data) // _LONG_BYTES * _LONG_BYTES
        self._open = data[end:]
        if self.full or not end:
            return
        notes = list(self.notes)
        text = prefix.without_colors(data[:end].replace(b"\r\n", b"\n"))
        text = prefix.without_prefix(text, self._prefix)
        self.lines, is_whole = read_lines(self._runs, text, [], notes, self._work, line=self.lines)
        self.notes = tuple(notes)
        self.full = self.full or not is_whole
