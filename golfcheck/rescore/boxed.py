"""Evaluation through boxes: the submission's predictor.py answers, and every score is computed here.

Score, reveal, adapt: a sequence's losses are fixed before `adapt` sees it, and no sequence is asked twice. A predictor
that does not adapt is asked in parallel, in one box per core; one that does, in a single box in the order of the text.
The sequences of a call are far apart in the text, so that none contains the next tokens of another.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from golfcheck.box.client import MAX_LOGITS_BYTES, Box, Ids, Logits
from golfcheck.core.errors import Refused, UsageError
from golfcheck.reference.bpb import Score
from golfcheck.reference.data import Tokens
from golfcheck.reference.model import GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import devices, measure, twin, workers
from golfcheck.rescore.boxes import Boxes, threaded
from golfcheck.rescore.report import Challenges, Measured

_CPU_CALL_TOKENS, _DEVICE_CALL_TOKENS = 4096, 65_536
_LEAST_CALLS = 64  # if the text has that many sequences

Progress = Callable[..., object]


class BoxedEvaluation(measure.Evaluation):
    """A submission's predictor, to be scored in the same way as `Evaluation` scores the reference model.

    `start()` starts a box; it is called in the main thread, and all boxes end with `close`. `config` has only the two
    sizes that the predictor states.
    """

    def __init__(
        self, start: Callable[[], Box], ranks: Ranks, seq_len: int | None, *, strict: bool, how: str = "",
        claimed_seq_len: int | None = None,
    ) -> None:  # fmt: skip
        self.ranks, self.device, self.strict = ranks, ranks.device, strict
        self.precision = "the predictor's own"
        self.mlp = None
        self.sample: twin.Sample | None = None
        self._how = how  # attention is computed in a box of one thread
        self.boxes = Boxes(start)
        self._history: list[tuple[Ids, list[int]]] = []  # calls of an adaptive predictor, as they were scored
        try:
            self._begin(seq_len, claimed_seq_len)
        except BaseException:
            self.close()
            raise

    def _begin(self, seq_len: int | None, claimed_seq_len: int | None) -> None:
        """Start the boxes; the first one states the sizes. Sequences have the claimed length if it accepts that."""
        first = self.boxes.new()
        first.load()
        self.adaptive, self.steps, self.longest = first.can_adapt, first.can_step, first.seq_len
        if seq_len is not None and not 0 < seq_len <= self.longest:
            asked = f"rescore: --seq-len {seq_len}"
            raise UsageError(f"{asked}: this predictor takes from 1 to {self.longest} tokens a call")
        if claimed_seq_len is None or claimed_seq_len > self.longest:
            claimed_seq_len = self.longest
        self.config = GPTConfig(vocab_size=first.vocab_size, train_seq_len=seq_len or claimed_seq_len)
        alone = self.device.type == "cpu" and self.ranks.world_size == 1
        self._threads = torch.get_num_threads() if self.ranks.world_size == 1 else 1
        self.workers = workers.usable(self._threads) if alone and not self.adaptive else 1
        self._fill()

    def _fill(self) -> None:
        """Start boxes until each worker has one."""
        self.boxes.fill(self.workers, max(1, self._batch_seqs()) * self.config.train_seq_len, self._box_threads)

    def __enter__(self) -> "BoxedEvaluation":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all boxes."""
        self.boxes.close()

    def challenge(self, tokens: Tokens, cuts: int, seed: int, stride: int | None = None) -> None:
        """Sample the calls that are scored from now on, for `twin_test`; with a stride, there are more sequences."""
        length, ranks = self.config.train_seq_len, self.ranks.world_size
        sequences = (tokens.size - 1 - length) // (stride or length) + 1
        call_seqs = self._call_size(sequences // ranks, self._apart(stride or length))
        self.sample = twin.Sample(
            tokens, length, -(-cuts // ranks), sequences=sequences, call_seqs=call_seqs, seed=seed
        )

    def measured(self, score: Score, losses: list[list[float]], start: float, stride: int | None = None) -> Measured:
        """Return a score; tables and precision are the predictor's own."""
        return replace(super().measured(score, losses, start, stride), rope_tables=None, precision=None)

    def describe(self) -> str:
        """Return the device's name, with the number of boxes and threads."""
        threads = self._box_threads
        boxes = f"{self.workers} box{'es' * (self.workers > 1)} of {threads} thread{'s' * (threads > 1)}"
        return devices.describe(self.device, 1, boxes + (f", {self._how}" if self._how and threads == 1 else ""))

    def twin_test(self, progress: Progress) -> Challenges | None:
        """Ask new boxes the sampled calls with changed ends; None if nothing was sampled."""
        if self.sample is None:
            return None
        tokens, sampled = self.sample.tokens, self.sample.calls()
        self.boxes.retire()  # the twin must share nothing with them
        self.workers = max(1, min(self.workers, len(sampled)))
        self._fill()
        asked = list(enumerate(sampled))

        def answer(task: tuple[int, twin.Asked]) -> twin.Answers:
            with self.boxes.borrowed() as box:
                return twin.ask(box, tokens, task[1], twin.asks_more(task[0]))

        answers = list[twin.Answers]()
        if not self.adaptive:
            with closing(threaded(answer, asked, self.workers)) as calls:
                for answered in calls:
                    answers.append(answered)
                    progress(len(answers), len(asked))
        elif asked:
            last = sampled[-1].number
            for number, (begins, own) in enumerate(self._history[:last], 1):
                answers += [answer(task) for task in asked if task[1].number == number]
                with self.boxes.borrowed() as box:
                    self._reveal(box, measure.spans_of(tokens, begins, self.config.train_seq_len), own)
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
        with self.boxes.borrowed() as box:
            start = time.perf_counter()
            box.logits(ids)
            seconds = time.perf_counter() - start
        return self.ranks.agree(seconds / size * total / self.workers / self.ranks.world_size)[0]

    def _batch_seqs(self) -> int:
        if self.adaptive or self.strict:
            return (
                1  # a sequence that was just scored may help with the next, and no other one may contain the next token
            )
        most = _CPU_CALL_TOKENS if self.device.type == "cpu" else _DEVICE_CALL_TOKENS
        tokens = min(most, MAX_LOGITS_BYTES // (4 * self.config.vocab_size))
        return max(1, tokens // self.config.train_seq_len)

    def _apart(self, step: int) -> int:
        """Return how many sequences apart two must be to share no token or target; each begins `step` after the last.

        The last window of a text begins less than a step after the one before it.
        """
        length = self.config.train_seq_len
        return length // step + 1 + (step < length)

    def _call_size(self, items: int, apart: int) -> int:
        return max(1, min(self._batch_seqs(), items // _LEAST_CALLS, items // apart))

    def _each(self, tokens: Tokens, windows: Ids) -> Generator[list[float]]:
        """Yield the losses of windows [n, 2], some calls at a time.

        No window of a call contains the next tokens of another, in whatever order the windows come (an estimate's is
        random).
        """
        steps = np.diff(np.sort(windows[:, 0]))
        apart = self._apart(int(np.median(steps)) if steps.size else self.config.train_seq_len)
        size = self._call_size(len(windows), apart)
        blocks = [windows[first : first + size * apart] for first in range(0, len(windows), size * apart)]
        calls = [self._calls(block[:, 0], size) for block in blocks]
        tasks = [block[call] for block, of_block in zip(blocks, calls, strict=True) for call in of_block]
        with closing(threaded(partial(self._losses, tokens), tasks, self.workers)) as answers:
            for block, of_block in zip(blocks, calls, strict=True):
                losses = np.empty(len(block))
                for call in of_block:
                    losses[call] = next(answers)
                yield losses.tolist()

    def _calls(self, begins: Ids, size: int) -> list[list[int]]:
        """Divide sequences that begin at `begins` [n] into calls of up to `size` that share no token; return indices.

        Calls of one sequence are in the order of the text, as a predictor that adapts needs it.
        """
        calls = list[list[int]]()
        for i, begin in enumerate(begins.tolist()):
            for call in calls:
                if len(call) < size and all(abs(begin - int(begins[j])) > self.config.train_seq_len for j in call):
                    call.append(i)
                    break
            else:
                calls.append([i])
        return calls

    def _losses(self, tokens: Tokens, windows: Ids) -> list[float]:
        begins, own = windows[:, 0], windows[:, 1].tolist()
        spans = measure.spans_of(tokens, begins, self.config.train_seq_len)  # [B, T + 1]
        with self.boxes.borrowed() as box:
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
        """Let a predictor adapt to the tokens that were just scored, each sequence with the token before its first."""
        for i, count in enumerate(own):
            box.adapt(spans[i : i + 1, -count - 1 :])

    def _strictly(self, box: Box, spans: Ids) -> Logits:
        """Return logits [B, T, V] token by token: the box gets the next token only after it has sent each row."""
        length = self.config.train_seq_len
        rows = [box.step(spans[:, t], t) if self.steps else box.logits(spans[:, : t + 1])[:, -1] for t in range(length)]
        return np.stack(rows, axis=1)

    @property
    def _box_threads(self) -> int:
        return 1 if self.workers > 1 else self._threads
