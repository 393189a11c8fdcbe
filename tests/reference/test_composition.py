"""Parts of a run that no run on a CPU shows: the batches of many ranks, and the attention kernels of a GPU."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.reference import machine
from golfcheck.reference.data import READER, TokenStream, shard_paths
from tests.clock import HANG_SECONDS
from tests.reference import trainer

CUDA = torch.device("cuda")


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_the_ranks_batches_partition_the_stream(data: trainer.Data, world_size: int) -> None:
    paths = shard_paths(data.data_path, "train")
    steps, local_tokens, accum = 5, 7, 8 // world_size
    batches = []
    for rank in range(world_size):
        stream = TokenStream(paths, 1024)
        taken = [stream.take_batch(accum, local_tokens + 1, rank, world_size) for _ in range(steps)]
        batches.append(np.stack(taken))  # [steps, accum, local_tokens + 1]
        passed = TokenStream(paths, 1024)
        passed.take(steps * 8 * (local_tokens + 1))
        assert stream.position == passed.position
    together = np.stack(batches, 2).flatten()  # micro-batch by micro-batch, rank by rank
    np.testing.assert_array_equal(together, TokenStream(paths, 1024).take(steps * 8 * (local_tokens + 1)))


def test_reads_of_steps_that_wait_for_shards_leave_a_thread_for_the_shards(tmp_path: Path) -> None:
    """A resumption leaves two reads behind; each crosses many shards that are smaller than its step."""
    for i in range(40):
        (tmp_path / f"fineweb_train_{i:06d}.bin").write_bytes(shard_bytes(np.arange(50)))
    streams = [TokenStream(shard_paths(tmp_path, "train"), 1024) for _ in range(3)]
    for _ in range(20):
        reads = [READER.submit(stream.take, 2000) for stream in streams]
        assert all(read.result(timeout=HANG_SECONDS).size == 2000 for read in reads)


@pytest.fixture
def kernels() -> Iterator[None]:
    """The framework's choice of kernels, put back afterwards."""
    names = machine.KERNELS
    before = [getattr(torch.backends.cuda, f"{name}_sdp_enabled")() for name in names]
    tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    for name, was_on in zip(names, before, strict=True):
        getattr(torch.backends.cuda, f"enable_{name}_sdp")(was_on)
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32


@pytest.mark.parametrize(
    ("capability", "head_width", "only_flash"),
    [((9, 0), 64, True), ((8, 0), 256, True), ((9, 0), 257, False), ((7, 5), 64, False)],
)
@pytest.mark.usefixtures("kernels")
def test_flash_attention_is_the_only_kernel_where_it_can_work(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], head_width: int, only_flash: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    enabled = machine.choose_kernels(CUDA, head_width, "2")
    assert enabled == {"cudnn": not only_flash, "flash": True, "mem_efficient": not only_flash, "math": not only_flash}
    assert torch.backends.cuda.matmul.allow_tf32


def test_another_version_of_flash_attention_is_the_frameworks_to_activate(monkeypatch: pytest.MonkeyPatch) -> None:
    activated: list[str] = []
    monkeypatch.setattr(torch.nn.attention, "activate_flash_attention_impl", activated.append, raising=False)
    for version in ("2", "3", "4"):
        machine.choose_kernels(torch.device("cpu"), 64, version)
    assert activated == ["FA3", "FA4"]


def test_a_version_that_is_not_installed_or_a_framework_that_has_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match=r"^FLASH_ATTENTION=3 does not work here: No module named"):
        machine.choose_kernels(CUDA, 64, "3")
    monkeypatch.delattr(torch.nn.attention, "activate_flash_attention_impl")
    with pytest.raises(ValueError, match=r"^FLASH_ATTENTION=3 does not work here: .*no attribute"):
        machine.choose_kernels(CUDA, 64, "3")


def test_where_golfcheck_fails_the_command_to_repeat_is_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=2))
    with pytest.raises(OSError, match="golfcheck failed; to run it again: golfcheck new --into record"):
        machine.golfcheck("new", "--into", "record")
