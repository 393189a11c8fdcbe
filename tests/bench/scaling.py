"""How long a step takes on H100s: a model of few constants, from which docs/scaling.md is made.

A time is FLOPs over a rate, or bytes over a bandwidth, summed over kernels that run one after another. The rates of
attention, memory and links are cited. Three constants are free, and are solved for from logs at *shorter* sequence
lengths (`fit`): so the run at 4,096 tokens is predicted, not fitted.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from golfcheck.reference.settings import MICRO_BATCHES, Settings
from tests.bench import work
from tests.bench.scaling_logs import LOG_1024, LOG_2048

VAL_TOKENS = 62_021_632  # of the contest's validation split at 4,096 tokens a sequence


def _constant(value: float, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True, slots=True)
class H100:
    """An 8-GPU H100 SXM node and the network between two; every constant with its unit and source."""

    peak: float = _constant(989e12, "FLOP/s", "NVIDIA's data sheet of the H100 SXM: bf16, dense")
    large_matmul: float = _constant(788e12, "FLOP/s", "8192³ in bf16 on an H200, which has the same processor")
    hbm: float = _constant(3.0e12, "B/s", "data sheet (3.35 TB/s) times what a copy reached on an H200 (90 %)")
    nvlink: float = _constant(370e9, "B/s", "NCCL's ring where the line rate is 450 GB/s: nccl-tests issue 212")
    nic: float = _constant(47e9, "B/s", "a ConnectX-7 of 400 Gb/s, 46 to 48 GB/s: nccl-tests issue 290")
    node_latency: float = _constant(19e-6, "s", "8 GPUs, up to 512 KiB: all_reduce_perf in Mooncake PR 3484")
    network_latency: float = _constant(47e-6, "s", "two nodes of 8 GPUs, small messages: nccl issue 1244")
    small_kernel: float = _constant(5e-6, "s", "a launch of 4 to 6 µs: susun-blog.com, pegainfer 3")
    bucket: float = _constant(25 * 2**20, "B", "`bucket_cap_mb` of DistributedDataParallel by default")


@dataclass(frozen=True, slots=True)
class Attention:
    """Rates of an attention kernel at head width 64 in FLOP/s, by sequence length.

    From FlashAttention-3 (arXiv 2407.08608), charts of the H100 SXM5 at head dim 64: forward with the causal mask, but
    backward without, since the paper has no other: what the mask costs there is `Fitted.causal_backward`.
    """

    name: str
    forward: dict[int, float]
    backward: dict[int, float]


FLASH_2 = Attention(
    "FlashAttention-2", {1024: 229e12, 2048: 262e12, 4096: 284e12}, {1024: 238e12, 2048: 264e12, 4096: 279e12}
)
CUDNN = Attention("cuDNN", {1024: 288e12, 2048: 334e12, 4096: 363e12}, {1024: 348e12, 2048: 395e12, 4096: 417e12})
FLASH_3 = Attention(
    "FlashAttention-3", {1024: 265e12, 2048: 371e12, 4096: 420e12}, {1024: 363e12, 2048: 422e12, 4096: 453e12}
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """The free constants: how fast the model's own matrix products run, and what a causal mask costs a backward."""

    matmul_forward: float = 1.0  # FLOP/s
    matmul_backward: float = 1.0  # FLOP/s
    causal_backward: float = 1.0  # of the rate without a mask


@dataclass(frozen=True, slots=True)
class Trainer:
    """What a trainer does; the defaults are the contest's script."""

    attention: Attention = FLASH_2
    batched_muon: bool = False  # one Newton–Schulz for each shape, not for each matrix
    sharded_exchange: bool = False  # reduce-scatter of gradients and all-gather of updates, not two all-reduces
    overlapped: bool = False  # the exchange runs behind the backward pass and behind the next stack
    fused: bool = False  # squared ReLU inside its matrix products, and q, k, v as one product


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the ranks are, one GPU each."""

    gpus: int = 8
    nodes: int = 1
    nics: int = 8  # of each node


@dataclass(frozen=True, slots=True)
class Phase:
    """A forward or backward pass over one micro-batch, in seconds."""

    attention: float
    matrices: float
    pointwise: float
    head: float  # with the embedding and the loss

    @property
    def total(self) -> float:
        return self.attention + self.matrices + self.pointwise + self.head


@dataclass(frozen=True, slots=True)
class Step:
    """A training step on one rank, in seconds; of the exchange, what nothing hides."""

    micro_batches: int
    forward: Phase
    backward: Phase
    muon: float
    adam: float
    gradients: float
    updates: float

    @property
    def total(self) -> float:
        passes = self.micro_batches * (self.forward.total + self.backward.total)
        return passes + self.muon + self.adam + self.gradients + self.updates


def phases(s: Settings, tokens: int, trainer: Trainer, fitted: Fitted, hw: H100) -> tuple[Phase, Phase]:
    """Return the forward and the backward pass over a micro-batch of so many tokens on one GPU."""
    one_pass = tokens * s.model_dim * work.BF16_BYTES / hw.hbm  # s, to read or write [B, T, D]
    logits = s.vocab_size / s.model_dim  # passes
    block = work.block_passes(s, fused=trainer.fused)
    backward_rate = trainer.attention.backward[s.train_seq_len] * fitted.causal_backward
    forward = Phase(
        attention=tokens * work.attention_flops(s) / trainer.attention.forward[s.train_seq_len],
        matrices=tokens * work.matmul_flops(s) / fitted.matmul_forward,
        pointwise=one_pass * (block.forward * s.num_layers + work.skips(s)),
        # The embedding and its norm 2, the last norm 3; the logits are read for their maximum and for the sum.
        head=tokens * work.head_flops(s) / fitted.matmul_forward + one_pass * (5 + 2 * logits),
    )
    backward = Phase(
        attention=2.5 * tokens * work.attention_flops(s) / backward_rate,
        matrices=2 * tokens * work.matmul_flops(s) / fitted.matmul_backward,
        pointwise=one_pass * (block.backward * s.num_layers + 3 * work.skips(s)),
        head=2 * tokens * work.head_flops(s) / fitted.matmul_backward + one_pass * (6 + 2 * logits),
    )
    return forward, backward


def muon_seconds(s: Settings, ranks: int, trainer: Trainer, fitted: Fitted, hw: H100) -> float:
    """Return the time of Muon on the rank with most to do: its arithmetic or its launches, whichever is longer.

    A compiled Newton–Schulz is 4 kernels and 5 an iteration, momentum 3; writing an update takes 2, on all ranks.
    """
    matrices = work.matrices(s)
    owned = max((matrices[rank::ranks] for rank in range(ranks)), key=lambda some: sum(r * c for r, c in some))
    flops = sum(work.newton_schulz_flops(rows, cols, s.muon_backend_steps) for rows, cols in owned)
    own, all_ = (len(set(owned)), len(set(matrices))) if trainer.batched_muon else (len(owned), len(matrices))
    iterations = own * (4 + 5 * s.muon_backend_steps) * hw.small_kernel
    return max(flops / fitted.matmul_forward, iterations) + (3 * own + 2 * all_) * hw.small_kernel


def adam_seconds(s: Settings, hw: H100) -> float:
    """Return the time of Adam: 3 fused kernels, which read four fp32 numbers a parameter and write three."""
    numbers = work.scalars(s) + s.vocab_size * s.model_dim
    return 3 * hw.small_kernel + 7 * work.FP32_BYTES * numbers / hw.hbm


def exchange_seconds(s: Settings, cluster: Cluster, trainer: Trainer, hw: H100) -> tuple[float, float]:
    """Return how long gradients and updates take on the links, less what overlaps with computing.

    A ring through two nodes crosses between them by all their network cards at once. What overlaps leaves the last
    bucket of gradients, and the last of the stacks of updates.
    """
    if cluster.gpus == 1:
        return 0.0, 0.0
    links = hw.nvlink if cluster.nodes == 1 else min(hw.nvlink, cluster.nics * hw.nic)
    latency = hw.node_latency if cluster.nodes == 1 else hw.network_latency
    sizes = work.gradient_bytes(s), work.update_bytes(s)
    messages = [-(-sizes[0] // int(hw.bucket)), len(set(work.matrices(s))) if trainer.batched_muon else 1]
    gradients, updates = (
        work.wire_bytes(size, cluster.gpus, all_reduce=not trainer.sharded_exchange) / links + count * latency
        for size, count in zip(sizes, messages, strict=True)
    )
    return (gradients / messages[0], updates / messages[1]) if trainer.overlapped else (gradients, updates)


def step(s: Settings, cluster: Cluster, trainer: Trainer, fitted: Fitted, hw: H100) -> Step:
    """Predict a step; more than eight ranks take smaller micro-batches than the trainer does today."""
    micro_batches = max(1, MICRO_BATCHES // cluster.gpus)
    forward, backward = phases(s, s.train_batch_tokens // (cluster.gpus * micro_batches), trainer, fitted, hw)
    muon = muon_seconds(s, cluster.gpus, trainer, fitted, hw)
    exchange = exchange_seconds(s, cluster, trainer, hw)
    return Step(micro_batches, forward, backward, muon, adam_seconds(s, hw), *exchange)


def evaluation_seconds(s: Settings, gpus: int, trainer: Trainer, fitted: Fitted, hw: H100) -> float:
    """Predict an evaluation of the whole split: forward passes and nothing else."""
    return phases(s, VAL_TOKENS // gpus, trainer, fitted, hw)[0].total


def fit(hw: H100) -> Fitted:
    """Solve for the free constants from three figures of the logs at 1,024 and 2,048 tokens, one after another.

    The evaluation at 1,024 leaves the forward rate. The step at 2,048 less the one at 1,024, of as many tokens, leaves
    what the mask costs: only attention differs. The step at 1,024 then leaves the backward rate.
    """
    short, long, contest, free = LOG_1024.settings, LOG_2048.settings, Trainer(), float("inf")
    val_tokens, tokens = VAL_TOKENS // 8, short.train_batch_tokens // 8
    flops = work.matmul_flops(short) + work.head_flops(short)  # of a token, forward

    rest = evaluation_seconds(short, 8, contest, Fitted(matmul_forward=free), hw)
    fitted = Fitted(matmul_forward=val_tokens * flops / (LOG_1024.eval_ms / 1000 - rest))

    (forward_1, backward_1), (forward_2, backward_2) = (phases(s, tokens, contest, fitted, hw) for s in (short, long))
    grown = (LOG_2048.step_ms - LOG_1024.step_ms) / 1000 - (forward_2.attention - forward_1.attention)
    fitted = replace(fitted, causal_backward=(backward_2.attention - backward_1.attention) / grown)

    rest = step(short, Cluster(), contest, replace(fitted, matmul_backward=free), hw).total
    return replace(fitted, matmul_backward=2 * tokens * flops / (LOG_1024.step_ms / 1000 - rest))
