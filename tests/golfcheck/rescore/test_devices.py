"""Where a score is computed, tested with stand-ins for accelerators."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.reference import data
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import devices, measure
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World


def evaluation(world: World, device: str = "cpu") -> measure.Evaluation:
    torch.set_num_threads(1)
    return measure.Evaluation(world.state, world.config, "bf16", Ranks(0, 1, torch.device(device)))


class OnMps(torch.Tensor):
    """A tensor as on MPS, which has no float64; results stay on the device until they are moved to the CPU."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.cpu:
            return args[0].as_subclass(torch.Tensor)
        output = super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]
        if isinstance(output, OnMps) and output.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        return output


def moved(logits: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, weight: logits(x, weight).as_subclass(OnMps)


def test_float64_sums_and_probes_run_on_the_cpu_for_devices_without_float64(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, there = evaluation(world), evaluation(world)
    monkeypatch.setattr(there.model, "logits", moved(there.model.logits))
    tokens = data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB)
    ids = torch.arange(65)[None]
    with pytest.raises(TypeError, match="float64"):
        there.model.logits(*there.model.hidden(ids[:, :-1])).double()
    assert torch.equal(there.losses(ids), plain.losses(ids))
    assert there.probe(tokens) == plain.probe(tokens)


def test_an_accelerator_gets_the_contests_tokens_per_call_and_no_workers(world: World) -> None:
    torch.set_num_threads(4)
    held = measure.Evaluation(world.state, world.config, "bf16", Ranks(0, 1, torch.device("meta")))
    torch.set_num_threads(1)
    assert (held.call_seqs * 64, held.workers) == (65_536, 1)
    assert "attention" not in held.describe()


def test_an_accelerator_without_enough_memory_is_one_line_that_says_what_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = evaluation(world)

    def full(_ids: torch.Tensor, _last: object = None) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8.00 GiB")

    monkeypatch.setattr(held, "losses", full)
    tokens = data.read_validation(data.shard_paths(world.shards, "val"), 64, tiny.VOCAB)
    with pytest.raises(GolfcheckError, match="sequences of 64 tokens; try --device cpu"):
        list(held.draw(tokens, np.arange(2)))


def test_mps_is_used_where_available_and_refused_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"--device mps: torch .* sees none; --device cpu always works"):
        devices.join("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    device = devices.join("mps").device
    assert (device.type, devices.describe(device, 1, "")) == ("mps", "mps")


def test_each_rank_uses_and_names_the_gpu_of_its_local_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"H100 number {device.index}")
    chosen = devices.join("auto").device
    assert (taken, devices.describe(chosen, 1, "")) == (["cuda:0"], "cuda (H100 number 0)")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(UsageError, match="1 GPUs"):
        devices.join("cuda")


PAGE_FAULTS = """
import resource, sys, torch
from golfcheck.rescore import devices, measure
from reference.model import GPT, GPTConfig
from reference.ranks import Ranks

if sys.argv[1] == "without":
    devices.keep_freed_memory = lambda: None
torch.set_num_threads(1)
config = GPTConfig(num_layers=2, model_dim=64, num_heads=2, num_kv_heads=2, train_seq_len=256)
evaluation = measure.Evaluation(GPT(config).state_dict(), config, "fp32", Ranks(0, 1, torch.device("cpu")))
ids = torch.zeros((8, 257), dtype=torch.int64)
faults = []
for _ in range(8):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    evaluation.losses(ids)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(min(faults[2:]))  # a system short of memory takes pages back, now and then: the least counts
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_a_call_reuses_the_memory_that_the_previous_call_freed() -> None:
    def pages_a_call(setting: str) -> int:
        # By itself glibc adapts its threshold to what is freed, and keeps more in one run than in another. Not so here:
        environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
        command = [sys.executable, "-c", PAGE_FAULTS, setting]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)

    assert pages_a_call("with") < 300
    assert pages_a_call("without") > 10_000  # each tensor of 128 KiB or more is taken from the system, and given back
