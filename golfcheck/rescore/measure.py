"""The evaluation itself: arrays → model → score. The only module of golfcheck that imports torch."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from golfcheck.errors import GolfcheckError, Refused, UsageError
from golfcheck.rescore import shape
from golfcheck.rescore.report import Measured, Probe
from golfcheck.untrusted.load import Array
from reference.artifact import ArtifactError, dequantize, quantize
from reference.bpb import ByteTable, Score, evaluate
from reference.data import Tokens
from reference.model import GPT, GPTConfig
from reference.ranks import Ranks

# One sequence a call is fastest on a CPU (performance.md); an accelerator wants as many tokens as the contest's call.
_BATCH_TOKENS = 65_536
_PROBE_TOKENS = 512
_TOLERANCE_NATS = 1e-5

Progress = Callable[[int, int], object]
State = dict[str, Tensor]
Vector = npt.NDArray[Any]


class Interrupted(KeyboardInterrupt):
    """The evaluation was stopped; `so_far` is the score of the sequences before that."""

    def __init__(self, so_far: Measured) -> None:
        super().__init__()
        self.so_far = so_far


def state_of(tree: Mapping[str, Any]) -> State:
    """Return the state dict of an artifact's tree; Refused, with the format's label, unless all of it makes sense."""
    try:
        state = dequantize(_tensors(tree))
    except ArtifactError as error:
        unsupported = "unsupported quantization format: " if error.code == "ART_QFORMAT" else ""
        raise Refused(error.code, f"{unsupported}{error}") from None
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            raise Refused("ART_DTYPE", f"{name!a} is {tensor.dtype}; the weights of this architecture are floats")
    return state


def _tensors(value: Any) -> Any:
    """Put torch tensors, sharing memory, in place of arrays."""
    if isinstance(value, Array):
        tensor = torch.from_numpy(value.data)
        return tensor.view(torch.bfloat16) if value.dtype == "bfloat16" else tensor
    return {key: _tensors(child) for key, child in value.items()} if isinstance(value, dict) else value


def differences(
    tree: Mapping[str, Any], raw: Mapping[str, Any], keep_fp32: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Return how many tensors the raw weights have, and the names of those that the artifact holds otherwise.

    The raw weights are quantized again: an artifact that was made by the format's own rounding is equal bit by bit.
    """
    state = _tensors(raw)
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise Refused("ART_TYPE", "the raw file is no plain state dict")
    wanted, found = quantize(state, keep_fp32), _tensors(tree)
    differ = set()
    for section in ("quantized", "scales", "passthrough"):
        for name in wanted[section].keys() | found[section].keys():
            ours, theirs = wanted[section].get(name), found[section].get(name)
            if ours is None or theirs is None or ours.dtype != theirs.dtype or not torch.equal(ours, theirs):
                differ.add(name)
    differ |= {name for name, dtype in wanted["dtypes"].items() if found["dtypes"].get(name) != dtype}
    return len(state), tuple(sorted(differ))


def config_of(state: State, options: Mapping[str, Any]) -> GPTConfig:
    """Return the model's configuration: its sizes from the tensors, `options` for what they do not tell.

    Refused (ART_KEYS, ART_SHAPE) unless the tensors are exactly those of such a model.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    try:
        config = GPTConfig(**shape.infer(shapes), **options)  # type: ignore[arg-type]
        with torch.device("meta"):  # shapes without memory; the positions of its tables matter to no shape
            model = GPT(replace(config, train_seq_len=1))
    except ValueError as error:
        raise Refused("ART_SHAPE", str(error)) from None
    shape.check(shapes, {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    return config


def join(device: str) -> Ranks:
    """Join the job that torchrun describes, or be alone; UsageError where the device is not there."""
    if device == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"rescore: --device mps: torch {torch.__version__} sees none; --device cpu always works")
    try:
        return Ranks.join(device)
    except ValueError as error:
        raise UsageError(f"rescore: {error}") from None


def leave() -> None:
    """Leave the job, if there was one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def describe(device: torch.device) -> str:
    """Return what a device is called."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    names: list[str] = []
    cpuinfo = Path("/proc/cpuinfo")
    if device.type == "cpu" and cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{device.type} ({names[0] if names else 'unnamed'}, {torch.get_num_threads()} threads)"


class Evaluation:
    """A model ready to be scored: its weights, its tables, the precision of its activations; on every rank."""

    def __init__(self, state: State, config: GPTConfig, precision: str, ranks: Ranks) -> None:
        self.config, self.precision, self.ranks, self.device = config, precision, ranks, ranks.device
        self.model = GPT(config)
        self.model.load_state_dict(state)
        if precision == "fp32":
            self.model.float()  # the embedding and the tables keep their bf16 values
        for module in self.model.modules():
            if precision == "bf16" and isinstance(module, torch.nn.Linear):
                module.bfloat16()  # what autocast would do again in every call; the same bits
        self.model.to(self.device).eval().requires_grad_(False)
        self._losses: list[Tensor] = []

    def _autocast(self) -> Any:
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def _loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of a batch [B, T], keeping each sequence's: fp32 logits of one sequence at a time."""
        logits = self.model.logits(inputs)  # [B, T, V]
        losses = torch.stack([F.cross_entropy(z.float(), t) for z, t in zip(logits, targets, strict=True)])  # [B]
        self._losses.append(losses)
        return losses.mean()

    def score(self, tokens: Tokens, table: ByteTable, progress: Progress) -> Measured:
        """Score validation tokens [seqs * seq_len + 1].

        Raises Refused (EVAL_NONFINITE) for a loss that is no number, and `Interrupted` with what is known on Ctrl-C.
        """
        self._losses, start = [], time.perf_counter()
        seq_len, batch_seqs = self.config.train_seq_len, self._batch_seqs()
        try:
            with self._autocast():
                found = evaluate(
                    self._loss, tokens, table, seq_len=seq_len, batch_seqs=batch_seqs, device=self.device,
                    rank=self.ranks.rank, world_size=self.ranks.world_size, reduce=self._add, progress=progress,
                )  # fmt: skip
        except ValueError as error:
            raise GolfcheckError(f"rescore: {error}") from None
        except KeyboardInterrupt:
            if not self._losses:
                raise
            losses = self._sequence_losses()
            span = tokens[: len(losses) * seq_len + 1]
            so_far = Score(float(np.mean(losses)), span.size - 1, int(table.count(span).sum()))
            raise Interrupted(self.measured(so_far, [losses], start)) from None
        return self.measured(found, self.ranks.gather(self._sequence_losses()), start)

    def score_sliding(self, tokens: Tokens, table: ByteTable, stride: int, progress: Progress) -> Measured:
        """Score validation tokens [n + 1] in windows of seq_len that move on by `stride`, each token once.

        The first window's tokens have what stands before them in it; every other token has at least
        seq_len - stride tokens before it. Sums are float64. Raises as `score`.
        """
        start, seq_len, total = time.perf_counter(), self.config.train_seq_len, tokens.size - 1
        ids = torch.from_numpy(tokens.astype(np.int64))  # [n + 1]
        begins = [*range(0, total - seq_len, stride), total - seq_len]  # the last one ends with the text
        rank, world_size = self.ranks.rank, self.ranks.world_size
        mine = range(len(begins) * rank // world_size, len(begins) * (rank + 1) // world_size)
        first = done = begins[mine.start - 1] + seq_len if mine.start else 0  # where the rank before this one ends
        nats = 0.0
        try:
            with torch.inference_mode(), self._autocast():
                for at in range(0, len(mine), self._batch_seqs()):
                    batch = mine[at : at + self._batch_seqs()]
                    windows = [ids[begins[i] : begins[i] + seq_len + 1] for i in batch]
                    spans = torch.stack(windows).to(self.device)  # [B, T + 1]
                    for i, z, span in zip(batch, self.model.logits(spans[:, :-1]), spans, strict=True):
                        new = done - begins[i]  # where in the window the first token stands that is not scored yet
                        nats += float(F.cross_entropy(z[new:].float(), span[1 + new :], reduction="sum"))
                        done = begins[i] + seq_len
                    progress(batch.stop - mine.start, len(mine))
        except KeyboardInterrupt:
            if done == first:
                raise
            score = Score(nats / (done - first), done - first, int(table.count(tokens[first : done + 1]).sum()))
            so_far = self.measured(score, [], start)
            raise Interrupted(replace(so_far, stride=stride)) from None
        sums = torch.tensor([nats], dtype=torch.float64)
        self._add(sums)
        score = Score(float(sums) / total, total, int(table.count(tokens).sum()))
        counts = tuple(self.ranks.gather(len(mine)))
        return replace(self.measured(score, [], start), stride=stride, rank_sequences=counts)

    def _add(self, sums: Tensor) -> None:
        """Add up a CPU tensor over the ranks, in place."""
        if self.ranks.world_size > 1:
            dist.all_reduce(sums)

    @property
    def call_seqs(self) -> int:
        """How many sequences all ranks together score in one call."""
        return self._batch_seqs() * self.ranks.world_size

    def sample(self, tokens: Tokens, sequences: Vector) -> Vector:
        """Return the mean losses of the sequences [n] of validation tokens, which the ranks deal out in turn: [n].

        Raises Refused (EVAL_NONFINITE) for a loss that is no number.
        """
        seq_len, world_size = self.config.train_seq_len, self.ranks.world_size
        mine = sequences[self.ranks.rank :: world_size]
        spans = tokens[mine[:, None] * seq_len + np.arange(seq_len + 1)]  # [B, T + 1]
        ids, self._losses = torch.from_numpy(spans.astype(np.int64)).to(self.device), []
        with torch.inference_mode(), self._autocast():
            if mine.size:  # the last call may have none for this rank
                self._loss(ids[:, :-1], ids[:, 1:])
        losses = np.empty(sequences.size)
        for rank, part in enumerate(self.ranks.gather(self._sequence_losses() if mine.size else [])):
            losses[rank::world_size] = part
        if not np.isfinite(losses).all():
            raise Refused("EVAL_NONFINITE", "the model's loss is not a finite number: it has no score")
        return losses

    def seconds_for(self, tokens: Tokens) -> float:
        """Return about how long all sequences of validation tokens would take, from one call; equal on all ranks."""
        start, total = time.perf_counter(), tokens.size // self.config.train_seq_len
        call = min(self.call_seqs, total)
        self.sample(tokens, np.arange(call))
        return self.ranks.agree((time.perf_counter() - start) / call * total)[0]

    def _batch_seqs(self) -> int:
        return 1 if self.device.type == "cpu" else max(1, _BATCH_TOKENS // self.config.train_seq_len)

    def _sequence_losses(self) -> list[float]:
        losses: list[float] = torch.cat(self._losses).double().cpu().tolist()
        return losses

    def measured(self, score: Score, losses: list[list[float]], start: float) -> Measured:
        """Return a score with the losses that each rank knows, `start` being when it began."""
        if not np.isfinite(score.val_loss_nats):
            raise Refused("EVAL_NONFINITE", "the model's loss is not a finite number: it has no score")
        return Measured(
            val_loss_nats=score.val_loss_nats,
            val_bpb=score.val_bpb,
            tokens=score.tokens,
            text_bytes=score.bytes,
            rope_tables=self.config.rope_tables,
            precision=self.precision,
            seq_len=self.config.train_seq_len,
            stride=None,
            seconds=time.perf_counter() - start,
            rank_sequences=tuple(map(len, losses)),
            sequence_losses=tuple(loss for part in losses for loss in part),
        )

    def probe(self, tokens: Tokens) -> tuple[Probe, ...]:
        """Test what makes a score a score, on the first tokens [n > 2]: the past alone predicts, with probabilities.

        Raises Refused (EVAL_NONFINITE) where logits are not finite.
        """
        length = min(_PROBE_TOKENS, self.config.train_seq_len, tokens.size - 1)
        ids = torch.from_numpy(tokens[: length + 1].astype(np.int64)).to(self.device)  # [T + 1]
        inputs, targets = ids[None, :-1], ids[None, 1:]  # [1, T] twice
        at = length // 2
        changed = inputs.clone()
        changed[0, at:] = (changed[0, at:] + 1) % self.config.vocab_size
        with torch.inference_mode(), self._autocast():
            logits, other = self.model.logits(inputs).float(), self.model.logits(changed).float()  # [1, T, V]
            reported = float(self._loss(inputs, targets))
        if not bool(torch.isfinite(logits).all()):
            raise Refused("EVAL_NONFINITE", "the model's logits are not finite numbers: it has no score")
        exact = logits[0].double().cpu()  # [T, V]
        moved = float((logits - other)[0, :at].abs().max()) if at else 0.0
        total = float((logits[0].softmax(-1).double().sum(-1) - 1).abs().max())
        log_probs = exact - exact.logsumexp(-1, keepdim=True)  # [T, V]
        loss = -float(log_probs.gather(-1, targets[0, :, None].cpu()).mean())
        return (
            Probe("causal", moved == 0.0, f"tokens from {at} on changed: earlier logits moved by {moved:g}"),
            Probe("normalized", total < _TOLERANCE_NATS, f"probabilities sum to 1 within {total:.1g}"),
            Probe(
                "loss from logits",
                abs(loss - reported) < _TOLERANCE_NATS,
                f"{loss:.6f} in float64, {reported:.6f} reported",
            ),
        )
