"""The log of a run in progress, read as it grows."""

import time
from dataclasses import replace
from pathlib import Path

from golfcheck.live.follow import Follower
from golfcheck.live.pace import Reference
from golfcheck.live.runprogress import RunProgress, RunState, progress_of
from golfcheck.live.silence import foreign, stall
from golfcheck.trainlog.events import LoggedRun
from golfcheck.trainlog.grow import Growing
from golfcheck.trainlog.rawlines import encoding_of

_TAIL_BYTES = 4_096
_NEWS_SECONDS = 10  # for which a truncation is shown as a warning; after that it is only mentioned, with its time


class LogWatch:
    """A log file that is followed."""

    def __init__(self, path: Path, reference: Reference | None = None) -> None:
        self.path = path
        self.reference = reference
        self._follower = Follower(path)
        self._log = Growing()
        self._tail = b""
        self._start = b""  # the first bytes, which show the encoding
        self._again = ""  # why the file was read from its start again
        self._again_time = 0.0
        self._last: tuple[Reference | None, LoggedRun, RunProgress] | None = (
            None  # of the last look, reused if nothing is new
        )
        self.more = False  # there is more to read: look again right away

    def look(self, now: float) -> RunProgress:
        """Read what is new and return the run's progress; `now` is the current time in seconds."""
        piece = self._follower.look(now)
        self.more = piece.more
        if piece.missing:
            return RunProgress(RunState.WAITING, note=f"{piece.missing}: waiting for it")
        if piece.again:
            self._log, self._tail, self._start = Growing(), b"", b""
            self._again, self._again_time = piece.again, now
        if piece.data:
            self._log.feed(piece.data)
            self._tail = (self._tail + piece.data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
            self._start = (self._start + piece.data[:_TAIL_BYTES])[:_TAIL_BYTES]
        log, idle_seconds = self._log, piece.idle_seconds or 0.0
        note = past = ""
        if log.full:
            note = "the size limit for logs is reached: the rest is not read"
        elif self._again and now - self._again_time < _NEWS_SECONDS:
            note = f"{self._again}: read again from its start"
        elif self._again:
            past = f"{self._again} at {time.strftime('%H:%M:%S', time.localtime(self._again_time))}"
        if not log.size_bytes:
            return RunProgress(RunState.WAITING, note or "the file is empty", idle_seconds=idle_seconds)
        reference = self.reference  # it may be replaced during this look
        if piece.data or piece.again or self._last is None or self._last[0] is not reference:
            runs = log.runs
            run = runs[-1] if runs else LoggedRun()
            progress = progress_of(str(self.path), run, reference)
            self._last = reference, run, replace(progress, run_number=len(runs))
        _, run, progress = self._last
        return replace(
            progress,
            note=note or foreign(run, log.lines, idle_seconds),
            past=past,
            stall=stall(progress.state, idle_seconds, run),
            idle_seconds=idle_seconds,
            size_bytes=log.size_bytes,
            lines=log.lines,
            tail=self._last_lines(),
        )

    def _last_lines(self) -> tuple[str, ...]:
        encoding = encoding_of(self._start)
        begin = self._log.size_bytes - len(self._tail)
        tail = (
            self._tail[begin % 2 :] if encoding.startswith("utf-16") else self._tail
        )  # start at a whole two-byte character
        text = tail.decode(encoding, "replace")
        lines = text[: text.rfind("\n") + 1].removeprefix("\ufeff").splitlines()
        return tuple(lines[1:] if begin else lines)  # the first one is incomplete
