"""The model: a GPT with grouped-query attention, rotary positions, skips between its halves and a softcapped head.

B batch, T sequence, D model_dim, H heads, K key/value heads, d = D/H head width, V vocabulary.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROPE_TABLES = ("bf16", "bf16_frequencies", "fp32")
RMS_EPS = 2.0**-23  # what the framework uses for fp32, here whatever the type of the input
QUERY_BLOCK = 128  # of attention on a CPU: small enough for a core's cache, large enough for its products
MOST_SCORES = 2**27  # that products of matrices keep the half of
LOSS_TOKENS = 512  # whose logits live at a time: on a CPU what its caches hold, elsewhere 32 times that
FLASH: Any = None  # FlashAttention-3's function, where `use_flash` was given it
linear = partial(nn.Linear, bias=False)  # its fp32 weight is cast to bf16 at use, by autocast


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """The shape of a model and what its weights were trained with; ValueError for one that cannot be."""

    vocab_size: int = 1024
    num_layers: int = 9
    model_dim: int = 512
    num_heads: int = 8
    num_kv_heads: int = 4
    mlp_mult: float = 2
    tie_embeddings: bool = True
    train_seq_len: int = 4096
    rope_base: float = 10000.0
    rope_tables: str = "bf16_frequencies"
    logit_softcap: float = 30.0
    qk_gain_init: float = 1.5
    tied_embed_init_std: float = 0.005

    def __post_init__(self) -> None:
        if self.model_dim % self.num_heads:
            raise ValueError(f"NUM_HEADS ({self.num_heads}) must divide MODEL_DIM ({self.model_dim})")
        if self.num_heads % self.num_kv_heads:
            raise ValueError(f"NUM_KV_HEADS ({self.num_kv_heads}) must divide NUM_HEADS ({self.num_heads})")
        if self.head_dim % 2:
            raise ValueError(f"rotary positions need an even head width: {self.model_dim}/{self.num_heads} is odd")
        if not self.logit_softcap > 0.0:
            raise ValueError(f"LOGIT_SOFTCAP must be positive, not {self.logit_softcap}")
        if self.rope_tables not in ROPE_TABLES:
            raise ValueError(f"ROPE_TABLES must be one of {', '.join(ROPE_TABLES)}, not {self.rope_tables!r}")

    @property
    def head_dim(self) -> int:
        """The width d of a head."""
        return self.model_dim // self.num_heads


def training_bytes(config: GPTConfig) -> int:
    """Return the least memory that training takes: weights, gradients, Muon's momentum, in fp32."""
    with torch.device("meta"):  # shapes without numbers
        return 12 * sum(p.numel() for p in GPT(config).parameters())


def rms(x: Tensor) -> Tensor:
    """Normalise the last axis to a root mean square of 1, by fp32 arithmetic, in x's own type."""
    x32 = x.float()  # written out, without powers and means: their gradients take more passes over all of x
    return (x32 * torch.rsqrt((x32 * x32).sum(-1, keepdim=True) / x.size(-1) + RMS_EPS)).to(x.dtype)


def rotary_tables(config: GPTConfig, positions: int) -> Tensor:
    """Return cos and sin of position times inverse frequency, [2, positions, d/2]; a model scores right with its own.

    The contest's script casts its model to bf16 and the frequencies with it, and makes the positions in their type.
    "bf16": all is rounded, as in eager mode on a CPU; of 4,096 positions 769 stay distinct. "bf16_frequencies": its
    runs on GPUs, whose compiler keeps what is inside a kernel in fp32, so that positions and angles are exact.
    "fp32": exact frequencies, too. Made outside the compiled model, so that no compiler changes the choice.
    """
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim  # [d/2]
    inv_freq = 1.0 / config.rope_base**exponents  # [d/2]
    t = torch.arange(positions, dtype=torch.float32)  # [T]
    if config.rope_tables != "fp32":
        inv_freq = inv_freq.bfloat16()
    if config.rope_tables == "bf16":
        t = t.bfloat16()
    angles = torch.outer(t, inv_freq.to(t.dtype))  # [T, d/2]
    return torch.stack((angles.cos(), angles.sin()))  # [2, T, d/2]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x[j], x[j + d/2]) by its position's angle: x [B, n, T, d], tables [T, d/2]."""
    a, b = x.chunk(2, dim=-1)  # [B, n, T, d/2] twice: the two halves of a head are the pair
    return torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)  # [B, n, T, d]


class _Causal(torch.autograd.Function):
    """Causal attention of q [N, T·n, d] to k and v [N, T, d] in products of matrices, by blocks of queries."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n, y, kept = q.size(1) // k.size(1), [], []
        future = q.new_full((QUERY_BLOCK, QUERY_BLOCK), -math.inf).triu_(1).repeat_interleave(n, 0)
        for first, q_b in enumerate(q.split(QUERY_BLOCK * n, 1)):
            scores = q_b @ k[:, : (first + 1) * QUERY_BLOCK].mT  # [N, rows·n, end]
            scores[:, :, first * QUERY_BLOCK :] += future[: scores.size(1), : q_b.size(1) // n]
            kept.append(scores.softmax(-1))
            y.append(kept[-1] @ v[:, : scores.size(2)])  # [N, rows·n, d]
        ctx.save_for_backward(q, k, v, *kept)
        return torch.cat(y, 1)  # [N, T·n, d]

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        q, k, v, *kept = ctx.saved_tensors
        dq, dk, dv = [], torch.zeros_like(k), torch.zeros_like(v)
        size = kept[0].size(1)
        for p, q_b, dy_b in zip(kept, q.split(size, 1), dy.split(size, 1), strict=True):
            end = p.size(2)
            dscores = torch._softmax_backward_data(dy_b @ v[:, :end].mT, p, -1, p.dtype)  # [N, rows·n, end]
            dq.append(dscores @ k[:, :end])  # [N, rows·n, d]
            dk[:, :end].baddbmm_(dscores.mT, q_b)
            dv[:, :end].baddbmm_(p.mT, dy_b)
        return torch.cat(dq, 1), dk, dv


def use_flash(function: Any) -> None:
    """Have attention computed by FlashAttention-3's function; None: by what else there is."""
    global FLASH  # noqa: PLW0603 - compiled code may read a module's variable
    FLASH = function


def attention_kernel(device: torch.device, scores: int) -> str:
    """Return the name of what so many scores are computed with in training."""
    if FLASH is not None:
        return "flash_attention_3"
    return "products" if device.type == "cpu" and scores <= MOST_SCORES else "sdpa"


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of q [B, H, T, d] to k and v [B, K, T, d]; returns [B, H, T, d].

    By FlashAttention-3 where it was chosen; training on a CPU by products of matrices, at the chip's peak, where the
    framework's kernel, which does the rest, reaches an eighth of it.
    """
    (B, H, T, d), K = q.shape, k.size(1)
    if FLASH is not None:  # it takes [B, T, H, d]
        return FLASH(*(x.transpose(1, 2) for x in (q, k, v)), causal=True).transpose(1, 2)  # type: ignore[no-any-return]
    if q.device.type != "cpu" or not torch.is_grad_enabled() or B * H * T * T > MOST_SCORES:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=K != H)
    n = H // K  # heads that share a key: rows of one product, side by side in each position
    q = (q * d**-0.5).unflatten(1, (K, n)).transpose(2, 3).reshape(B * K, T * n, d)  # [B·K, T·n, d]
    y = _Causal.apply(q, k.reshape(B * K, T, d), v.reshape(B * K, T, d))  # [B·K, T·n, d]
    return y.view(B, K, T, n, d).transpose(2, 3).reshape(B, H, T, d)  # type: ignore[no-any-return]


class _Loss(torch.autograd.Function):
    """The sum of cross-entropies in nats of targets [N] given x [N, D] and the head's weight [V, D], by chunks."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, softcap: float) -> Tensor:
        size, w = LOSS_TOKENS if x.device.type == "cpu" else 32 * LOSS_TOKENS, weight.to(x.dtype)
        total, dx = torch.zeros((), device=x.device), torch.empty_like(x)
        dweight, parts = torch.zeros_like(weight, dtype=torch.float32), (x, dx, targets[:, None])
        for x_c, dx_c, target in zip(*(part.split(size) for part in parts), strict=True):  # [n, D] twice and [n, 1]
            # 2c·sigmoid(2z/c) is c·tanh(z/c) + c, and no softmax sees a constant: a sixth of a tanh's time on a CPU.
            s = F.linear(x_c, w).float().mul_(2.0 / softcap).sigmoid_()  # [n, V]
            logp = F.log_softmax(2.0 * softcap * s, -1)  # [n, V]
            total -= logp.gather(1, target).sum()
            dcapped = logp.exp_().scatter_add_(1, target, -torch.ones_like(target, dtype=torch.float32))  # [n, V]
            dz = dcapped.mul_(4.0 * s).mul_(s.neg_().add_(1.0)).to(x.dtype)  # [n, V]
            dx_c.copy_(dz @ w)  # [n, D]
            dweight += dz.mT @ x_c  # [V, D]
        ctx.save_for_backward(dx, dweight)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dtotal: Tensor) -> tuple[Tensor | None, ...]:
        return *(saved.mul_(dtotal) for saved in ctx.saved_tensors), None, None  # in place: dx is the largest of all


class Attention(nn.Module):
    """Causal attention; each key/value head is shared by H/K query heads."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        D, kv_dim = config.model_dim, config.num_kv_heads * config.head_dim
        self.head_dim = config.head_dim
        self.c_q, self.c_k, self.c_v, self.proj = linear(D, D), linear(D, kv_dim), linear(D, kv_dim), linear(D, D)
        self.q_gain = nn.Parameter(torch.full((config.num_heads,), config.qk_gain_init))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attend within [B, T, D]."""
        heads = (project(x).unflatten(-1, (-1, self.head_dim)) for project in (self.c_q, self.c_k, self.c_v))
        q, k, v = (head.transpose(1, 2) for head in heads)  # [B, H or K, T, d]
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        q, k = rotate(rms(q), cos, sin), rotate(rms(k), cos, sin)
        q = q * self.q_gain.to(q.dtype).view(-1, 1, 1)
        return self.proj(attend(q, k, v).transpose(1, 2).flatten(2))  # [B, T, D]


class Block(nn.Module):
    """Attention and an MLP, each added with a learned scale, after the first input is mixed in again."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        D, hidden = config.model_dim, round(config.mlp_mult * config.model_dim)
        self.attn = Attention(config)
        self.mlp = nn.ModuleDict({"fc": linear(D, hidden), "proj": linear(hidden, D)})
        self.attn_scale, self.mlp_scale = nn.Parameter(torch.ones(D)), nn.Parameter(torch.ones(D))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(D), torch.zeros(D))))  # [2, D]

    def forward(self, x: Tensor, x0: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Transform x [B, T, D], with the model's first input x0 [B, T, D] at hand."""
        mix = self.resid_mix.to(x.dtype)
        x = mix[0] * x + mix[1] * x0
        x = x + self.attn_scale.to(x.dtype) * self.attn(rms(x), cos, sin)
        hidden = F.relu(self.mlp["fc"](rms(x))).square()  # [B, T, mlp_mult·D]
        return x + self.mlp_scale.to(x.dtype) * self.mlp["proj"](hidden)


class GPT(nn.Module):
    """The whole model; called with inputs and targets it returns their mean cross-entropy in nats."""

    tables: Tensor

    def __init__(self, config: GPTConfig, positions: int = 0) -> None:
        super().__init__()
        self.config = config
        E = self.encoder_layers = config.num_layers // 2
        # The order of creation is the order in which the seed's random numbers are drawn: keep it.
        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.skip_weights = nn.Parameter(torch.ones(E, config.model_dim), requires_grad=E > 0)  # [S, D]; S is E
        self.lm_head = None if config.tie_embeddings else linear(config.model_dim, config.vocab_size)
        if config.tie_embeddings:
            nn.init.normal_(self.tok_emb.weight, std=config.tied_embed_init_std)
        self.tok_emb.bfloat16()
        for name, p in self.named_parameters():
            if name.endswith("proj.weight") or name == "lm_head.weight":
                nn.init.zeros_(p)
        positions = max(positions, config.train_seq_len)
        self.register_buffer("tables", rotary_tables(config, positions), persistent=False)  # [2, positions, d/2]

    def flop_per_token(self) -> int:
        """Return the FLOP of training on a token: two a weight forward, four backward, but none for a mere lookup.

        Attention adds a product of two with half of the sequence, on average, in each layer.
        """
        c = self.config
        weights = sum(p.numel() for p in self.parameters())
        looked_up = 0 if self.lm_head is None else self.lm_head.weight.numel()  # as large as the embedding
        return 6 * (weights - looked_up + c.num_layers * c.train_seq_len * c.model_dim)

    def hidden(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the head maps, [B, T, D], for token ids [B, T], and the head's weight [V, D]."""
        cos, sin = self.tables[:, : ids.size(1)]  # [T, d/2] each
        x = x0 = rms(self.tok_emb(ids))  # [B, T, D]
        stack = []
        for i, block in enumerate(self.blocks):
            j = i - self.encoder_layers
            if j >= 0 and stack:
                x = x + self.skip_weights[j].to(x.dtype) * stack.pop()
            x = block(x, x0, cos, sin)
            if j < 0:
                stack.append(x)
        return rms(x), (self.tok_emb if self.lm_head is None else self.lm_head).weight

    def logits(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return softcapped logits [..., V] of what `hidden` returns, or of a part of its x [..., D]."""
        z = F.linear(x, weight.to(x.dtype))  # [..., V]
        return self.config.logit_softcap * torch.tanh(z / self.config.logit_softcap)

    def nats(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy in nats of each of targets [B, T] given ids [B, T]; [B, T], in fp32."""
        logits = self.logits(*self.hidden(ids)).float()  # [B, T, V]
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy in nats of targets [B, T] given ids [B, T]; a scalar, in fp32."""
        if not torch.is_grad_enabled():  # a score has the arithmetic of logits(): the softcap in the type of z
            return F.cross_entropy(self.logits(*self.hidden(ids)).float().flatten(0, 1), targets.flatten())
        x, weight = self.hidden(ids)
        total = _Loss.apply(x.flatten(0, 1), weight, targets.flatten(), self.config.logit_softcap)
        return total / targets.numel()  # type: ignore[no-any-return]
