"""Show the progress of a long command, and let it stop without losing its results."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from golfcheck.core.numbers import whole_seconds_text

_REDRAW_SECONDS, _LINE_SECONDS = 0.2, 30.0


@contextmanager
def terminations() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C: print and write the results so far, and leave no process behind."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not in the main thread: a test
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def progress(stage: str, unit: str = "sequences", command: str = "rescore") -> Callable[..., None]:
    """Return a function that shows progress, with the interim result or the time left.

    On a terminal it redraws one line, and clears it at the end; in a file or a pipe it prints a line every half minute.
    """
    start = last = time.monotonic()

    def draw(done: int, total: int, interim: str = "") -> None:
        nonlocal last
        now, is_terminal = time.monotonic(), sys.stderr.isatty()
        if now - last < (_REDRAW_SECONDS if is_terminal else _LINE_SECONDS) and (done < total or not is_terminal):
            return
        last = now
        left = (now - start) / done * (total - done)
        interim = interim or f"{whole_seconds_text(left)} s left"
        line = f"{stage}  {done:,}/{total:,} {unit}  {interim}" if done < total else ""
        if is_terminal:
            bar = f"[{'#' * (24 * done // total):.<24}] " if line else ""
            print(f"\r\x1b[K{bar}{line}", end="", file=sys.stderr, flush=True)
        elif line:
            print(f"{command}: {line}", file=sys.stderr, flush=True)

    return draw


def clear() -> None:
    """Clear the line from the terminal before something else is printed; the next progress draws it again."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
