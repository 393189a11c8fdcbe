"""Muon (Keller Jordan, 2024, https://kellerjordan.github.io/posts/muon/): momentum, orthogonalised by Newton–Schulz."""

from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that is steepest at zero while singular values end near 1


def orthogonalize(u: Tensor, steps: int) -> Tensor:
    """Return nearly the closest (semi-)orthogonal matrix to each of u [..., rows, cols], in bfloat16."""
    a, b, c = COEFFICIENTS
    X = u.bfloat16().reshape(-1, *u.shape[-2:])  # [n, rows, cols]
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = X.size(-2) > X.size(-1)
    X = X.mT if tall else X  # [n, short, long]: the product below is then the smaller one
    for _ in range(steps):
        A = X @ X.mT  # [n, short, short]
        X = torch.baddbmm(X, torch.baddbmm(A, A, A, beta=b, alpha=c), X, beta=a)  # a·X + (b·A + c·A·A)·X
    return (X.mT if tall else X).reshape(u.shape)


class Muon(torch.optim.Optimizer):
    """Muon for matrices, stacked by shape, given the same gradients on all ranks.

    Of each stack a rank owns every world_size-th matrix: it alone keeps that one's momentum and orthogonalises it; the
    bf16 updates are summed over the ranks while the next stack is computed.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float, steps: int, compile: bool = False) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "backend_steps": steps})
        self.orthogonalize = torch.compile(orthogonalize, dynamic=False, fullgraph=True) if compile else orthogonalize
        self.rank, self.world_size = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Update all parameters from their gradients."""
        (group,) = self.param_groups
        stacks: dict[torch.Size, list[Tensor]] = {}
        for p in group["params"]:
            stacks.setdefault(p.shape, []).append(p)
        pending, first = [], 0
        for (rows, cols), params in stacks.items():
            owned = slice((self.rank - first) % self.world_size, None, self.world_size)
            first += len(params)  # the next stack goes on where this one ends: nobody owns two more than another
            update = self._update(params, owned, group["momentum"], group["backend_steps"])  # [n, rows, cols]
            work = dist.all_reduce(update, async_op=True) if self.world_size > 1 else None
            pending.append((params, update, work, -group["lr"] * max(1.0, rows / cols) ** 0.5))
        for params, update, work, scale in pending:
            if work is not None:
                work.wait()
            torch._foreach_add_(params, update.to(params[0].dtype).unbind(), alpha=scale)

    def _update(self, params: list[Tensor], owned: slice, momentum: float, steps: int) -> Tensor:
        """Return the orthogonalised updates of the matrices that this rank owns, zeros for the others."""
        update = torch.zeros((len(params), *params[0].shape), dtype=torch.bfloat16, device=params[0].device)
        if mine := [p for p in params[owned] if p.grad is not None]:
            for p in (p for p in mine if not self.state[p]):
                self.state[p]["momentum_buffer"] = torch.zeros_like(p)
            grads, buffers = [p.grad for p in mine], [self.state[p]["momentum_buffer"] for p in mine]
            torch._foreach_mul_(buffers, momentum)  # all of them by a kernel or two
            torch._foreach_add_(buffers, grads)
            ahead = torch._foreach_add(grads, buffers, alpha=momentum)  # Nesterov: looks one step ahead
            update[owned] = self.orthogonalize(torch.stack(ahead), steps)
        return update
