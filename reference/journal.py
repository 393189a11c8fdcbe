"""The log of a run and the terminal next to it; trouble with either never stops the run."""

import os
import shutil
import sys
from itertools import count
from pathlib import Path
from typing import TextIO


def say(text: str, stream: TextIO | None = None, end: str = "\n") -> None:
    """Print to a stream, by default the terminal; if it is gone or full, nothing is shown there from then on."""
    stream = stream or sys.stdout
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError:  # a closed connection, the end of a pipe, a full disk
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            os.dup2(nowhere.fileno(), stream.fileno())


class Journal:
    """A log that grows line by line, and is shown on the terminal as well; silent where it gets no path."""

    def __init__(self, path: Path | None) -> None:
        self.file = -1  # a file descriptor: Python's own buffer cannot be trusted once a write has failed
        self.waiting = b""  # what the disk had no room for yet
        self.redraws = path is not None and sys.stdout is not None and sys.stdout.isatty()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():  # an older log of that name moves aside: two runs never mix
                names = (path.with_stem(f"{path.stem}.{number}") for number in count(1))
                path.rename(next(name for name in names if not name.exists()))
            self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)

    def write(self, line: object, show: bool = True) -> None:
        """Append a line to the log, and show it."""
        if self.file < 0:
            return
        was_waiting = bool(self.waiting)
        # A write may take a part of the bytes, or none. What it took is gone from the queue: no line is cut or doubled.
        self.waiting += f"{line}\n".encode()
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self.file, self.waiting) :]
        except OSError as error:
            if not was_waiting:
                say(f"train.py: the log cannot be written now: {error.strerror}; its lines wait", sys.stderr)
        if show:
            say(f"\r\x1b[K{line}" if self.redraws else str(line))

    def progress(self, share: float, text: str) -> None:
        """Redraw the line that shows how much of the run is done, on a terminal."""
        if self.redraws:
            line = f"[{'#' * round(24 * min(share, 1.0)):.<24}] {text}"
            say("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], end="")
