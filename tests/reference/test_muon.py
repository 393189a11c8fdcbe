"""Muon against its definition, and on two ranks against one."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from golfcheck.reference.muon import COEFFICIENTS, Muon, orthogonalize

SHAPES = [(8, 8), (16, 8), (8, 16), (8, 8), (8, 8), (16, 8)]


def spread(rows: int, cols: int, seed: int = 0) -> torch.Tensor:
    """A matrix with singular values from 0.05 to 1."""
    torch.manual_seed(seed)
    u, _, v = torch.linalg.svd(torch.randn(rows, cols), full_matrices=False)
    return u @ torch.diag(torch.linspace(0.05, 1.0, min(rows, cols))) @ v


@pytest.mark.parametrize(("rows", "cols"), [(32, 32), (64, 24), (24, 64)])
def test_the_iteration_applies_its_quintic_to_each_singular_value(rows: int, cols: int) -> None:
    w = spread(rows, cols)
    u, s, v = torch.linalg.svd(w.double(), full_matrices=False)
    s = s / s.norm()
    a, b, c = COEFFICIENTS
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    expected = u @ torch.diag(s) @ v
    got = orthogonalize(w, 5)
    assert got.dtype == torch.bfloat16
    assert (
        got.double() - expected
    ).norm() / expected.norm() < 0.06  # bf16 keeps 8 bits, and each iteration triples an error
    assert s.min() > 0.5
    assert s.max() < 1.3


def test_a_stack_is_orthogonalized_as_its_matrices_one_by_one() -> None:
    stack = torch.stack([spread(16, 24, seed) for seed in range(5)])
    together = orthogonalize(stack, 5)
    for matrix, got in zip(stack, together, strict=True):
        torch.testing.assert_close(got, orthogonalize(matrix, 5), atol=0.02, rtol=0.02)


def test_a_step_is_nesterov_momentum_orthogonalized_and_scaled_by_the_shape() -> None:
    torch.manual_seed(0)
    p = torch.nn.Parameter(torch.randn(32, 8))
    w, buffer = p.detach().clone(), torch.zeros(32, 8)
    optimizer = Muon([p], 0.02, 0.95, 5, 0.0, compile=False)
    for step in range(4):
        g = torch.randn(32, 8)
        p.grad = g.clone()
        optimizer.param_groups[0]["momentum"] = mu = 0.9 + 0.01 * step
        optimizer.param_groups[0]["lr"] = lr = 0.02 / (step + 1)
        optimizer.step()
        buffer = mu * buffer + g
        w = w - lr * 2.0 * orthogonalize(g + mu * buffer, 5).float()  # sqrt(32 / 8) = 2
        torch.testing.assert_close(p.detach(), w, atol=1e-4, rtol=1e-4)


def test_the_compiled_iteration_is_one_graph_of_fixed_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, bool]] = []
    monkeypatch.setattr(torch, "compile", lambda function, **options: asked.append(options) or function)
    Muon([torch.nn.Parameter(torch.randn(4, 4))], 0.02, 0.95, 5, 0.0, compile=True)
    assert asked == [{"dynamic": False, "fullgraph": True}]


def train_matrices(steps: int) -> tuple[list[torch.Tensor], Muon]:
    """Train matrices on gradients that depend on the step alone."""
    torch.manual_seed(1)
    params = [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    optimizer = Muon(params, 0.05, 0.9, 5, 0.0, compile=False)
    for step in range(steps):
        torch.manual_seed(100 + step)
        for p in params:
            p.grad = torch.randn_like(p)
        optimizer.step()
    return [p.detach() for p in params], optimizer


def _rank(rank: int, world_size: int, folder: str, steps: int) -> None:
    torch.set_num_threads(1)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size)
    weights, optimizer = train_matrices(steps)
    torch.save((weights, len(optimizer.state)), f"{folder}/rank{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.parametrize("world_size", [2, 4])
def test_many_ranks_make_the_weights_of_one_and_share_the_work(tmp_path: Path, world_size: int) -> None:
    alone, optimizer = train_matrices(20)
    assert len(optimizer.state) == len(SHAPES)
    # Forked, because loading torch anew takes longer than the test; a process forked from this one needs no autograd.
    mp.start_processes(_rank, (world_size, str(tmp_path), 20), nprocs=world_size, start_method="fork")
    results: list[Any] = [torch.load(tmp_path / f"rank{r}.pt") for r in range(world_size)]
    for weights, _ in results:
        for mine, theirs in zip(alone, weights, strict=True):
            torch.testing.assert_close(theirs, mine, atol=0.02, rtol=0)  # bf16's rounding of sums over other stacks
        assert all(torch.equal(a, b) for a, b in zip(weights, results[0][0], strict=True))
    assert sum(states for _, states in results) == len(SHAPES)  # no matrix has two owners
