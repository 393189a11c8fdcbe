"""Muon (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon/): momentum, orthogonalized by Newton–Schulz."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

# Of the polynomial a·s + b·s³ + c·s⁵, which is applied to every singular value s in each iteration. A steep start (a)
# brings small ones up fast; the price is that they end between about 0.7 and 1.2, and not at 1, which does no harm.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalize(u: Tensor, steps: int) -> Tensor:
    """Return nearly the closest (semi-)orthogonal matrix to each of u [..., rows, cols], in bfloat16."""
    # The gradient of a matrix is dominated by a few directions. With all singular values near 1, rare directions are
    # learned as fast as common ones. Products of a matrix with itself act on its singular values alone. So no
    # decomposition is needed, only matrix products, which are what the chip is fast at, and bf16 is enough for them.
    a, b, c = COEFFICIENTS
    X = u.bfloat16().reshape(-1, *u.shape[-2:])  # [n, rows, cols]
    # Divided by its Frobenius norm, a matrix has no singular value above 1. Large ones would grow without bound.
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    is_tall = X.size(-2) > X.size(-1)
    X = X.mT if is_tall else X  # [n, short, long]: the product below is then the smaller one
    for _ in range(steps):
        A = X @ X.mT  # [n, short, short]
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)  # a·X + (b·A + c·A·A)·X
    return (X.mT if is_tall else X).reshape(u.shape)


class Muon(torch.optim.Optimizer):
    """Muon for matrices, stacked by shape, given the same gradients on all ranks."""

    def __init__(self, params: Any, lr: float, momentum: float, steps: int, decay: float, *, compile: bool) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "backend_steps": steps, "weight_decay": decay})
        self.orthogonalize = torch.compile(orthogonalize, dynamic=False, fullgraph=True) if compile else orthogonalize
        self.rank, self.world_size = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        if compile:
            # Each shape is compiled for itself. Beyond a limit of eight the compiler would give up.
            shapes = len({p.shape for p in self.param_groups[0]["params"]})
            torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 2 * shapes)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Update all parameters from their gradients."""
        (group,) = self.param_groups
        stacks: dict[torch.Size, list[Tensor]] = {}
        for p in group["params"]:
            if p.grad is not None:
                stacks.setdefault(p.shape, []).append(p)
        pending = []
        first = 0
        for (rows, cols), params in stacks.items():
            # A rank owns every world_size-th matrix: it alone keeps that one's momentum and orthogonalizes it.
            owned = slice((self.rank - first) % self.world_size, None, self.world_size)
            # The next stack goes on where this one ends, so that no rank owns two more than another.
            first += len(params)
            update = torch.zeros((len(params), rows, cols), dtype=torch.bfloat16, device=params[0].device)
            if params[owned]:
                ahead = self._look_ahead(params[owned], group["momentum"])  # [owned, rows, cols]
                update[owned] = self.orthogonalize(ahead, group["backend_steps"])
            # The bf16 updates are summed over the ranks while the next stack is computed.
            work = dist.all_reduce(update, async_op=True) if self.world_size > 1 else None
            # The taller an orthogonal matrix, the smaller its entries: with this factor one rate fits all shapes.
            pending.append((params, update, work, -group["lr"] * max(1.0, rows / cols) ** 0.5))
        for params, update, work, scale in pending:
            if work is not None:
                work.wait()
            if group["weight_decay"]:  # decoupled: Liu et al., 2025, arXiv 2502.16982, section 2.2
                torch._foreach_mul_(params, 1.0 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(params, update.to(params[0].dtype).unbind(), alpha=scale)

    def _look_ahead(self, params: list[Tensor], momentum: float) -> Tensor:
        """Add the gradients of n matrices to their momentum; return Nesterov's momentum [n, rows, cols]."""
        for p in params:
            if not self.state[p]:
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
        buffers = [self.state[p]["momentum_buffer"] for p in params]
        grads = [p.grad for p in params]
        torch._foreach_mul_(buffers, momentum)  # all of them by a kernel or two
        torch._foreach_add_(buffers, grads)
        # Nesterov's momentum looks a step ahead: as if this gradient had already been added once more.
        return torch.stack(torch._foreach_add(grads, buffers, alpha=momentum))


def optimizers(gpt: Any, s: Any, compile: bool) -> tuple[torch.optim.Adam, Muon]:
    """Return Adam for the embedding, the head and all small tensors, and Muon for the matrices in blocks."""
    # Muon makes an update equally long in all directions of a matrix, which suits maps between hidden layers. A row of
    # the embedding stands for one token and is rarely used; a scale has no directions at all: both are for Adam, which
    # divides each number's step by its usual size.
    patterns = [pattern for pattern in s.control_tensor_name_patterns.split(",") if pattern]
    matrices = list[Tensor]()
    scalars = list[Tensor]()
    for name, p in gpt.named_parameters():
        is_control = any(pattern in name for pattern in patterns)
        if name.startswith("blocks.") and p.ndim == 2 and not is_control:
            matrices.append(p)
        elif name not in ("tok_emb.weight", "lm_head.weight"):
            scalars.append(p)  # whatever else somebody adds to the model is trained as well
    adam = [{"params": [gpt.tok_emb.weight], "lr": s.tied_embed_lr if s.tie_embeddings else s.embed_lr}]
    adam.append({"params": scalars, "lr": s.scalar_lr})
    if gpt.lm_head is not None:
        adam.append({"params": [gpt.lm_head.weight], "lr": s.head_lr})
    muon = Muon(matrices, s.matrix_lr, s.muon_momentum, s.muon_backend_steps, s.muon_weight_decay, compile=compile)
    return torch.optim.Adam(adam, betas=(s.beta1, s.beta2), eps=s.adam_eps, fused=True), muon
