"""Parts of `train.py` that no run on a CPU shows: the batches of many ranks, and the choice of a GPU's attention."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.reference.data import READER, TokenStream, shard_paths
from tests.clock import HANG_SECONDS
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
        feed = train.Feed(TokenStream(paths, 1024), (accum, world_size, local_tokens + 1), ranks, READER.submit)
        batches.append(torch.stack([feed.take() for _ in range(steps)]))  # [steps, accum, local_tokens + 1]
        passed = TokenStream(paths, 1024)
        passed.take(steps * 8 * (local_tokens + 1))
        assert feed.place == passed.place
    together = torch.stack(batches, 2).flatten().numpy()  # micro-batch by micro-batch, rank by rank
    np.testing.assert_array_equal(together, TokenStream(paths, 1024).take(steps * 8 * (local_tokens + 1)))


def flash(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    """What the package's function computes: [B, T, H, d] from [B, T, H, d] and [B, T, K, d] twice."""
    q, k, v = (x.transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True).transpose(1, 2)


def uncausal(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    return flash(q, k, v, causal=False)


def without_gradient(q: Tensor, k: Tensor, v: Tensor, causal: bool) -> Tensor:
    y = flash(q, k, v, causal)
    return y.detach() + 0.0 * (q.sum() + k.sum() + v.sum())


def failing(*_: Any, **__: Any) -> Tensor:
    raise RuntimeError("no kernel image is available for execution on the device")


def chosen(train: Any, *, others_fail: bool = False, seq_len: int = 512) -> tuple[str, str]:
    """What a run chooses, on a CPU in a GPU's place, and why not more; `others_fail`: so it does on another rank."""
    ranks = SimpleNamespace(device=CPU, rank=0, agree=lambda failed: [float(others_fail or failed)])
    problem = train.flash.choose(train.model, (8, 4, 4), 64, ranks, compiled=False)
    return train.model.attention_kernel(CPU, 8 * seq_len**2), problem


@pytest.fixture
def hopper(train: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package, whose kernel is right, and a chip that it is for."""
    monkeypatch.setattr(train.flash, "is_hopper", lambda _device: True)
    hub = ModuleType("kernels")

    def get_kernel(name: str, version: int) -> SimpleNamespace:
        assert (name, version) == ("kernels-community/flash-attn3", 1)
        return SimpleNamespace(flash_attn_func=hub.function)

    hub.function, hub.get_kernel = flash, get_kernel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kernels", hub)
    yield hub
    train.model.FLASH = None


def test_flash_attention_3_is_taken_where_it_is_there_and_right_for_every_seed(train: Any, hopper: ModuleType) -> None:
    for _seed in range(2):
        assert chosen(train) == ("flash_attention_3", "")
    assert train.model.FLASH is flash
    q, k, v = (torch.randn(1, heads, 40, 16) for heads in (4, 2, 2))
    exact = flash(*(x.transpose(1, 2) for x in (q, k, v)), causal=True).transpose(1, 2)
    assert (train.model.attend(q, k, v) - exact).abs().max() < 1e-5
    hopper.function = uncausal  # type: ignore[attr-defined]
    assert chosen(train)[0] == "products"  # held against the framework's, not against the one before


@pytest.mark.parametrize("function", [uncausal, without_gradient, failing])
def test_a_kernel_that_is_wrong_is_left_and_the_reason_given(
    train: Any, hopper: ModuleType, function: Callable[..., Tensor]
) -> None:
    hopper.function = function  # type: ignore[attr-defined]
    kernel, problem = chosen(train)
    assert kernel == "products"  # where there is no CUDA, what a CPU has is left
    assert train.model.FLASH is None
    assert ("no kernel image" if function is failing else "not close") in problem


def test_all_ranks_take_the_same_kernel(train: Any, hopper: ModuleType) -> None:
    assert chosen(train, others_fail=True)[0] == "products"
    assert train.model.FLASH is None


def test_another_chip_and_a_missing_package_leave_the_frameworks_kernel(
    train: Any, hopper: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kernels", None)
    kernel, problem = chosen(train)
    assert kernel == "products"
    assert "import of kernels halted" in problem
    assert chosen(train, seq_len=8192)[0] == "sdpa"  # too many probabilities to keep
    monkeypatch.setattr(train.flash, "is_hopper", lambda _device: False)
    assert chosen(train) == ("products", "")  # it is for another chip: nothing to say
    assert train.model.FLASH is None


def test_reads_of_steps_that_wait_for_shards_leave_a_thread_for_the_shards(train: Any, tmp_path: Path) -> None:
    """A resumption leaves two reads behind; each crosses many shards that are smaller than its step."""
    for i in range(40):
        (tmp_path / f"fineweb_train_{i:06d}.bin").write_bytes(shard_bytes(np.arange(50)))
    streams = [TokenStream(shard_paths(tmp_path, "train"), 1024) for _ in range(3)]
    for _ in range(20):
        reads = [READER.submit(stream.take, 2000) for stream in streams]
        assert all(read.result(timeout=HANG_SECONDS).size == 2000 for read in reads)
