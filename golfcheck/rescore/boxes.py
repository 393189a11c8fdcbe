"""The boxes of an evaluation: one for each worker, each borrowed for a call at a time, all closed together."""

import queue
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import torch

from golfcheck.box import interrupts
from golfcheck.box.client import Box
from golfcheck.core.errors import Refused

Task = TypeVar("Task")
Result = TypeVar("Result")


class Boxes:
    """Boxes that `start()` starts in the main thread, and the time and memory of all of them so far."""

    def __init__(self, start: Callable[[], Box]) -> None:
        self._start, self._running = start, list[Box]()
        self._free: queue.SimpleQueue[Box] = queue.SimpleQueue()
        self._seconds = [0.0, 0.0, 0.0]  # of boxes that were closed: load, answers, adapt
        self._peak_bytes = 0

    def fill(self, count: int, call_tokens: int, threads: int) -> None:
        """Have `count` boxes loaded and open for calls of `call_tokens` tokens, computed in this many threads each.

        Raises Refused (BOX_SHAPE) if they state different sizes.
        """
        while len(self._running) < count:
            self.new()  # all load at once
        for box in self._running:
            if not box.vocab_size:
                box.load()
            if (box.vocab_size, box.seq_len) != (self._running[0].vocab_size, self._running[0].seq_len):
                raise Refused("BOX_SHAPE", "predictor.py states other sizes in every box")
            box.open(call_tokens, threads)
            self._free.put(box)

    def new(self) -> Box:
        """Start one more; Ctrl-C is delayed until the box is on the list that `close` ends."""
        interrupts.uninterrupted(lambda: self._running.append(self._start()))
        return self._running[-1]

    @contextmanager
    def borrowed(self) -> Iterator[Box]:
        """Lend a free box inside a `with`."""
        box = self._free.get()
        try:
            yield box
        finally:
            self._free.put(box)

    def retire(self) -> None:
        """Close all boxes, and add up their time and memory."""
        for box in self._running:
            seconds = box.seconds
            for i, value in enumerate((seconds["load"], seconds["logits"] + seconds["step"], seconds["adapt"])):
                self._seconds[i] += value
            self._peak_bytes = max(self._peak_bytes, box.peak_bytes)
        self.close()
        self._running.clear()
        self._free = queue.SimpleQueue()

    def close(self) -> None:
        """End all boxes."""
        for box in self._running:
            box.close()

    def costs(self) -> tuple[float, float, float, int]:
        """Return the seconds of loading, of answers and of adapting in all retired boxes, and the largest's memory."""
        load, answers, adapt = self._seconds
        return load, answers, adapt, self._peak_bytes


def threaded(call: Callable[[Task], Result], tasks: Sequence[Task], threads: int) -> Generator[Result]:
    """Yield `call(task)` of each task in order, computed in threads, or in this thread if one is enough."""
    if threads == 1:
        yield from map(call, tasks)
        return
    todo, running = iter(tasks), list[Future[Result]]()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        running += [pool.submit(call, task) for task in islice(todo, 2 * threads)]
        while running:
            result = running.pop(0).result()
            running += [pool.submit(call, task) for task in islice(todo, 1)]
            yield result
    finally:
        for future in running:
            future.cancel()
        pool.shutdown(wait=False, cancel_futures=True)
