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
QUERY_BLOCK = 128  # queries at a time in attention on a CPU: their scores fit in a core's cache
MOST_SCORES = 2**27  # above this, keeping the scores for the backward pass takes too much memory
FAST_SCORES = False  # whether scoring uses products, too: faster on a CPU, within 1e-5 bpb, but not the same bits
# Tokens whose logits exist at a time: all of them in fp32 would be the largest tensor. 512 fit in a CPU's caches.
LOSS_TOKENS = {"cpu": 512, "cuda": 16_384, "mps": 16_384}
linear = partial(nn.Linear, bias=False)  # its fp32 weight is cast to bf16 at use, by autocast


@dataclass(frozen=True, slots=True)
class GPTConfig:
    """The shape of a model and what its weights were trained with; ValueError for an impossible one."""

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
        D, H, K = self.model_dim, self.num_heads, self.num_kv_heads
        tables = self.rope_tables
        for is_fit, problem in (
            (D % H == 0, f"NUM_HEADS ({H}) must divide MODEL_DIM ({D})"),
            (H % K == 0, f"NUM_KV_HEADS ({K}) must divide NUM_HEADS ({H})"),
            (self.head_dim % 2 == 0, f"rotary positions need an even head width: {D}/{H} is odd"),
            (self.logit_softcap > 0.0, f"LOGIT_SOFTCAP must be positive, not {self.logit_softcap}"),
            (tables in ROPE_TABLES, f"ROPE_TABLES must be one of {', '.join(ROPE_TABLES)}, not {tables!r}"),
        ):
            if not is_fit:
                raise ValueError(problem)

    @property
    def head_dim(self) -> int:
        """The width d of a head."""
        return self.model_dim // self.num_heads


class _RMS(torch.autograd.Function):
    """Normalize the last axis to a root mean square of 1, in fp32 arithmetic; the result has x's type."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        # Each block gets inputs of the same scale, however large the residual stream has grown.
        x32 = x.float()
        inverse = torch.rsqrt((x32 * x32).sum(-1, keepdim=True) / x.size(-1) + RMS_EPS)  # [..., 1]
        ctx.save_for_backward(x, inverse)
        # Contiguous: the queries and keys of heads are strided views, which `rotate` reads at a third of the speed.
        return (x32 * inverse).to(x.dtype, memory_format=torch.contiguous_format)

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dy: Tensor) -> Tensor:  # type: ignore[override]
        x, inverse = ctx.saved_tensors  # the framework's own gradient takes three times as long
        x32 = x.float()
        dy32 = dy.float()
        along = (dy32 * x32).sum(-1, keepdim=True) * inverse**3 / x.size(-1)  # [..., 1]
        return (dy32 * inverse).addcmul_(x32, along, value=-1.0).to(x.dtype)


rms: Any = _RMS.apply


def rotary_tables(config: GPTConfig, positions: int) -> Tensor:
    """Return cos and sin of position times inverse frequency, [2, positions, d/2] (RoPE, arXiv 2104.09864)."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim  # [d/2]
    inv_freq = 1.0 / config.rope_base**exponents  # [d/2]
    t = torch.arange(positions, dtype=torch.float32)  # [T]
    # A model scores well only with the tables that it was trained with. The contest's script casts the frequencies to
    # bf16 along with its model. Compiled for a GPU, the rest stays in fp32, inside a kernel: "bf16_frequencies".
    if config.rope_tables != "fp32":
        inv_freq = inv_freq.bfloat16()
    # In eager mode the positions are bf16, too: of 4,096, only 769 stay distinct.
    if config.rope_tables == "bf16":
        t = t.bfloat16()
    angles = torch.outer(t, inv_freq.to(t.dtype))  # [T, d/2]
    return torch.stack((angles.cos(), angles.sin()))  # [2, T, d/2]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (x[j], x[j + d/2]) by its position's angle: x [B, n, T, d], tables [T, d/2]."""
    # The product of a rotated query and a rotated key depends on their distance, not on where in the text they are.
    a, b = x.chunk(2, dim=-1)  # [B, n, T, d/2] twice: the two halves of a head are the pair
    return torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)  # [B, n, T, d]


class _Causal(torch.autograd.Function):
    """Causal attention of q [N, T·n, d] to k and v [N, T, d] by matrix products, a block of queries at a time."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n = q.size(1) // k.size(1)  # query heads that share a key
        y = []
        probabilities = []
        # Minus infinity above the diagonal: after the softmax no token attends to a later one.
        future = q.new_full((QUERY_BLOCK, QUERY_BLOCK), -math.inf).triu_(1).repeat_interleave(n, 0)
        for first, q_b in enumerate(q.split(QUERY_BLOCK * n, 1)):
            # Only the keys up to the end of the block: the half of all scores that is in the future is not computed.
            scores = q_b @ k[:, : (first + 1) * QUERY_BLOCK].mT  # [N, rows·n, end]
            scores[:, :, first * QUERY_BLOCK :] += future[: scores.size(1), : q_b.size(1) // n]
            probabilities.append(scores.softmax(-1))
            y.append(probabilities[-1] @ v[:, : scores.size(2)])  # [N, rows·n, d]
        ctx.save_for_backward(q, k, v, *probabilities)
        return torch.cat(y, 1)  # [N, T·n, d]

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        q, k, v, *probabilities = ctx.saved_tensors
        dq = []
        dk = torch.zeros_like(k)
        dv = torch.zeros_like(v)
        size = probabilities[0].size(1)
        for p, q_b, dy_b in zip(probabilities, q.split(size, 1), dy.split(size, 1), strict=True):
            end = p.size(2)
            dscores = torch._softmax_backward_data(dy_b @ v[:, :end].mT, p, -1, p.dtype)  # [N, rows·n, end]
            dq.append(dscores @ k[:, :end])  # [N, rows·n, d]
            dk[:, :end].baddbmm_(dscores.mT, q_b)
            dv[:, :end].baddbmm_(p.mT, dy_b)
        return torch.cat(dq, 1), dk, dv


def attention_kernel(device: torch.device, scores: int) -> str:
    """Return the name of what computes so many attention scores in training."""
    # On a CPU the framework's kernel reaches an eighth of the rate of matrix products.
    return "products" if device.type == "cpu" and scores <= MOST_SCORES else "sdpa"


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention of q [B, H, T, d] to k and v [B, K, T, d]; returns [B, H, T, d]."""
    B, H, T, d = q.shape
    K = k.size(1)
    if not (torch.is_grad_enabled() or FAST_SCORES) or attention_kernel(q.device, B * H * T * T) == "sdpa":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=K != H)
    n = H // K  # heads that share a key become rows of one product, side by side in each position
    q = (q * d**-0.5).unflatten(1, (K, n)).transpose(2, 3).reshape(B * K, T * n, d)  # [B·K, T·n, d]
    y = _Causal.apply(q, k.reshape(B * K, T, d), v.reshape(B * K, T, d))  # [B·K, T·n, d]
    return y.view(B, K, T, n, d).transpose(2, 3).reshape(B, H, T, d)  # type: ignore[no-any-return]


class _Loss(torch.autograd.Function):
    """The sum of cross-entropies in nats of targets [N] given x [N, D] and the head's weight [V, D]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, softcap: float) -> Tensor:
        w = weight.to(x.dtype)
        total = torch.zeros((), device=x.device)
        dx = torch.empty_like(x)
        dweight = torch.zeros_like(weight, dtype=torch.float32)
        parts = (part.split(LOSS_TOKENS[x.device.type]) for part in (x, dx, targets[:, None]))
        for x_c, dx_c, target in zip(*parts, strict=True):  # [n, D] twice and [n, 1]
            # 2c·sigmoid(2z/c) is c·tanh(z/c) + c, and a softmax ignores constants: a sixth of a tanh's time on a CPU.
            s = F.linear(x_c, w).float().mul_(2.0 / softcap).sigmoid_()  # [n, V]
            logp = F.log_softmax(2.0 * softcap * s, -1)  # [n, V]
            total -= logp.gather(1, target).sum()
            # The gradient of a cross-entropy is the probabilities minus 1 at the target; then back through the sigmoid.
            dcapped = logp.exp_().scatter_add_(1, target, -torch.ones_like(target, dtype=torch.float32))  # [n, V]
            dz = dcapped.mul_(4.0 * s).mul_(s.neg_().add_(1.0)).to(x.dtype)  # [n, V]
            dx_c.copy_(dz @ w)  # [n, D]
            dweight += dz.mT @ x_c  # [V, D]
        ctx.save_for_backward(dx, dweight)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, dtotal: Tensor) -> tuple[Tensor | None, ...]:
        return *(saved.mul_(dtotal) for saved in ctx.saved_tensors), None, None


class Attention(nn.Module):
    """Causal attention; each key/value head is shared by H/K query heads (GQA, arXiv 2305.13245)."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        D = config.model_dim
        kv_dim = config.num_kv_heads * config.head_dim
        self.head_dim = config.head_dim
        self.c_q = linear(D, D)
        self.c_k = linear(D, kv_dim)
        self.c_v = linear(D, kv_dim)
        self.proj = linear(D, D)
        self.q_gain = nn.Parameter(torch.full((config.num_heads,), config.qk_gain_init))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Attend within [B, T, D]."""
        heads = (project(x).unflatten(-1, (-1, self.head_dim)) for project in (self.c_q, self.c_k, self.c_v))
        q, k, v = (head.transpose(1, 2) for head in heads)  # [B, H or K, T, d]
        cos, sin = cos.to(q.dtype), sin.to(q.dtype)
        # Normalized queries and keys cannot grow until the softmax picks one token; the gain sets how sharp it is.
        q = rotate(rms(q), cos, sin)
        k = rotate(rms(k), cos, sin)
        q = q * self.q_gain.to(q.dtype).view(-1, 1, 1)
        return self.proj(attend(q, k, v).transpose(1, 2).flatten(2))  # [B, T, D]


class Block(nn.Module):
    """Attention and an MLP, each added with a learned scale, after the first input is mixed in again."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        D = config.model_dim
        hidden = round(config.mlp_mult * D)
        self.attn = Attention(config)
        self.mlp = nn.ModuleDict({"fc": linear(D, hidden), "proj": linear(hidden, D)})
        self.attn_scale = nn.Parameter(torch.ones(D))
        self.mlp_scale = nn.Parameter(torch.ones(D))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(D), torch.zeros(D))))  # [2, D]

    def forward(self, x: Tensor, x0: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Transform x [B, T, D], given the embedding x0 [B, T, D]."""
        mix = self.resid_mix.to(x.dtype)
        x = mix[0] * x + mix[1] * x0
        x = x + self.attn_scale.to(x.dtype) * self.attn(rms(x), cos, sin)
        # Squared ReLU does as well as gated activations, with two matrices instead of three (arXiv 2109.08668).
        hidden = F.relu(self.mlp["fc"](rms(x))).square()  # [B, T, mlp_mult·D]
        return x + self.mlp_scale.to(x.dtype) * self.mlp["proj"](hidden)


class GPT(nn.Module):
    """The whole model; called with inputs and targets it returns their cross-entropy in nats."""

    def __init__(self, config: GPTConfig, positions: int = 0) -> None:
        super().__init__()
        self.config = config
        E = self.encoder_layers = config.num_layers // 2
        # The order of creation is the order in which the seed's random numbers are drawn: keep it.
        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.skip_weights = nn.Parameter(torch.ones(E, config.model_dim), requires_grad=E > 0)  # [S, D]; S is E
        # Tied, the embedding is also the head: in a model this small, a separate head would be 3% of all bytes.
        self.lm_head = None if config.tie_embeddings else linear(config.model_dim, config.vocab_size)
        if config.tie_embeddings:
            nn.init.normal_(self.tok_emb.weight, std=config.tied_embed_init_std)
        self.tok_emb.bfloat16()
        # What is added to the residual stream starts at zero: at first a block passes its input on, whatever the depth.
        for name, p in self.named_parameters():
            if name.endswith("proj.weight") or name == "lm_head.weight":
                nn.init.zeros_(p)
        self.register_buffer("tables", rotary_tables(config, max(positions, config.train_seq_len)), persistent=False)

    def hidden(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the head maps, [B, T, D], for token ids [B, T], and the head's weight [V, D]."""
        cos, sin = self.tables[:, : ids.size(1)]  # [T, d/2] each
        x = x0 = rms(self.tok_emb(ids))  # [B, T, D]
        stack = []  # as in a U-Net: each layer of the second half gets the output of its mirror image
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
        # The softcap bounds what a wrong guess can cost, however certain the model is (Gemma 2, arXiv 2408.00118).
        return self.config.logit_softcap * torch.tanh(z / self.config.logit_softcap)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Return the cross-entropy in nats of targets [B, T] given ids [B, T]: to train the mean, else each [B·T]."""
        x, weight = self.hidden(ids)
        x, targets = x.flatten(0, 1), targets.flatten()  # [B·T, D] and [B·T]
        if torch.is_grad_enabled():
            return _Loss.apply(x, weight, targets, self.config.logit_softcap) / targets.numel()
        size = LOSS_TOKENS[x.device.type]
        chunks = zip(x.split(size), targets.split(size), strict=True)  # [n, D] and [n]
        return torch.cat([F.cross_entropy(self.logits(x_c, weight).float(), t, reduction="none") for x_c, t in chunks])
