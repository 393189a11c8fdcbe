"""Where a score is computed: the ranks of torchrun's job, and the names of devices."""

import ctypes
from pathlib import Path

import torch
import torch.distributed as dist

from golfcheck.core.errors import UsageError
from golfcheck.reference.ranks import Ranks

# Of glibc's malloc.h: mallopt's parameters, and the most that M_MMAP_THRESHOLD may be.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MOST_MMAP_BYTES = 32 << 20
_KEPT_BYTES = 1 << 30


def join(device: str) -> Ranks:
    """Join torchrun's job, or run as a single rank; raises UsageError if the device does not exist."""
    if device == "mps" and not torch.backends.mps.is_available():
        raise UsageError(f"rescore: --device mps: torch {torch.__version__} sees none; --device cpu always works")
    try:
        return Ranks.join(device)
    except ValueError as error:
        raise UsageError(f"rescore: {error}") from None


def leave() -> None:
    """Leave the job, if there was one."""
    if dist.is_initialized():
        dist.destroy_process_group()


def keep_freed_memory() -> None:
    """Keep the memory that this process frees, for its next call; no effect if the C library is not glibc.

    By default glibc returns the tensors of a call to the system and the next call takes them again, page by page: a
    fifth of a small model's time (docs/rescore.md). It still returns blocks of 32 MiB and more, and what is over 1 GiB.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _MOST_MMAP_BYTES)


def describe(device: torch.device, processes: int, how: str) -> str:
    """Return a device's name, the number of threads or single-threaded processes that compute on it, and `how`."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type != "cpu":
        return device.type
    names: list[str] = []
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    threads = torch.get_num_threads()
    count = f"{processes} processes" if processes > 1 else f"{threads} thread{'s' * (threads != 1)}"
    return f"cpu ({names[0] if names else 'unnamed'}, {count}{how and f', {how}'})"
