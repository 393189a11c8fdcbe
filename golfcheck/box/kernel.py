"""Causal attention in bf16 by a compiled kernel instead of torch's, in the judge's own evaluation and in a box.

Like serve.py it imports nothing of golfcheck, because nothing else of golfcheck exists in a box.
"""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_WIDTHS, _MIN_TOKENS = (16, 32, 48, 64), 6  # of a head, and ROWS of the source (rescore/attention.c)
_OPTIONS = {"is_causal", "enable_gqa"}  # the only keyword arguments that the kernel supports

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor | None]


def load(library: Path) -> Kernel:
    """Return the kernel of a shared library; OSError where it cannot be loaded.

    It takes q [B, H, T, d] and k and v [B, K, T, d] and returns [B, H, T, d], or None if memory runs out.
    """
    function = ctypes.CDLL(str(library)).golfcheck_attention
    function.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_long] * 4

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor | None:
        q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        out = torch.empty_like(q)
        # Heads of all sequences in one dimension: as before, every H / K heads of q share one of k.
        heads = (x.size(0) * x.size(1) for x in (q, k))
        code = function(*(x.data_ptr() for x in (q, k, v, out)), *heads, *q.shape[2:])
        return out if code == 0 else None

    return attend


class Compiled(TorchFunctionMode):
    """A context in which the kernel computes causal attention where it can, and torch computes the rest."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__()
        self.kernel = kernel

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the kernel if it can compute this call, else `func`."""
        kwargs = kwargs or {}
        out = None
        if func is F.scaled_dot_product_attention and kwargs.get("is_causal") is True and _is_plain(args, kwargs):
            out = self.kernel(*args)
        return func(*args, **kwargs) if out is None else out


def _is_plain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a call has only options that the kernel supports, and arguments that it can compute."""
    if len(args) != 3 or not kwargs.keys() <= _OPTIONS or not fits(*args):
        return False
    return kwargs.get("enable_gqa") is True or args[0].size(1) == args[1].size(1)


def fits(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Tell whether the kernel can and should compute this call: it runs in one thread and has no gradient."""
    every = (q, k, v)
    if torch.get_num_threads() != 1 or (torch.is_grad_enabled() and any(x.requires_grad for x in every)):
        return False
    is_supported = all(x.dtype is torch.bfloat16 and x.device.type == "cpu" for x in every)
    is_supported &= all(x.dim() == 4 and x.size(-1) in _WIDTHS for x in every) and q.size(-1) == k.size(-1)
    shapes_match = k.shape == v.shape and q.shape[::2] == k.shape[::2] and q.size(1) % k.size(1) == 0
    return is_supported and shapes_match and q.size(2) >= _MIN_TOKENS
