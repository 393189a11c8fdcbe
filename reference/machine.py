"""The machine that a run is on: its attention kernels and its memory, how fast it multiplies, what its tools print."""

import contextlib
import importlib.util
import os
import re
import resource
import subprocess
import sys
import timeit

import torch

KERNELS = ("cudnn", "flash", "mem_efficient", "math")


def golfcheck(*args: str) -> None:
    """Run golfcheck for what is not training: demonstration data, a finished run's folder; OSError if it fails."""
    if importlib.util.find_spec("golfcheck"):
        # With -P, a golfcheck.py in the current folder is not run instead.
        if subprocess.run([sys.executable, "-P", "-m", "golfcheck", *args], check=False).returncode:
            raise ChildProcessError(f"golfcheck failed; to run it again: golfcheck {' '.join(args)}")
    else:
        print(f"to go on: pip install golfcheck, then golfcheck {' '.join(args)}", file=sys.stderr)


def choose_kernels(device: torch.device, head_width: int, version: str) -> dict[str, bool]:
    """Set the framework's attention kernels, with that version of flash attention; return which of them may be used."""
    if version != "2":  # 3 (arXiv 2407.08608) is for Hopper, 4 for Hopper and Blackwell
        try:
            torch.nn.attention.activate_flash_attention_impl(f"FA{version}")
        except (AttributeError, ImportError, RuntimeError) as error:
            raise ValueError(f"FLASH_ATTENTION={version} does not work here: {error}") from None
    if device.type == "cuda":
        # As in the contest's script, flash attention is the only kernel left on. Chips before Ampere (8.0) and heads
        # of more than 256 numbers cannot use it: there the framework chooses among the others.
        is_able = torch.cuda.get_device_capability(device) >= (8, 0) and head_width <= 256
        for name in KERNELS:
            getattr(torch.backends.cuda, f"enable_{name}_sdp")(name == "flash" or not is_able)
        torch.backends.cuda.matmul.allow_tf32 = True  # 10 bits of fp32's 23, at eight times the speed
    return {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled")() for name in KERNELS}


def check_memory(need_bytes: int, device: torch.device) -> None:
    """Raise ValueError if a device has less memory than is needed."""
    # Otherwise the machine would swap and stop answering, or kill some other process, long before training failed.
    have_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if device.type == "cuda":
        have_bytes = torch.cuda.get_device_properties(device).total_memory
    if need_bytes > have_bytes:
        need = f"training this model takes at least {need_bytes / 1e9:,.1f} GB"
        raise ValueError(f"{need}, and {device} has {have_bytes / 1e9:,.1f}: lower MODEL_DIM, NUM_LAYERS or VOCAB_SIZE")


def output(*command: str) -> str:
    """Return what a program prints, or nothing if it is not installed or fails."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ""


def device_name(device: torch.device) -> str:
    """Return the name of a GPU or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = re.findall(r"model name\s*: (.*)", output("cat", "/proc/cpuinfo")) or [os.uname().machine]
    return f"{device} {names[0]}"


def matmul_flops(device: torch.device) -> float:
    """Return the measured FLOP/s of a product of bf16 matrices, which a run's own rate is compared with."""
    # The honest denominator: data sheets state rates that no real, warm chip reaches, even in products this large.
    n = 8192 if device.type == "cuda" else 1024
    a = torch.randn(n, n, dtype=torch.bfloat16, device=device)
    seconds = min(timeit.repeat(lambda: float((a @ a)[0, 0]), number=1, repeat=8))  # float() waits for the device
    return 2 * n**3 / seconds


def peak_memory_mib(device: torch.device) -> tuple[int, int]:
    """Return the most memory that tensors took and that was reserved for them; on a CPU, the whole process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() >> 20, torch.cuda.max_memory_reserved() >> 20
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used_mib = used >> 20 if sys.platform == "darwin" else used >> 10  # Linux counts in KiB
    return used_mib, used_mib
