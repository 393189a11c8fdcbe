"""Judging with several processes: started when there is enough work, and ended at once when nobody waits for them."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from functools import partial
from multiprocessing import active_children, get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from golfcheck.core.errors import GolfcheckError
from golfcheck.judging.judged import How, Judged, Task, judge_tasks

_CHUNK = 4  # records that a process judges at a time; a second process costs more than it saves for fewer
_IDLE_SECONDS = 0.05  # between two looks whether somebody still waits


class Processes:
    """Where records are judged, `jobs` at a time (0: one per core); a context manager that ends the processes.

    Parsed records are stored in the user's cache, or else until the end, because a record may be judged twice.
    `idle` is called before each record that is judged here, and while the processes work. What it raises, or anything
    else that leaves the manager, ends them in the middle of their work.
    """

    def __init__(self, jobs: int, *, cached: bool, idle: Callable[[], None] = lambda: None) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self.cached, self.idle = cached, idle
        self.store: Path | None = None  # the user's own
        self._stack = ExitStack()
        self._pool: ProcessPoolExecutor | None = None
        self._others = set(active_children())  # that are none of ours

    def __enter__(self) -> "Processes":
        if not self.cached:
            folder = self._stack.enter_context(TemporaryDirectory(prefix="golfcheck-"))
            self.store = Path(folder) / "records.sqlite"
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            if error[0] is not None:
                for child in set(active_children()) - self._others:  # sqlite survives that
                    child.terminate()
            self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def judge(self, tasks: Sequence[Task], how: How) -> Iterator[list[Judged]]:
        """Yield the judgments in the order of the tasks, some at a time.

        Raises GolfcheckError when a process is ended from outside.
        """
        chunks = [tasks[start : start + _CHUNK] for start in range(0, len(tasks), _CHUNK)]
        work = partial(judge_tasks, how=how, store=self.store)
        try:
            if min(self.jobs, len(chunks)) < 2:
                yield from map(work, self._one_by_one(tasks))
                return
            pool = self._started(len(chunks) - 1)
            rest = [pool.submit(work, chunk) for chunk in chunks[1:]]
            # The first ones here: new interpreters take a second to start, and somebody waits for rows.
            yield from map(work, self._one_by_one(chunks[0]))
            for future in rest:
                yield self._awaited(future)
        except BrokenExecutor:
            raise GolfcheckError("a process that read records was ended from outside; try --jobs 1") from None

    def _one_by_one(self, tasks: Sequence[Task]) -> Iterator[list[Task]]:
        for task in tasks:
            self.idle()
            yield [task]

    def _awaited(self, future: Future[list[Judged]]) -> list[Judged]:
        while not future.done():
            self.idle()
            wait([future], _IDLE_SECONDS)
        return future.result()

    def _started(self, chunks: int) -> ProcessPoolExecutor:
        if self._pool is None:
            # A fork starts in 10 ms, a new interpreter in 300; but a fork must not meet a lock that a thread holds.
            context = get_context("fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn")
            self._pool = ProcessPoolExecutor(min(self.jobs, chunks), context, _leave_interrupts)
        return self._pool


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the process that is in charge: each of the others would show a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
