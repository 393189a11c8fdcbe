"""Evaluation through boxes: the submission's predictor.py answers, and all that is counted is counted here.

Score, reveal, adapt: a sequence's losses are fixed before `adapt` sees it, and no sequence is asked twice. A predictor
that does not adapt is asked in parallel, in one box per core; one that does, in a single box in the order of the text.
The sequences of a call are apart in the text: none has the next tokens of another.
"""

import queue
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch

from golfcheck.box.client import MAX_LOGITS_BYTES, Box, Ids, Logits
from golfcheck.core.errors import Refused, UsageError
from golfcheck.reference.data import Tokens
from golfcheck.reference.model import GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import devices, measure, twin, workers
from golfcheck.rescore.report import Challenges, Measured

_CPU_CALL_TOKENS, _DEVICE_CALL_TOKENS = 4096, 65_536
_LEAST_CALLS = 64  # of a text that has as many sequences

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[..., object]


class BoxedEvaluation(measure.Evaluation):
    """A submission's predictor, ready to be scored as `Evaluation` scores a model of ours.

    `start()` starts a box; it is called in the main thread, and all boxes end with `close`. `config` has only the two
    sizes that the predictor states.
    """

    def __init__(
        self, start: Callable[[], Box], ranks: Ranks, seq_len: int | None, *, strict: bool, how: str = ""
    ) -> None:
        self.ranks, self.device, self.strict = ranks, ranks.device, strict
        self.precision = "the predictor's own"
        self.mlp = None
        self.sample: twin.Sample | None = None
        self._how = how  # attention is computed in a box of one thread
        self._start, self._boxes = start, list[Box]()
        self._free: queue.SimpleQueue[Box] = queue.SimpleQueue()
        self._history: list[tuple[Ids, list[int]]] = []  # calls of an adaptive predictor, as they were scored
        self._asked_seconds = [0.0, 0.0, 0.0]  # of boxes that were closed: load, answers, adapt
        self._peak_bytes = 0
        try:
            self._begin(seq_len)
        except BaseException:
            self.close()
            raise

    def _begin(self, seq_len: int | None) -> None:
        """Start the boxes; the first one states the sizes."""
        first = self._new()
        first.load()
        self.adaptive, self.steps, self.longest = first.can_adapt, first.can_step, first.seq_len
        if seq_len is not None and not 0 < seq_len <= self.longest:
            asked = f"rescore: --seq-len {seq_len}"
            raise UsageError(f"{asked}: this predictor takes from 1 to {self.longest} tokens a call")
        self.config = GPTConfig(vocab_size=first.vocab_size, train_seq_len=seq_len or self.longest)
        alone = self.device.type == "cpu" and self.ranks.world_size == 1
        self._threads = torch.get_num_threads() if self.ranks.world_size == 1 else 1
        self.workers = workers.usable(self._threads) if alone and not self.adaptive else 1
        self._fill([first])

    def __enter__(self) -> "BoxedEvaluation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all boxes."""
        for box in self._boxes:
            box.close()

    def challenge(self, tokens: Tokens, cuts: int, seed: int, stride: int | None = None) -> None:
        """Keep a sample of what is scored from now on, for `twin_test`; a window that slides scores more sequences."""
        length, ranks = self.config.train_seq_len, self.ranks.world_size
        sequences = (tokens.size - 1 - length) // (stride or length) + 1
        call_seqs = self._call_size(sequences // ranks, self._apart(stride or length))
        self.sample = twin.Sample(
            tokens, length, -(-cuts // ranks), sequences=sequences, call_seqs=call_seqs, seed=seed
        )

    def measured(self, score: Any, losses: list[list[float]], start: float) -> Measured:
        """Return a score; tables and precision are the predictor's own."""
        return replace(super().measured(score, losses, start), rope_tables=None, precision=None)

    def describe(self) -> str:
        """Return what computes, in how many boxes and threads."""
        threads = self._box_threads
        boxes = f"{self.workers} box{'es' * (self.workers > 1)} of {threads} thread{'s' * (threads > 1)}"
        return devices.describe(self.device, 1, boxes + (f", {self._how}" if self._how and threads == 1 else ""))

    def costs(self) -> tuple[float, float, float, int]:
        """Return the seconds of loading, of answers and of adapting in all boxes, and the largest one's memory."""
        load, answers, adapt = self._asked_seconds
        return load, answers, adapt, self._peak_bytes

    def twin_test(self, progress: Progress) -> Challenges | None:
        """Ask fresh boxes what was sampled, cut; None where there is nothing to ask."""
        if self.sample is None:
            return None
        tokens, sampled = self.sample.tokens, self.sample.calls()
        self._replace_boxes(len(sampled))
        asked = list(enumerate(sampled))

        def answer(task: tuple[int, twin.Asked]) -> twin.Answers:
            with self._box() as box:
                return twin.ask(box, tokens, task[1], twin.asks_more(task[0]))

        answers = list[twin.Answers]()
        if not self.adaptive:
            with closing(_threaded(answer, asked, self.workers)) as calls:
                for answered in calls:
                    answers.append(answered)
                    progress(len(answers), len(asked))
        elif asked:
            last = sampled[-1].number
            for number, (begins, own) in enumerate(self._history[:last], 1):
                answers += [answer(task) for task in asked if task[1].number == number]
                with self._box() as box:
                    self._reveal(box, twin.spans_of(tokens, begins, self.config.train_seq_len), own)
                progress(number, last)
        parts = self.ranks.gather(answers)
        may_vary = self.adaptive and self.device.type != "cpu"
        return twin.verdict([answer for part in parts for answer in part], self.sample.seed, may_vary=may_vary)

    # The parts of an evaluation, through a box.

    def seconds_for(self, tokens: Tokens) -> float:
        """Return about how long all sequences of validation tokens would take; equal on all ranks.

        It is timed on random ids: no sequence of the text is asked twice.
        """
        size, length, total = self._batch_seqs(), self.config.train_seq_len, tokens.size // self.config.train_seq_len
        ids = np.random.default_rng().integers(0, self.config.vocab_size, (size, length))
        with self._box() as box:
            start = time.perf_counter()
            box.logits(ids)
            seconds = time.perf_counter() - start
        return self.ranks.agree(seconds / size * total / self.workers / self.ranks.world_size)[0]

    def _batch_seqs(self) -> int:
        if self.adaptive or self.strict:
            return 1  # what was just scored may help the next; and no other sequence may have the next token
        most = _CPU_CALL_TOKENS if self.device.type == "cpu" else _DEVICE_CALL_TOKENS
        tokens = min(most, MAX_LOGITS_BYTES // (4 * self.config.vocab_size))
        return max(1, tokens // self.config.train_seq_len)

    def _apart(self, step: int) -> int:
        """Return how many sequences further on, each beginning `step` after the last, one shares no token or target.

        The last window of a text begins less than a step after the one before it.
        """
        length = self.config.train_seq_len
        return length // step + 1 + (step < length)

    def _call_size(self, items: int, apart: int) -> int:
        return max(1, min(self._batch_seqs(), items // _LEAST_CALLS, items // apart))

    def _each(self, losses_of: Callable[[Any], list[float]], items: Any) -> Generator[list[float]]:
        """Yield the losses of items in their order, some calls at a time: each call takes every `apart`-th of them."""
        is_sliding = items.ndim > 1 and len(items) > 1  # windows [n, 2]
        apart = self._apart(int(items[1, 0] - items[0, 0]) if is_sliding else self.config.train_seq_len)
        size = self._call_size(len(items), apart)
        apart = apart if size > 1 else 1
        blocks = [items[first : first + size * apart] for first in range(0, len(items), size * apart)]
        calls = [block[i::apart] for block in blocks for i in range(min(apart, len(block)))]
        with closing(_threaded(losses_of, calls, self.workers)) as answers:
            for block in blocks:
                losses = [0.0] * len(block)
                for i in range(min(apart, len(block))):
                    losses[i::apart] = next(answers)
                yield losses

    def _losses_at(self, tokens: Tokens, begins: Ids, last: list[int] | None = None) -> list[float]:
        spans = twin.spans_of(tokens, begins, self.config.train_seq_len)  # [B, T + 1]
        own = [self.config.train_seq_len] * len(spans) if last is None else last
        with self._box() as box:
            logits = self._strictly(box, spans) if self.strict else box.logits(spans[:, :-1])  # [B, T, V]
            nats = twin.nats_of(logits, spans[:, 1:], self.device)  # [B, T]
            if self.sample is not None:
                self.sample.offer(begins, own, nats, logits)
            losses = [float(nats[i, -count:].mean(dtype=np.float64)) for i, count in enumerate(own)]
            if not np.isfinite(losses).all():
                raise Refused("EVAL_NONFINITE", "the predictor's loss is not a finite number: it has no score")
            if self.adaptive:
                self._history.append((begins, own))
                self._reveal(box, spans, own)
        return losses

    def _reveal(self, box: Box, spans: Ids, own: Sequence[int]) -> None:
        """Let a predictor adapt to the tokens that were scored just now, and the one before each."""
        for i, count in enumerate(own):
            box.adapt(spans[i : i + 1, -count - 1 :])

    def _strictly(self, box: Box, spans: Ids) -> Logits:
        """Return logits [B, T, V] token by token: each row is here before the box has the next token."""
        length = self.config.train_seq_len
        rows = [box.step(spans[:, t], t) if self.steps else box.logits(spans[:, : t + 1])[:, -1] for t in range(length)]
        return np.stack(rows, axis=1)

    # Boxes.

    @property
    def _box_threads(self) -> int:
        return 1 if self.workers > 1 else self._threads

    def _new(self) -> Box:
        self._boxes.append(self._start())
        return self._boxes[-1]

    def _fill(self, boxes: list[Box]) -> None:
        """Start boxes until there is one for each worker, and have them load at once."""
        boxes += [self._new() for _ in range(self.workers - len(boxes))]
        for box in boxes:
            if not box.vocab_size:
                box.load()
            if (box.vocab_size, box.seq_len) != (self.config.vocab_size, self.longest):
                raise Refused("BOX_SHAPE", "predictor.py states other sizes in every box")
            box.open(max(1, self._batch_seqs()) * self.config.train_seq_len, self._box_threads)
            self._free.put(box)

    def _replace_boxes(self, calls: int) -> None:
        """Close all boxes and start fresh ones, at most as many as there are calls."""
        self.retire()
        self.workers = max(1, min(self.workers, calls))
        self._free = queue.SimpleQueue()
        self._fill([])

    def retire(self) -> None:
        """Close all boxes, and remember what they took."""
        for box in self._boxes:
            seconds = box.seconds
            for i, value in enumerate((seconds["load"], seconds["logits"] + seconds["step"], seconds["adapt"])):
                self._asked_seconds[i] += value
            self._peak_bytes = max(self._peak_bytes, box.peak_bytes)
            box.close()
        self._boxes.clear()

    def _box(self) -> "_Borrowed":
        return _Borrowed(self._free)


class _Borrowed:
    """A free box for as long as a `with` lasts."""

    def __init__(self, free: "queue.SimpleQueue[Box]") -> None:
        self.free = free

    def __enter__(self) -> Box:
        self.box = self.free.get()
        return self.box

    def __exit__(self, *_: object) -> None:
        self.free.put(self.box)


def _threaded(call: Callable[[Task], Result], tasks: Sequence[Task], threads: int) -> Generator[Result]:
    """Yield `call(task)` of each task in their order, computed in threads, or in this one where one is enough."""
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
