"""Judge folders in several processes with limits: one that hangs, dies or runs out of memory affects only its folder.

A process judges one folder at a time. If the process dies, the folder is reported, and a new process starts.
"""

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import connection, get_context
from pathlib import Path
from time import monotonic
from typing import Any

from golfcheck.core import schema
from golfcheck.core.numbers import memory_text
from golfcheck.core.sandbox import limit_memory
from golfcheck.queue.content import Content, FolderTask, judge_content
from golfcheck.queue.objects import Objects
from golfcheck.source import syntax

CPU_SECONDS = 60.0  # for one folder; the slowest of 2,000 real ones takes 2
MEMORY_BYTES = 3 * 2**30  # of address space, including the program's own
_WALL_SECONDS = 900.0  # if no CPU time passes, for example because a disk does not respond
_IDLE_SECONDS = 0.1
_LEAVING_SECONDS = 5.0  # for a process to exit by itself
_TASKS = 16  # per process: memory that parsers never free is released when it exits

Judge = Callable[[Objects, FolderTask, str], Content]


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The settings of every process."""

    store: Path  # git's objects
    oid_chars: int
    ruleset: str
    home: Path | None = None  # the empty repository that git runs in; None: one for each process
    cpu_seconds: float = CPU_SECONDS
    judge: Judge = judge_content


class _TooLongError(BaseException):
    """Raised by the timer while a folder is judged; the judging code never catches it."""


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Any
    index: int | None = None  # of the task being judged
    since: float = 0.0
    num_tasks: int = 0


class Pool:
    """`jobs` processes (0: one per core); a context manager that ends them. `idle` is called while they work."""

    def __init__(self, work: PoolSettings, jobs: int = 0, idle: Callable[[], None] = lambda: None) -> None:
        self.work, self.jobs, self.idle = work, jobs or os.cpu_count() or 1, idle
        self._workers: list[_Worker] = []

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.pipe.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(5)
            worker.process.kill()
        self._workers.clear()

    def judge(self, tasks: Sequence[FolderTask]) -> Iterator[tuple[int, Content]]:
        """Yield the index and the result of each task, in the order in which they finish."""
        pending = iter(enumerate(tasks))
        left = len(tasks)
        while left:
            while len(self._workers) < min(self.jobs, left):
                self._workers.append(self._start())
            for worker in self._workers:
                if worker.index is None and (coming := next(pending, None)) is not None:
                    worker.index, worker.since = coming[0], monotonic()
                    worker.pipe.send(coming[1])
            busy = [worker for worker in self._workers if worker.index is not None]
            ready = connection.wait([worker.pipe for worker in busy], _IDLE_SECONDS)
            self.idle()
            for worker in busy:
                answer = self._answer(worker, worker.pipe in ready)
                if answer is not None:
                    index, worker.index = worker.index, None
                    left -= 1
                    worker.num_tasks += 1
                    if worker.num_tasks == _TASKS and worker in self._workers:
                        self._retire(worker)
                    assert index is not None
                    yield index, answer

    def _answer(self, worker: _Worker, is_ready: bool) -> Content | None:
        """Return the result of a process; None while it works."""
        if is_ready:
            with contextlib.suppress(EOFError, OSError):
                content: Content = worker.pipe.recv()
                return content
        elif monotonic() - worker.since < _WALL_SECONDS:
            return None
        self._retire(worker)
        code = worker.process.exitcode or 0
        how = f"signal {-code}" if code < 0 and is_ready else "no answer" if not is_ready else f"exit code {code}"
        return _failed(f"the process that judged it ended ({how})")

    def _retire(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        with contextlib.suppress(OSError):
            worker.pipe.send(None)
        worker.process.join(_LEAVING_SECONDS if worker.index is None else 0)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _start(self) -> _Worker:
        # A fork starts in 10 ms, a new interpreter in 300; but it is safe only without other threads, which may hold
        # locks.
        forks = sys.platform == "linux" and threading.active_count() == 1
        context: Any = get_context("fork" if forks else "spawn")
        if forks:
            _preload()
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.work), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


@cache
def _preload() -> None:
    """Load once, before forking, what every process needs."""
    schema.violations("submission", {})
    schema.violations("train_log", {})
    syntax.parse(b"")


def _serve(pipe: Any, work: PoolSettings) -> None:
    """Judge the tasks that arrive, until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process
    signal.signal(signal.SIGPROF, _too_long)
    limit_memory(MEMORY_BYTES)
    with Objects(work.store, work.oid_chars, work.home) as objects:
        while True:
            try:
                task = pipe.recv()
            except (EOFError, OSError):
                return
            if task is None:
                return
            pipe.send(_judged(objects, task, work))


def _judged(objects: Objects, task: FolderTask, work: PoolSettings) -> Content:
    try:
        signal.setitimer(signal.ITIMER_PROF, work.cpu_seconds)
        return work.judge(objects, task, work.ruleset)
    except _TooLongError:
        return _failed(f"it takes over {work.cpu_seconds:g} s of CPU time")
    except MemoryError:
        return _failed(f"it takes over {memory_text(MEMORY_BYTES)} of memory")
    except Exception as error:  # a bug of ours affects one folder, and is reported
        where = traceback.extract_tb(error.__traceback__)[-1]
        return _failed(f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {error}"[:500])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _too_long(_signal: int, _frame: object) -> None:
    raise _TooLongError


def _failed(why: str) -> Content:
    return Content(None, f"golfcheck could not judge it: {why}", None, (), 0, 0, broken=True)
