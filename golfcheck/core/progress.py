"""Progress on stderr while a command works: a bar if it takes long, and single lines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from golfcheck.core.numbers import whole_seconds_text

if TYPE_CHECKING:
    import rich.progress

Progress = Callable[[str, int, int], None]  # the stage, how much of it is done, and how much there is

_WAIT_SECONDS = 0.5  # before a bar appears; shorter work needs none
_REDRAW_SECONDS = 0.1


def narrate(line: str) -> None:
    """Print a line on stderr."""
    from golfcheck.core.text import safe

    print(f"golfcheck: {safe(line)}", file=sys.stderr)


@contextmanager
def progress_bar(clock: Callable[[], float] = monotonic) -> Iterator[Progress]:
    """Show a bar with the stage and the time left if stderr is a terminal and the work takes over 0.5 s.

    The bar is redrawn when progress is reported, and disappears when the work is done.
    """
    if not sys.stderr.isatty():
        yield lambda stage, done, of: None
        return
    with ExitStack() as stack:
        bar, stage_shown = None, ""
        started = stage_started = clock()
        drawn = 0.0

        def show(stage: str, done: int, of: int) -> None:
            nonlocal bar, stage_shown, stage_started, drawn
            now = clock()
            if stage != stage_shown:
                stage_shown, stage_started, drawn = stage, now if stage_shown else started, 0.0
            is_due = now - drawn >= _REDRAW_SECONDS or done == of
            if now - started < _WAIT_SECONDS or not is_due:
                return
            if bar is None:
                bar = stack.enter_context(_bar())
            left_seconds = (now - stage_started) / done * (of - done) if 0 < done < of else None
            left = "" if left_seconds is None else f"{whole_seconds_text(left_seconds)} s left"
            bar.update(bar.task_ids[0], description=stage, total=of, completed=done, left=left, visible=True)
            bar.refresh()
            drawn = now

        yield show


def _bar() -> "rich.progress.Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    look = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"))
    # Without rich's refresh thread: golfcheck/judging/processes.py forks only if there are no other threads.
    bar = Progress(*look, console=Console(stderr=True), transient=True, auto_refresh=False)
    bar.add_task("", total=None, visible=False, left="")
    return bar
