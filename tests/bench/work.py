"""The work of a training step, from the settings alone: FLOPs, bytes on the links, passes over memory.

T sequence, D model_dim, H heads, K key/value heads, V vocabulary. Checked against torch's own count of the model and
of Muon, and against what a process group is given: tests/reference/test_scaling.py.
"""

from dataclasses import dataclass

from golfcheck.reference.settings import Settings

BF16_BYTES, FP32_BYTES = 2, 4


def matrices(s: Settings) -> list[tuple[int, int]]:
    """Return rows and columns of all matrices inside blocks, in the order of the model's parameters."""
    D, kv_dim = s.model_dim, s.model_dim * s.num_kv_heads // s.num_heads
    hidden = s.mlp_mult * D
    return [(D, D), (kv_dim, D), (kv_dim, D), (D, D), (hidden, D), (D, hidden)] * s.num_layers


def skips(s: Settings) -> int:
    """Return how many blocks of the first half are added again in the second."""
    return min(s.num_layers // 2, s.num_layers - s.num_layers // 2)


def scalars(s: Settings) -> int:
    """Return the number of parameters that are in no matrix: scales, mixes and gains of the blocks, and skips."""
    return s.num_layers * (4 * s.model_dim + s.num_heads) + skips(s) * s.model_dim


def matmul_flops(s: Settings) -> int:
    """Return the forward FLOPs of a token in the blocks' matrices: a multiplication and an addition a weight."""
    return 2 * sum(rows * cols for rows, cols in matrices(s))


def head_flops(s: Settings) -> int:
    """Return the forward FLOPs of a token in the head."""
    return 2 * s.vocab_size * s.model_dim


def attention_flops(s: Settings) -> int:
    """Return the forward FLOPs of a token in causal attention: scores and values over half of the sequence.

    A backward pass has five such products for the forward's two: 2.5 times as many (FlashAttention-2, section 4.1).
    """
    return s.num_layers * 2 * 2 * s.model_dim * s.train_seq_len // 2


def step_flops(s: Settings) -> float:
    """Return the FLOPs of a whole training step on all ranks, without the optimizer's."""
    return s.train_batch_tokens * (3 * (matmul_flops(s) + head_flops(s)) + 3.5 * attention_flops(s))


def newton_schulz_flops(rows: int, cols: int, steps: int) -> int:
    """Return the FLOPs that orthogonalise a matrix: X·Xᵀ, A·A and (b·A + c·A·A)·X a step, the short side first."""
    short, long = sorted((rows, cols))
    return steps * (2 * 2 * short * short * long + 2 * short**3)


def gradient_bytes(s: Settings) -> int:
    """Return the bytes of all gradients: fp32, but those of the embedding, which is kept in bf16."""
    numbers = sum(rows * cols for rows, cols in matrices(s)) + scalars(s)
    head = 0 if s.tie_embeddings else FP32_BYTES * s.vocab_size * s.model_dim
    return FP32_BYTES * numbers + BF16_BYTES * s.vocab_size * s.model_dim + head


def update_bytes(s: Settings) -> int:
    """Return the bytes of Muon's updates in bf16."""
    return BF16_BYTES * sum(rows * cols for rows, cols in matrices(s))


def wire_bytes(size_bytes: int, ranks: int, *, all_reduce: bool) -> float:
    """Return what each rank sends around a ring; reduce-scatter and all-gather are each half of an all-reduce.

    The formula is NCCL's for bus bandwidth: nccl-tests, doc/PERFORMANCE.md.
    """
    return (2 if all_reduce else 1) * (ranks - 1) / ranks * size_bytes


@dataclass(frozen=True, slots=True)
class Passes:
    """How often [B, T, D] in bf16 is read or written."""

    forward: float
    backward: float


def block_passes(s: Settings, *, fused: bool) -> Passes:
    """Return the passes of a block's kernels between its matrix products, each reading and writing everything once.

    As a compiler fuses them. Forward: the MLP's residual, mix and norm 5; norm and rotation of q and k; attention's
    residual and norm 4; squared ReLU. Backward: their gradients, and those of the scales, which read outputs again.
    """
    qk, m = 1 + s.num_kv_heads / s.num_heads, s.mlp_mult
    if fused:  # squared ReLU in the epilogue of one product and of the other's gradient; one gradient for q, k and v
        return Passes(5 + 2 * qk + 4 + m, 10 + 3 * qk + 7 + m)
    return Passes(5 + 2 * qk + 4 + 2 * m, 12 + 3 * qk + 7 + 3 * m)
