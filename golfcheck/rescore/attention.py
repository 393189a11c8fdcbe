"""Causal attention in bf16, compiled from `attention.c` at first use: an option, behind which torch's own stands.

On x86 with AVX-512 BF16 it can take a third of the time of torch's kernel, whose share of an evaluation in bf16 is 40%
at length 1024 and 70% at 4096; but where the chip has AMX as well, torch's kernel uses it and this one does not. So
both are tried at the start, on the model's own shape, and the faster is taken. It is for one thread, which is how the
workers compute.
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
_TRIALS = 3  # of each kernel in turn; the fastest of each counts, since other work only slows
_TRIAL_TOKENS = 1024  # at most: some milliseconds
_CLEARLY = 0.9  # of torch's time: a draw is torch's


@cache
def kernel() -> tuple[Kernel | None, str]:
    """Return the compiled kernel, or None and why there is none: no such chip, no compiler, no place to put it."""
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform != "linux" or "avx512_bf16" not in cpuinfo.read_text(encoding="utf-8", errors="replace").split():
        return None, "no AVX-512 BF16 here"
    try:
        return load(library()), ""
    except OSError as error:
        return None, str(error)


def faster(heads: int, kv_heads: int, width: int, tokens: int) -> tuple[Kernel | None, str]:
    """Return the compiled kernel where it is faster than torch's on heads of this shape, else None and why.

    Both are timed in this process, on one thread, by its own processor time.
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
    """Return the processor seconds of a call of each kernel."""
    with torch.inference_mode():
        start = time.process_time()
        compiled(q, k, v)
        middle = time.process_time()
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return middle - start, time.process_time() - middle


def library() -> Path:
    """Return the shared library in the user's cache, compiled if it is not there; OSError where that cannot be."""
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
