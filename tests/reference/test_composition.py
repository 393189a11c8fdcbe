"""Parts of `train.py` that no run on a CPU shows: the batches of many ranks, and the choice of a GPU's attention."""

import math
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.data import TokenStream, shard_paths
from tests.conftest import ROOT
from tests.reference import trainer

CPU = torch.device("cpu")
SIBLINGS = ("train", *(path.stem for path in (ROOT / "reference").glob("*.py")))


@pytest.fixture(scope="module")
def train() -> Iterator[Any]:
    """The module as a run imports it: beside its siblings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "reference")
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        import train

        yield train
        for name in SIBLINGS:
            sys.modules.pop(name, None)


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_the_ranks_batches_partition_the_stream(train: Any, data: trainer.Data, world_size: int) -> None:
    paths = shard_paths(data.data_path, "train")
    steps, local_tokens, accum = 5, 7, 8 // world_size
    batches = []
    for rank in range(world_size):
        ranks = SimpleNamespace(rank=rank, world_size=world_size, device=CPU)
        run = SimpleNamespace(grad_accum_steps=accum, ranks=ranks, local_tokens=local_tokens)
        stream = TokenStream(paths, 1024)
        read = [train.Run._read(run, stream) for _ in range(steps)]
        batches.append(torch.stack([ids for ids, _ in read]))  # [steps, accum, local_tokens + 1]
        assert read[-1][1] == stream.place
    together = torch.stack(batches, 2).flatten().numpy()  # micro-batch by micro-batch, rank by rank
    np.testing.assert_array_equal(together, TokenStream(paths, 1024).take(steps * 8 * (local_tokens + 1)))


def flash(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """What the package's function computes: [B, T, H, d] from [B, T, H, d] and [B, T, K, d] twice."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True).transpose(1, 2)


def uncausal(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    return flash(q, k, v, causal=False)


def failing(*_: Any, **__: Any) -> Tensor:
    raise RuntimeError("no kernel image is available for execution on the device")


@pytest.mark.parametrize(
    ("chip", "function", "kernel"),
    [
        ((9, 0), flash, "flash_attention_3"),
        ((8, 0), flash, "products"),
        ((9, 0), uncausal, "products"),
        ((9, 0), failing, "products"),
        ((9, 0), None, "products"),
    ],
    ids=["there", "another_chip", "wrong", "failing", "not_installed"],
)
def test_flash_attention_3_is_taken_only_where_it_is_there_and_right(
    train: Any,
    monkeypatch: pytest.MonkeyPatch,
    chip: tuple[int, int],
    function: Callable[..., Tensor] | None,
    kernel: str,
) -> None:
    hub = ModuleType("kernels")
    hub.get_kernel = {"kernels-community/flash-attn3": SimpleNamespace(flash_attn_func=function)}.__getitem__  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kernels", hub if function else None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: chip)
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    assert train.choose_attention(CPU) == kernel  # where there is no CUDA, what a CPU has is left
    assert (train.model.FLASH is not None) == (kernel == "flash_attention_3")
    q, k, v = (torch.randn(1, heads, 40, 16) for heads in (4, 2, 2))
    exact = flash(*(x.transpose(1, 2) for x in (q, k, v)), causal=True).transpose(1, 2)
    assert (train.model.attend(q, k, v) - exact).abs().max() < 1e-5
    assert math.isfinite(float(exact.sum()))
    train.model.FLASH = None
