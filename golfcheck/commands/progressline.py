"""How far a long command is, and how it is stopped so that what is known is not lost."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_REDRAW_SECONDS, _LINE_SECONDS = 0.2, 30.0


@contextmanager
def terminations() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C: what is known is printed and written, and no process is left behind."""

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
    """Return what shows progress, with what is known or the time left: one line on a terminal, elsewhere now and then.

    It is redrawn on a terminal, and cleared at the end; in a file or a pipe a line follows every half minute.
    """
    start = last = time.monotonic()

    def draw(done: int, total: int, known: str = "") -> None:
        nonlocal last
        now, is_terminal = time.monotonic(), sys.stderr.isatty()
        if now - last < (_REDRAW_SECONDS if is_terminal else _LINE_SECONDS) and (done < total or not is_terminal):
            return
        last = now
        left = (now - start) / done * (total - done)
        line = f"{stage}  {done:,}/{total:,} {unit}  {known or f'{left:,.0f} s left'}" if done < total else ""
        if is_terminal:
            bar = f"[{'#' * (24 * done // total):.<24}] " if line else ""
            print(f"\r\x1b[K{bar}{line}", end="", file=sys.stderr, flush=True)
        elif line:
            print(f"{command}: {line}", file=sys.stderr, flush=True)

    return draw


def clear() -> None:
    """Remove the line of progress from the terminal, before something else is printed; it is drawn again."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
