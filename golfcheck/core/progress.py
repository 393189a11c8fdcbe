"""What a person sees on stderr while a command works: a bar where many records are read, and lines of narration."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

_REDRAW_SECONDS = 0.1
_WORTH_A_BAR = 4  # records; fewer are read before an eye could follow


def narrate(line: str) -> None:
    """Print a line on stderr that is not data."""
    from golfcheck.core.text import safe

    print(f"golfcheck: {safe(line)}", file=sys.stderr)


@contextmanager
def record_bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr while many records are read, if a person watches."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    look = (TextColumn("reading records"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Without its refreshing thread: golfcheck/judging/processes.py forks where there is no other.
    with Progress(*look, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None, visible=False)
        yield lambda done, of: bar.update(task, completed=done, total=of, visible=of >= _WORTH_A_BAR, refresh=True)


@contextmanager
def staged_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on stderr that names the stage, while a long work goes through several, if a person watches."""
    if not sys.stderr.isatty():
        yield lambda what, done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    look = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*look, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None, visible=False)
        stage = ""
        drawn = 0.0

        def show(what: str, done: int, of: int) -> None:
            nonlocal stage, drawn
            if what != stage:
                bar.reset(task, description=what, total=of, visible=of >= _WORTH_A_BAR)
                stage = what
            now = monotonic()
            bar.update(task, completed=done, refresh=now - drawn > _REDRAW_SECONDS or done == of)
            drawn = now if now - drawn > _REDRAW_SECONDS else drawn

        yield show
