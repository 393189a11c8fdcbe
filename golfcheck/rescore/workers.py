"""One process per core: forked workers that share their parent's memory and take tasks in turn.

Two processes of one thread score 1.1 to 1.4 times as fast as one of two (docs/rescore.md): no thread waits for
another, and if other work keeps a core busy, the other processes take more of the tasks.
"""

import multiprocessing
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from golfcheck.core.errors import GolfcheckError

Task = TypeVar("Task")
Result = TypeVar("Result")


def usable(cores: int) -> int:
    """Return the number of worker processes: one where forking is unsafe (macOS) or missing (Windows)."""
    return cores if sys.platform == "linux" else 1


def ordered(
    call: Callable[[Task], Result], tasks: Iterable[Task], workers: int, begin: Callable[[], object]
) -> Generator[Result]:
    """Yield `call(task)` of each task, in their order, from forked processes that call `begin` first.

    With one worker, all of it is computed here. Raises what `call` raises, and GolfcheckError if a worker dies. Closing
    the generator ends the workers.
    """
    if workers == 1:
        yield from map(call, tasks)
        return
    todo, results = enumerate(tasks), dict[int, Result]()
    pool: dict[Connection, multiprocessing.process.BaseProcess] = {}
    doing: dict[Connection, int] = {}  # the task of each busy worker
    following = 0

    def deal(connection: Connection) -> None:
        for number, task in todo:
            with suppress(OSError):  # a worker that has just died: the next answer from it says so
                connection.send(task)
            doing[connection] = number
            return

    context = multiprocessing.get_context("fork")
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            args = (call, begin, theirs, [*pool, ours])
            pool[ours] = context.Process(target=_serve, args=args, daemon=True)
            pool[ours].start()
            theirs.close()  # so that a worker's death is the end of its pipe
            deal(ours)
        while doing:
            for connection in wait(list(doing)):
                assert isinstance(connection, Connection)
                results[doing.pop(connection)] = _answer(connection)
                deal(connection)
            while following in results:
                yield results.pop(following)
                following += 1
    finally:
        for process in pool.values():
            process.kill()
        for connection, process in pool.items():
            process.join()
            connection.close()


def _answer(connection: Connection) -> Any:
    try:
        result, error = connection.recv()
    except (EOFError, OSError):
        raise GolfcheckError(
            "rescore: a worker process was killed; was memory short? OMP_NUM_THREADS=1 works in one process"
        ) from None
    if error is not None:
        raise error
    return result


def _serve(call: Any, begin: Any, connection: Connection, others: list[Connection]) -> None:
    """Answer tasks until the pipe ends, as it does when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C, because it has the results so far
    for other in others:  # inherited copies of the parent's ends would keep the pipes open
        other.close()
    begin()
    with suppress(EOFError, OSError):
        while True:
            task, result, raised = connection.recv(), None, None
            try:
                result = call(task)
            except Exception as error:  # for the parent to raise
                raised = error
            connection.send((result, raised))
