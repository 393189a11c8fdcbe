"""Causal attention in bf16, compiled from `attention.c` at first use. Where it is not faster, torch's kernel is used.

On x86 with AVX-512 BF16 it can take a third of the time of torch's kernel, which accounts for 40% of an evaluation in
bf16 at length 1024 and for 70% at 4096. On chips that also have AMX, torch's kernel uses it and this one does not. So
both are tried at the start, on heads of the model's shape, and the faster one is used. It computes in one thread, as
the workers do.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from golfcheck.box.kernel import Kernel, fits, load
from golfcheck.core.numbers import factor_text
from golfcheck.judging.cache import default_path
from golfcheck.reference.files import write_atomic

_SOURCE = Path(__file__).with_suffix(".c")
_FLAGS = ("-O3", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512bf16", "-shared", "-fPIC", "-x", "c")
_COMPILE_SECONDS = 60
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_TRIALS = 3  # of each kernel in turn; the fastest of each counts, since other work can only slow them down
_TRIAL_TOKENS = 1024  # at most, so that a trial takes a few milliseconds
_CLEARLY = 0.9  # of torch's time; a kernel that needs more is not used


@cache
def kernel() -> tuple[Kernel | None, str]:
    """Return the compiled kernel, or None and the reason: no such chip, no compiler, or no folder to store it in."""
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform != "linux" or "avx512_bf16" not in cpuinfo.read_text(encoding="utf-8", errors="replace").split():
        return None, "no AVX-512 BF16 here"
    try:
        return load(library()), ""
    except OSError as error:
        return None, str(error)


def faster(heads: int, kv_heads: int, width: int, tokens: int) -> tuple[Kernel | None, str]:
    """Return the compiled kernel if it is faster than torch's on heads of this shape, else None; and the reason.

    Both are timed in this process, in one thread, by the CPU time of the process.
    """
    compiled, missing = kernel()
    if compiled is None:
        return None, missing
    group, tokens = heads // kv_heads, min(tokens, _TRIAL_TOKENS)
    shapes = (group, tokens, width), (1, tokens, width), (1, tokens, width)
    q, k, v = (torch.randn(1, *shape, generator=torch.Generator().manual_seed(0)).bfloat16() for shape in shapes)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        if not fits(q, k, v):
            return None, f"the compiled one is not for {tokens} tokens and heads of width {width}"
        times = [_trial(compiled, q, k, v) for _ in range(_TRIALS)]
    finally:
        torch.set_num_threads(threads)
    ours, theirs = (min(column) for column in zip(*times, strict=True))
    if ours > _CLEARLY * theirs:
        return None, f"the compiled one takes {factor_text(ours / theirs)} of its time on this chip"
    return compiled, f"{factor_text(theirs / ours)} times torch's speed"


def _trial(compiled: Kernel, q: Tensor, k: Tensor, v: Tensor) -> tuple[float, float]:
    """Return the CPU seconds that a call of each kernel takes."""
    with torch.inference_mode():
        start = time.process_time()
        compiled(q, k, v)
        middle = time.process_time()
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return middle - start, time.process_time() - middle


def library() -> Path:
    """Return the path of the shared library in the user's cache; compile it first if it is not there.

    Raises OSError if it cannot be compiled.
    """
    source = _SOURCE.read_bytes()
    name = hashlib.sha256(source + " ".join(_FLAGS).encode()).hexdigest()[:16]
    path = default_path().with_name(f"attention-{name}.so")
    if path.is_file() and (status := path.stat()).st_uid == os.getuid() and not status.st_mode & _OTHERS_WRITE:
        return path
    compiler = shutil.which("cc")
    if compiler is None:
        raise OSError("no C compiler (cc) here")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "attention.so")
        try:
            subprocess.run(
                [compiler, *_FLAGS, "-", "-o", str(library), "-lm"], input=source, check=True, capture_output=True,
                timeout=_COMPILE_SECONDS,
            )  # fmt: skip
        except (subprocess.SubprocessError, OSError):
            raise OSError("the C compiler here cannot compile it") from None
        write_atomic(path, library.read_bytes())
    return path
