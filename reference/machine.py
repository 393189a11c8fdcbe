"""The machine that a run is on: what its tools print, what it can multiply, how much memory was taken."""

import contextlib
import importlib.util
import os
import re
import resource
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch


def golfcheck(*args: str) -> None:
    """Ask the judge for what is not training: demonstration data, and the submission folder of a finished run."""
    if importlib.util.find_spec("golfcheck"):
        subprocess.run([sys.executable, "-m", "golfcheck", *args], check=True)
    else:
        print(f"to go on: pip install golfcheck, then golfcheck {' '.join(args)}", file=sys.stderr)


def git_commit(folder: Path) -> dict[str, Any]:
    """Return the commit that a folder is at, "" in no repository, and whether it was changed since."""
    commit = output("git", "-C", str(folder), "rev-parse", "HEAD")
    return {
        "commit": commit,
        "changed": bool(commit and output("git", "-C", str(folder), "status", "--porcelain", ".")),
    }


def check_memory(need_bytes: int, device: torch.device) -> None:
    """Raise ValueError where a device has less memory than is needed: asked for more, a machine stops answering."""
    # Less would be swapped, or the system would end some other process, long before training were seen to fail.
    if device.type == "cuda":
        have_bytes = torch.cuda.get_device_properties(device).total_memory
    else:
        have_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need_bytes > have_bytes:
        need = f"training this model takes at least {need_bytes / 1e9:,.1f} GB"
        raise ValueError(f"{need}, and {device} has {have_bytes / 1e9:,.1f}: lower MODEL_DIM, NUM_LAYERS or VOCAB_SIZE")


def explain(error: Exception) -> tuple[int, str]:
    """Return the exit code and one line for what a user can do something about; raise any other error again."""
    if isinstance(error, torch._dynamo.exc.TorchDynamoException):
        return 1, f"torch.compile does not work here, use --compile off: {str(error).splitlines()[0]}"
    # Errors of ours are left as they are: their traceback says where they come from.
    if isinstance(error, ValueError):  # of the settings or the data
        return 2, " ".join(str(error).split())
    if isinstance(error, OSError | FloatingPointError | torch.OutOfMemoryError | subprocess.CalledProcessError):
        return 1, " ".join(str(error).split())
    raise error


def output(*command: str) -> str:
    """Return what a program prints, or nothing where it is not installed or fails."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ""


def device_name(device: torch.device) -> str:
    """Return what a device is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = re.findall(r"model name\s*: (.*)", output("cat", "/proc/cpuinfo")) or [os.uname().machine]
    return f"{device} {names[0]}"


def matmul_flops(device: torch.device) -> float:
    """Return the FLOP/s of a product of bf16 matrices, measured: what a run's own rate is compared with.

    It is the honest denominator: data sheets state rates that no product on a real, warm chip reaches.
    """
    # Products of so large matrices are as fast as a chip gets: enough work for each number that is read from memory.
    n = 8192 if device.type == "cuda" else 1024
    a = torch.randn(n, n, dtype=torch.bfloat16, device=device)
    seconds = min(timeit.repeat(lambda: float((a @ a)[0, 0]), number=1, repeat=8))  # float() waits for the device
    return 2 * n**3 / seconds


def reset_peak_memory(device: torch.device) -> None:
    """Forget how much memory a GPU's tensors took before."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_memory_mib(device: torch.device) -> dict[str, int]:
    """Return the most memory that tensors took and that was reserved for them; on a CPU, the whole process's."""
    if device.type == "cuda":
        allocated = torch.cuda.max_memory_allocated() >> 20
        return {"allocated_mib": allocated, "reserved_mib": torch.cuda.max_memory_reserved() >> 20}
    # Of a process the system knows the most that it ever had: what torch's tensors took is not told apart.
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used_mib = used >> 20 if sys.platform == "darwin" else used >> 10  # of Linux, in KiB
    return {"allocated_mib": used_mib, "reserved_mib": used_mib}


@contextlib.contextmanager
def traced(folder: Path, is_on: bool) -> Iterator[None]:
    """Write what happens inside as trace.json, which https://ui.perfetto.dev shows."""
    if not is_on:
        yield
        return
    with torch.profiler.profile() as profile:
        yield
    with tempfile.TemporaryDirectory(dir=folder, prefix=".trace.") as own:
        partial = Path(own, "trace.json")
        profile.export_chrome_trace(str(partial))
        partial.replace(folder / "trace.json")
