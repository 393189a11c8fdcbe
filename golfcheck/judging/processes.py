"""Read and judge with several processes: started if there is enough work, stopped when nobody waits for them."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from golfcheck.core.errors import GolfcheckError
from golfcheck.judging.cache import Cache
from golfcheck.judging.judged import How, Judged, judge_folders, read_standings
from golfcheck.judging.standing import Standing

if TYPE_CHECKING:  # takes a tenth of the time of a cached verdict, so it is imported only when processes are started
    from concurrent.futures import Future, ProcessPoolExecutor

_JUDGED = 4  # records that a process judges at a time; a second process costs more than it saves for fewer
_READ = 32  # records whose standings a process reads at a time
_COLLECTED_OBJECTS = 100_000  # a collection after this many new objects: one script has 10,000 names
_IDLE_SECONDS = 0.05  # between two calls of `idle`

R = TypeVar("R")
Work = Callable[[Sequence[Path], How, Cache | None], list[R]]


class Processes:
    """Reads and judges records, `jobs` at a time (0: one per core); a context manager that ends the processes.

    `idle` is called before each record that is judged in this process, and while the others work. If it raises, or the
    block is left in any other way, they are stopped in the middle of their work.
    """

    def __init__(self, jobs: int, *, cached: bool, idle: Callable[[], None] = lambda: None) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self.cached, self.idle = cached, idle
        self._cache: Cache | None = None  # the user's cache, while it is open
        self._pool: ProcessPoolExecutor | None = None
        self._num_processes = 0  # the pool's maximum
        self._others: set[object] = set()  # processes that are not ours
        # A fork starts in 10 ms, a new interpreter in 300; but it is safe only without other threads, which may hold
        # locks.
        self._collections = gc.get_threshold()
        self._forks = sys.platform == "linux" and threading.active_count() == 1

    def __enter__(self) -> "Processes":
        collect_rarely()
        return self

    def __exit__(self, *error: object) -> None:
        gc.set_threshold(*self._collections)
        if self._pool is not None:
            if error[0] is not None:
                from multiprocessing import active_children

                for child in active_children():
                    if child not in self._others:
                        child.terminate()  # sqlite survives that
            self._pool.shutdown(cancel_futures=True)
        self._close_cache()

    def cache(self) -> Cache | None:
        """Return the open cache of this process; None if nothing is cached."""
        if self.cached and self._cache is None:
            self._cache = Cache().__enter__()
        return self._cache

    def _close_cache(self) -> None:
        if self._cache is not None:
            self._cache.__exit__()
            self._cache = None

    def judge(self, folders: Sequence[Path], how: How) -> Iterator[list[Judged]]:
        """Yield the judgments of records in their order, some at a time.

        Raises GolfcheckError if a process is killed from outside.
        """
        return self._worked(judge_folders, folders, how, _JUDGED)

    def read(self, folders: Sequence[Path], how: How) -> Iterator[list[Standing]]:
        """Yield the standings of records in their order, as `judge` does."""
        return self._worked(read_standings, folders, how, _READ)

    def _worked(self, work: Work[R], folders: Sequence[Path], how: How, size: int) -> Iterator[list[R]]:
        chunks = [folders[start : start + size] for start in range(0, len(folders), size)]
        if min(self.jobs, len(chunks)) < 2:
            yield from self._one_by_one(work, folders, how)
            return
        from concurrent.futures import BrokenExecutor

        try:
            pool = self._started(len(chunks) - 1)
            rest = [pool.submit(_work_in_process, work, chunk, how, self.cached) for chunk in chunks[1:]]
            # The first ones are judged in this process: new interpreters take a second to start, and the user waits for
            # rows.
            yield from self._one_by_one(work, chunks[0], how)
            for future in rest:
                yield self._awaited(future)
        except BrokenExecutor:
            raise GolfcheckError("a process that read records was killed; try --jobs 1") from None

    def _one_by_one(self, work: Work[R], folders: Sequence[Path], how: How) -> Iterator[list[R]]:
        for folder in folders:
            self.idle()
            yield work([folder], how, self.cache())

    def _awaited(self, future: "Future[list[R]]") -> list[R]:
        from concurrent.futures import wait

        while not future.done():
            self.idle()
            wait([future], _IDLE_SECONDS)
        return future.result()

    def _started(self, num_chunks: int) -> "ProcessPoolExecutor":
        """Return the pool, with as many processes as there are chunks; one that is too small is replaced."""
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import active_children, get_context

        wanted = min(self.jobs, num_chunks) if self._forks else self.jobs  # interpreters start only when there is work
        if self._pool is not None and self._num_processes < wanted:
            self._pool.shutdown()
            self._pool = None
        if self._pool is None:
            self._others = set(active_children())
            self._close_cache()  # an open connection must not be carried into a fork
            context = get_context("fork" if self._forks else "spawn")
            self._pool, self._num_processes = ProcessPoolExecutor(wanted, context, _begin), wanted
        return self._pool


def _work_in_process(work: Work[R], folders: Sequence[Path], how: How, cached: bool) -> list[R]:
    """Work in a process of the pool, with a connection to the cache of its own."""
    if not cached:
        return work(folders, how, None)
    with Cache() as cache:
        return work(folders, how, cache)


def collect_rarely() -> None:
    """Run the garbage collector seldom: judging makes millions of objects, but no cycles."""
    gc.set_threshold(_COLLECTED_OBJECTS)


def _begin() -> None:
    """Leave Ctrl-C to the main process: each of the others would print a traceback."""
    collect_rarely()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
