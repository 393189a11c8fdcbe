"""Causal attention in bf16, compiled from `attention.c` at first use: an option, behind which torch's own stands.

On x86 with AVX-512 BF16 it can take a third of the time of torch's kernel, whose share of an evaluation in bf16 is 40 %
at length 1024 and 70 % at 4096; but where the chip has AMX as well, torch's kernel uses it and this one does not. So
both are tried at the start, on the model's own shape, and the faster is taken. It is for one thread, which is how the
workers compute.
"""

import ctypes
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from golfcheck.judging.cache import default_path
from golfcheck.reference.files import write_atomic

_SOURCE = Path(__file__).with_suffix(".c")
_FLAGS = ("-O3", "-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512bf16", "-shared", "-fPIC", "-x", "c")
_COMPILE_SECONDS = 60
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_WIDTHS, _MIN_TOKENS = (16, 32, 48, 64), 6  # of a head, and ROWS of the source

_CAUSAL = {"is_causal", "enable_gqa"}  # the options of the model's call

_TRIALS = 3  # of each kernel in turn; the fastest of each counts, since other work only slows
_TRIAL_TOKENS = 1024  # at most: some milliseconds
_CLEARLY = 0.9  # of torch's time: a draw is torch's

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor | None]


@cache
def kernel() -> tuple[Kernel | None, str]:
    """Return the compiled kernel, or None and why there is none: no such chip, no compiler, no place to put it.

    It takes q [B, H, T, d] and k and v [B, K, T, d] and returns [B, H, T, d], None without memory.
    """
    cpuinfo = Path("/proc/cpuinfo")
    if sys.platform != "linux" or "avx512_bf16" not in cpuinfo.read_text(encoding="utf-8", errors="replace").split():
        return None, "no AVX-512 BF16 here"
    try:
        function = ctypes.CDLL(str(_library())).golfcheck_attention
    except OSError as error:
        return None, str(error)
    function.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_long] * 4

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor | None:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        out = torch.empty_like(q)
        heads = (x.size(0) * x.size(1) for x in (q, k))  # of all sequences: as many of q still share one of k
        code = function(*(x.data_ptr() for x in (q, k, v, out)), *heads, *q.shape[2:])
        return out if code == 0 else None

    return attend, ""


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
        if not _fits(q, k, v):
            return None, f"no kernel for {tokens} tokens of heads of width {width}"
        times = [_trial(compiled, q, k, v) for _ in range(_TRIALS)]
    finally:
        torch.set_num_threads(threads)
    ours, theirs = (min(column) for column in zip(*times, strict=True))
    if ours > _CLEARLY * theirs:
        return None, f"the compiled one takes {ours / theirs:.2f} of its time on this chip"
    return compiled, f"{theirs / ours:.1f} times torch's speed"


def _trial(compiled: Kernel, q: Tensor, k: Tensor, v: Tensor) -> tuple[float, float]:
    """Return the processor seconds of a call of each kernel."""
    with torch.inference_mode():
        start = time.process_time()
        compiled(q, k, v)
        middle = time.process_time()
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return middle - start, time.process_time() - middle


def _library() -> Path:
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


class Compiled(TorchFunctionMode):
    """Within it, causal attention that the kernel can compute is computed by it; all else as always."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel = kernel

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call `func`, or the kernel in its place."""
        kwargs = kwargs or {}
        out = None
        if func is F.scaled_dot_product_attention and kwargs.keys() == _CAUSAL and kwargs["is_causal"] and _fits(*args):
            out = self.kernel(*args)
        return func(*args, **kwargs) if out is None else out


def _fits(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Tell whether the kernel can compute this, and should: it has one thread."""
    is_known = all(x.dtype is torch.bfloat16 and x.device.type == "cpu" and x.size(-1) in _WIDTHS for x in (q, k, v))
    is_fitting = k.shape == v.shape and q.shape[::2] == k.shape[::2] and q.size(1) % k.size(1) == 0
    return is_known and is_fitting and q.size(2) >= _MIN_TOKENS and torch.get_num_threads() == 1
