"""The trainer written the obvious way: what its speed is measured against.

Each line of the contract is one line here, in the order in which the contract has it: all logits in fp32, a weight cast
wherever it is used, a batch read and copied when it is needed, the loss read after every step, matrices orthogonalised
one by one, one all-reduce of the flat update. Nothing is shared with `reference/` but the names of the settings and the
table of bytes. It must compute the same losses: `tests/reference/test_plain.py`.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from golfcheck.reference.bpb import ByteTable, Score
from golfcheck.reference.settings import Settings

EPS = 2.0**-23
MICRO_BATCHES = 8


class Linear(nn.Linear):
    """A map whose fp32 weight is cast at use."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


def rms(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.size(-1),), eps=EPS)


class Attention(nn.Module):
    def __init__(self, s: Settings) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.width = s.num_heads, s.num_kv_heads, s.model_dim // s.num_heads
        self.c_q = Linear(s.model_dim, s.model_dim, bias=False)
        self.c_k = Linear(s.model_dim, self.kv_heads * self.width, bias=False)
        self.c_v = Linear(s.model_dim, self.kv_heads * self.width, bias=False)
        self.proj = Linear(s.model_dim, s.model_dim, bias=False)
        self.q_gain = nn.Parameter(torch.full((s.num_heads,), s.qk_gain_init))

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        B, T, D = x.shape
        q = self.c_q(x).view(B, T, self.heads, self.width).transpose(1, 2)  # [B, H, T, d]
        k = self.c_k(x).view(B, T, self.kv_heads, self.width).transpose(1, 2)  # [B, K, T, d]
        v = self.c_v(x).view(B, T, self.kv_heads, self.width).transpose(1, 2)  # [B, K, T, d]
        q, k = self.rotate(rms(q), cos, sin), self.rotate(rms(k), cos, sin)
        q = q * self.q_gain.to(q.dtype).view(-1, 1, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.kv_heads != self.heads)
        return self.proj(y.transpose(1, 2).reshape(B, T, D))

    def rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x[..., : self.width // 2], x[..., self.width // 2 :]
        return torch.cat((a * cos + b * sin, -a * sin + b * cos), dim=-1)


class MLP(nn.Module):
    def __init__(self, s: Settings) -> None:
        super().__init__()
        self.fc = Linear(s.model_dim, s.mlp_mult * s.model_dim, bias=False)
        self.proj = Linear(s.mlp_mult * s.model_dim, s.model_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(torch.relu(self.fc(x)).square())


class Block(nn.Module):
    def __init__(self, s: Settings) -> None:
        super().__init__()
        self.attn, self.mlp = Attention(s), MLP(s)
        self.attn_scale = nn.Parameter(torch.ones(s.model_dim))
        self.mlp_scale = nn.Parameter(torch.ones(s.model_dim))
        self.resid_mix = nn.Parameter(torch.stack((torch.ones(s.model_dim), torch.zeros(s.model_dim))))

    def forward(self, x: Tensor, x0: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        mix = self.resid_mix.to(x.dtype)
        x = mix[0] * x + mix[1] * x0
        x = x + self.attn_scale.to(x.dtype) * self.attn(rms(x), cos, sin)
        return x + self.mlp_scale.to(x.dtype) * self.mlp(rms(x))


class Model(nn.Module):
    def __init__(self, s: Settings) -> None:
        super().__init__()
        self.s = s
        self.tok_emb = nn.Embedding(s.vocab_size, s.model_dim)
        self.half = s.num_layers // 2
        self.blocks = nn.ModuleList(Block(s) for _ in range(s.num_layers))
        self.skip_weights = nn.Parameter(torch.ones(min(self.half, s.num_layers - self.half), s.model_dim))
        self.lm_head = None if s.tie_embeddings else Linear(s.model_dim, s.vocab_size, bias=False)
        if s.tie_embeddings:
            nn.init.normal_(self.tok_emb.weight, std=s.tied_embed_init_std)
        self.tok_emb.bfloat16()
        for name, parameter in self.named_parameters():
            if name.endswith("proj.weight") or name == "lm_head.weight":
                nn.init.zeros_(parameter)
        width = s.model_dim // s.num_heads
        of_frequencies = torch.float32 if s.rope_tables == "fp32" else torch.bfloat16
        of_positions = torch.bfloat16 if s.rope_tables == "bf16" else torch.float32
        inv_freq = (1.0 / s.rope_base ** (torch.arange(0, width, 2).float() / width)).to(of_frequencies)  # [d/2]
        angles = torch.outer(torch.arange(s.train_seq_len).to(of_positions), inv_freq.to(of_positions))  # [T, d/2]
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        x = x0 = rms(self.tok_emb(ids))  # [B, T, D]
        cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)  # type: ignore[operator]
        skips = []
        for i, block in enumerate(self.blocks):
            if i >= self.half and skips:
                x = x + self.skip_weights[i - self.half].to(x.dtype) * skips.pop()
            x = block(x, x0, cos, sin)
            if i < self.half:
                skips.append(x)
        x = rms(x).reshape(-1, x.size(-1))  # [B·T, D]
        z = F.linear(x, self.tok_emb.weight) if self.lm_head is None else self.lm_head(x)  # [B·T, V]
        logits = self.s.logit_softcap * torch.tanh(z / self.s.logit_softcap)
        return F.cross_entropy(logits.float(), targets.reshape(-1))


def newton_schulz(g: Tensor, steps: int) -> Tensor:
    """One matrix in bf16: X ← aX + (bA + cA²)X with A = XXᵀ."""
    a, b, c = 3.4445, -4.7750, 2.0315
    X = g.bfloat16()
    X = X / (X.norm() + 1e-7)
    if g.size(0) > g.size(1):
        X = X.T
    for _ in range(steps):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    return X.T if g.size(0) > g.size(1) else X


class Stream:
    """The training shards, one after another, for ever, each read when it begins."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.glob("fineweb_train_*.bin"))
        self.shard, self.at, self.tokens = -1, 0, np.empty(0, "<u2")

    def take(self, count: int) -> Any:
        pieces = []
        while count:
            if self.at == self.tokens.size:
                self.shard, self.at = (self.shard + 1) % len(self.paths), 0
                self.tokens = np.fromfile(self.paths[self.shard], "<u2", offset=1024)
            piece = self.tokens[self.at : self.at + count]
            self.at, count = self.at + piece.size, count - piece.size
            pieces.append(piece)
        return np.concatenate(pieces)


class Plain:
    """A run of the contract on this rank; `step()` trains and `evaluate()` scores."""

    def __init__(self, s: Settings, device: str = "cpu", compiled: bool = False) -> None:
        self.s, self.device, self.steps = s, torch.device(device), 0
        self.rank = dist.get_rank() if dist.is_initialized() else 0
        self.world_size = dist.get_world_size() if dist.is_initialized() else 1
        torch.manual_seed(s.seed)
        self.model = Model(s).to(device)
        self.loss: Any = torch.compile(self.model, dynamic=False, fullgraph=True) if compiled else self.model
        if self.world_size > 1:
            self.loss = DistributedDataParallel(self.loss)
            self.loss.broadcast_buffers = False  # an attribute in all versions; the argument's name has changed
        control = s.control_tensor_name_patterns.split(",")
        inside = dict(self.model.blocks.named_parameters())
        self.matrices = [p for n, p in inside.items() if p.ndim == 2 and not any(part in n for part in control)]
        ids = {id(p) for p in self.matrices}
        scalars = [*(p for p in inside.values() if id(p) not in ids), self.model.skip_weights]
        self.buffers = [torch.zeros_like(p) for p in self.matrices]
        groups = [([self.model.tok_emb.weight], s.tied_embed_lr if s.tie_embeddings else s.embed_lr)]
        groups.append((scalars, s.scalar_lr))
        if self.model.lm_head is not None:
            groups.append(([self.model.lm_head.weight], s.head_lr))
        adam = [{"params": params, "lr": lr, "base_lr": lr} for params, lr in groups]
        self.adam = torch.optim.Adam(adam, betas=(s.beta1, s.beta2), eps=s.adam_eps, fused=True)
        self.newton_schulz = torch.compile(newton_schulz, dynamic=False, fullgraph=True) if compiled else newton_schulz
        self.stream = Stream(Path(s.data_path))

    def step(self) -> float:
        """Take one optimizer step without a cap on time; return this rank's mean loss in nats."""
        s, accum = self.s, MICRO_BATCHES // self.world_size
        left = s.iterations - self.steps
        factor = left / s.warmdown_iters if left < s.warmdown_iters else 1.0
        warm = min(self.steps / s.muon_momentum_warmup_steps, 1.0) if s.muon_momentum_warmup_steps else 1.0
        momentum = (1 - warm) * s.muon_momentum_warmup_start + warm * s.muon_momentum
        self.model.zero_grad(set_to_none=True)
        loss = torch.zeros((), device=self.device)
        for micro in range(accum):
            span = s.train_batch_tokens // MICRO_BATCHES + 1
            tokens = self.stream.take(self.world_size * span)[self.rank * span : (self.rank + 1) * span]
            ids = torch.from_numpy(tokens.astype(np.int64)).to(self.device)
            if self.world_size > 1:
                self.loss.require_backward_grad_sync = micro == accum - 1
            with torch.autocast(self.device.type, torch.bfloat16):
                part = self.loss(ids[:-1].view(-1, s.train_seq_len), ids[1:].view(-1, s.train_seq_len))
            (part / accum).backward()
            loss += part.detach() / accum
        if s.grad_clip_norm > 0:
            nn.utils.clip_grad_norm_(self.model.parameters(), s.grad_clip_norm)
        for group in self.adam.param_groups:
            group["lr"] = factor * group["base_lr"]
        self.adam.step()
        self._muon(factor * s.matrix_lr, momentum)
        self.steps += 1
        return loss.item()

    @torch.no_grad()
    def _muon(self, lr: float, momentum: float) -> None:
        """Orthogonalise every world_size-th matrix, and add up the flat update of all of them over the ranks."""
        flat = torch.zeros(sum(p.numel() for p in self.matrices), dtype=torch.bfloat16, device=self.device)
        at = 0
        for i, (p, buffer) in enumerate(zip(self.matrices, self.buffers, strict=True)):
            if i % self.world_size == self.rank and p.grad is not None:
                buffer.mul_(momentum).add_(p.grad)
                u = self.newton_schulz(p.grad + momentum * buffer, self.s.muon_backend_steps)
                flat[at : at + p.numel()] = (u * max(1.0, p.size(0) / p.size(1)) ** 0.5).flatten()
            at += p.numel()
        if self.world_size > 1:
            dist.all_reduce(flat)
        at = 0
        for p in self.matrices:
            p.add_(flat[at : at + p.numel()].view_as(p).to(p.dtype), alpha=-lr)
            at += p.numel()

    @torch.inference_mode()
    def evaluate(self, tokens: Any, table: ByteTable, autocast: bool = True) -> Score:
        """Score validation tokens [seqs * seq_len + 1] in calls of an eighth of VAL_BATCH_SIZE, as the contest does."""
        s, seq_len = self.s, self.s.train_seq_len
        batch = s.val_batch_size // MICRO_BATCHES // seq_len * seq_len
        nats, total = 0.0, tokens.size - 1
        for first in range(0, total, batch):
            ids = torch.from_numpy(tokens[first : first + batch + 1].astype(np.int64)).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=autocast):
                loss = self.loss(ids[:-1].view(-1, seq_len), ids[1:].view(-1, seq_len))
            nats += loss.item() * (ids.numel() - 1)
        assert math.isfinite(nats)
        return Score(nats / total, total, int(table.count(tokens).sum()))


def evaluations(run: Any, plain: Plain) -> tuple[dict[str, Callable[[], None]], dict[str, Score]]:
    """Return what scores a run's weights (this version, the final evaluation, validation), and where the scores go."""
    plain.model.load_state_dict(run.gpt.state_dict())
    tokens = run.val_tokens[run.settings.train_seq_len]
    scores: dict[str, Score] = {}

    def storing(name: str, score: Callable[[], Score]) -> Callable[[], None]:
        return lambda: scores.update({name: score()})

    acts = {
        "plain": storing("plain", lambda: plain.evaluate(tokens, run.table)),
        "final": storing("final", lambda: run.evaluate("evaluation")),
        "validation": storing("validation", lambda: run.evaluate("validation")),
    }
    return acts, scores
