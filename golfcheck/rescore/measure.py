"""The evaluation itself: a model and validation tokens → every sequence's loss → the score."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from golfcheck.box import kernel
from golfcheck.core.errors import GolfcheckError, Refused
from golfcheck.reference.bpb import Score
from golfcheck.reference.data import Tokens
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import activations, attention, devices, probes, workers
from golfcheck.rescore.report import Measured, Probe
from golfcheck.rescore.weights import State

# Tokens per call: on a CPU as many as its caches hold, but enough that the overhead of a call does not dominate; on an
# accelerator as many as in the contest's calls.
_CPU_CALL_TOKENS = {"bf16": 4096, "fp32": 2048}
_DEVICE_CALL_TOKENS = 65_536
_LEAST_CALLS = 64  # if the text has that many sequences
# Positions whose logits exist at a time: on a CPU as many as its caches hold, elsewhere 64 MB in fp32.
_CPU_LOGIT_ROWS = 256
_DEVICE_LOGITS = 2**24

Progress = Callable[[int, int], object]
Vector = npt.NDArray[Any]


class Interrupted(KeyboardInterrupt):
    """The evaluation was stopped; `so_far` is the score of the sequences that were scored before."""

    def __init__(self, so_far: Measured) -> None:
        super().__init__(so_far)
        self.so_far = so_far


class Evaluation:
    """A model that is ready to be scored, on every rank: its weights, its tables, the precision of its activations.

    On a CPU, if there is one rank, it uses one process for each thread that torch would use, each with one thread.
    `compiled` allows the compiled attention, if there is one for this precision and machine.
    """

    def __init__(self, state: State, config: GPTConfig, precision: str, ranks: Ranks, *, compiled: bool = True) -> None:
        self.config, self.precision, self.ranks, self.device = config, precision, ranks, ranks.device
        is_alone_on_cpu = self.device.type == "cpu" and ranks.world_size == 1
        if self.device.type == "cpu":
            devices.keep_freed_memory()
        self.workers = workers.usable(torch.get_num_threads()) if is_alone_on_cpu else 1
        self.model = GPT(config)
        self.model.load_state_dict(state)
        if precision == "fp32":
            self.model.float()  # the embedding and the tables keep their bf16 values
        for module in self.model.modules():
            if precision == "bf16" and isinstance(module, torch.nn.Linear):
                module.bfloat16()  # once, as autocast would convert the weights to the same bits in every call
        self.model.to(self.device).eval().requires_grad_(False)
        self.mlp: str | None = None
        self._activated: activations.Activated | None = None
        self._attention: kernel.Compiled | None = None
        self._how = ""  # how attention is computed, if there is a choice
        if compiled and precision == "bf16" and self.device.type == "cpu":
            function, why = attention.faster(
                config.num_heads, config.num_kv_heads, config.head_dim, config.train_seq_len
            )
            function = (
                function if all(ranks.gather(function is not None)) else None
            )  # all ranks must use the same kernel
            self._attention = kernel.Compiled(function) if function else None
            self._how = f"compiled attention, {why}" if function else f"torch's attention: {why}"

    def use(self, mlp: str | None) -> None:
        """Use a function of `activations.ACTIVATIONS` in the MLP; None selects the reference's own."""
        self.mlp = mlp
        self._activated = activations.Activated(activations.ACTIVATIONS[mlp]) if mlp else None

    def logits(self, ids: Tensor) -> Tensor:
        """Return softcapped logits [B, T, V] of token ids [B, T]."""
        with self._computing():
            return self.model.logits(*self.model.hidden(ids))

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Compute in this precision, with this attention, and without gradients."""
        is_mixed = self.precision == "bf16"
        mixed = torch.autocast(self.device.type, torch.bfloat16) if is_mixed else nullcontext()
        with torch.inference_mode(), mixed, self._attention or nullcontext(), self._activated or nullcontext():
            yield

    def losses(self, ids: Tensor, last: Sequence[int] | None = None) -> Tensor:
        """Return the mean loss of each sequence, or of its `last` tokens [B]: ids [B, T + 1] -> float64 [B].

        Logits are computed only for these tokens, and only some of them exist at a time.
        """
        counts = [ids.size(1) - 1] * len(ids) if last is None else list(last)
        is_cpu = self.device.type == "cpu"
        size = _CPU_LOGIT_ROWS if is_cpu else max(_CPU_LOGIT_ROWS, _DEVICE_LOGITS // self.config.vocab_size)
        with self._computing():
            x, weight = self.model.hidden(ids[:, :-1])  # [B, T, D] and [V, D]
            rows = torch.cat([x[i, -count:] for i, count in enumerate(counts)])  # [N, D], N the sum of counts
            targets = torch.cat([ids[i, -count:] for i, count in enumerate(counts)])  # [N]
            pieces = zip(torch.split(rows, size), torch.split(targets, size), strict=True)  # [n, D] and [n]
            losses = torch.cat(
                [
                    F.cross_entropy(self.model.logits(some, weight).float(), right, reduction="none")
                    for some, right in pieces
                ]
            )  # [N]
        losses = losses.cpu().double()  # on the CPU: MPS has no float64
        return torch.stack([of_one.mean() for of_one in torch.split(losses, counts)])

    def score(self, tokens: Tokens, num_bytes: Vector, progress: Progress, stride: int | None = None) -> Measured:
        """Score validation tokens [n + 1], n = seqs * seq_len; `num_bytes` [n] are the bytes of each predicted token.

        With a `stride`, windows of seq_len tokens slide by it, and each token is scored once: in the first window with
        the tokens before it in that window, in the others with at least seq_len - stride tokens before it. Sums are
        computed in float64.

        Raises Refused (EVAL_NONFINITE) if a loss is not a finite number, GolfcheckError if there are more ranks than
        windows, and `Interrupted` with the score so far on Ctrl-C.
        """
        start, seq_len, total = time.perf_counter(), self.config.train_seq_len, tokens.size - 1
        begins = np.array([*range(0, total - seq_len, stride or seq_len), total - seq_len])  # the last ends the text
        ends = np.r_[0, begins + seq_len]  # the end of what the windows before each one have scored
        windows = np.stack(
            [begins, np.diff(ends)], axis=1
        )  # [windows, 2]: where each begins, how many of its tokens are scored
        mine, losses = self._mine(len(windows)), list[float]()
        try:
            with closing(self._each(tokens, windows[mine.start : mine.stop])) as calls:
                for of_call in calls:
                    losses += of_call
                    progress(len(losses), len(mine))
        except KeyboardInterrupt:
            if not losses:
                raise
            first, last = ends[mine.start], ends[mine.start + len(losses)]
            mean = float(np.average(losses, weights=windows[mine.start : mine.start + len(losses), 1]))
            so_far = Score(mean, int(last - first), int(num_bytes[first:last].sum()))
            raise Interrupted(self.measured(so_far, [losses], start, stride)) from None
        parts = self.ranks.gather(losses)
        mean = float(np.average(np.concatenate(parts), weights=windows[:, 1]))
        return self.measured(Score(mean, total, int(num_bytes.sum())), parts, start, stride)

    def draw(self, tokens: Tokens, sequences: Vector) -> Generator[Vector]:
        """Yield the mean losses of the sequences [n] of validation tokens, some at a time, in their order.

        The ranks share the work. Raises Refused (EVAL_NONFINITE) if a loss is not a finite number.
        """
        world_size, seq_len = self.ranks.world_size, self.config.train_seq_len
        windows = np.stack([sequences * seq_len, np.full(sequences.size, seq_len)], axis=1)  # [n, 2]
        if world_size == 1:
            with closing(self._each(tokens, windows)) as calls:
                yield from map(_finite, calls)
            return
        for first in range(0, sequences.size, self.call_seqs):
            call = windows[first : first + self.call_seqs]
            mine, losses = call[self.ranks.rank :: world_size], np.empty(len(call))
            for rank, part in enumerate(self.ranks.gather(self._losses(tokens, mine) if len(mine) else [])):
                losses[rank::world_size] = part
            yield _finite(losses)

    def seconds_for(self, tokens: Tokens) -> float:
        """Return about how long all sequences of validation tokens would take, from one call; equal on all ranks."""
        start, total = time.perf_counter(), tokens.size // self.config.train_seq_len
        calls = min(self.call_seqs, total)
        for _ in self.draw(tokens, np.arange(calls)):
            pass
        return self.ranks.agree((time.perf_counter() - start) / calls * total)[0]

    @property
    def call_seqs(self) -> int:
        """The number of sequences that all ranks and workers together score at a time."""
        return self._batch_seqs() * self.ranks.world_size * self.workers

    def _batch_seqs(self) -> int:
        tokens = _CPU_CALL_TOKENS[self.precision] if self.device.type == "cpu" else _DEVICE_CALL_TOKENS
        return max(1, tokens // self.config.train_seq_len)

    def _mine(self, total: int) -> range:
        """Return this rank's share of all sequences or windows; the ranks' shares follow each other."""
        rank, world_size = self.ranks.rank, self.ranks.world_size
        if total < world_size:
            raise GolfcheckError(f"rescore: {total} sequences are too few for {world_size} ranks")
        return range(total * rank // world_size, total * (rank + 1) // world_size)

    def _each(self, tokens: Tokens, windows: Vector) -> Generator[list[float]]:
        """Yield the losses of windows [n, 2], call by call, computed by the workers if there are several."""
        # The calls do not depend on the number of workers; for a short text they are small, so that each gets some.
        size = max(1, min(self._batch_seqs(), len(windows) // _LEAST_CALLS))
        calls = [windows[first : first + size] for first in range(0, len(windows), size)]
        # A single call goes to a worker, too: this process would compute it in several threads, without the kernel.
        count = min(self.workers, max(2, len(calls)))
        return workers.ordered(partial(self._losses, tokens), calls, count, partial(torch.set_num_threads, 1))

    def _losses(self, tokens: Tokens, windows: Vector) -> list[float]:
        """Return the mean loss of each window's own tokens, given its start and the number of those tokens [B, 2]."""
        spans = spans_of(tokens, windows[:, 0], self.config.train_seq_len)  # [B, T + 1]
        try:
            ids = torch.from_numpy(spans).to(self.device)
            losses: list[float] = self.losses(ids, windows[:, 1].tolist()).tolist()
        except torch.OutOfMemoryError:
            call = f"{len(spans)} sequences of {self.config.train_seq_len} tokens"
            raise GolfcheckError(
                f"rescore: {self.device} has too little free memory for a call with {call}; try --device cpu"
            ) from None
        return losses

    def measured(self, score: Score, losses: list[list[float]], start: float, stride: int | None = None) -> Measured:
        """Return the score of the losses that each rank has computed; `start` is when the evaluation began."""
        _finite([score.val_loss_nats])
        if score.bytes == 0:
            raise GolfcheckError("rescore: the validation tokens stand for no bytes of text: is this their tokenizer?")
        return Measured(
            val_loss_nats=score.val_loss_nats,
            val_bpb=score.val_bpb,
            tokens=score.tokens,
            text_bytes=score.bytes,
            rope_tables=self.config.rope_tables,
            precision=self.precision,
            seq_len=self.config.train_seq_len,
            stride=stride,
            seconds=time.perf_counter() - start,
            rank_sequences=tuple(map(len, losses)),
            sequence_losses=tuple(loss for part in losses for loss in part if stride is None),
            mlp=self.mlp,
        )

    def probe(self, tokens: Tokens) -> tuple[Probe, ...]:
        """Test the model on the first tokens [n > 2]; raises Refused (EVAL_NONFINITE) if a logit is not finite."""
        most = min(probes.MAX_TOKENS, probes.MAX_LOGITS // self.config.vocab_size)
        length = min(most, self.config.train_seq_len, tokens.size - 1)
        ids = torch.from_numpy(tokens[None, : length + 1].astype(np.int64)).to(self.device)  # [1, T + 1]
        return probes.probe(self.logits, self.losses, ids, self.config.vocab_size)

    def describe(self) -> str:
        """Return the device's name, the number of threads or processes, and how attention is computed."""
        return devices.describe(self.device, self.workers, self._how)


def spans_of(tokens: Tokens, begins: Vector, length: int) -> npt.NDArray[np.int64]:
    """Return the inputs and the last target of sequences that begin at `begins` [B]: [B, length + 1]."""
    spans: npt.NDArray[np.int64] = tokens[begins[:, None] + np.arange(length + 1)].astype(np.int64)
    return spans


def _finite(losses: Any) -> Vector:
    """Return losses as an array; raise Refused (EVAL_NONFINITE) unless all are finite."""
    array = np.asarray(losses, np.float64)
    if not np.isfinite(array).all():
        raise Refused("EVAL_NONFINITE", "the model's loss is not a finite number: it has no score")
    return array
