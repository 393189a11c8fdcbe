"""FlashAttention-3 (arXiv 2407.08608), for Hopper: fetched from a hub, tried, and taken only if it is right."""

import importlib
from typing import Any

import torch

PACKAGE = "kernels-community/flash-attn3"
KERNELS = ("cudnn", "flash", "mem_efficient", "math")
MOST_HEAD_WIDTH = 256
TOKENS = 256  # of the trial


def is_hopper(device: torch.device) -> bool:
    """Whether a device is one that the package has a kernel for."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) == (9, 0)


def prefer(device: torch.device, head_width: int) -> None:
    """Set the framework's kernels and the precision of fp32 products, as the contest's script does.

    Its flash attention is the only kernel left on, where it can work: on chips since Ampere (8.0), up to a head width
    of 256. Elsewhere the framework chooses among all.
    """
    if device.type != "cuda":
        return
    is_able = torch.cuda.get_device_capability(device) >= (8, 0) and head_width <= MOST_HEAD_WIDTH
    torch.backends.cuda.enable_flash_sdp(True)
    torch.backends.cuda.enable_cudnn_sdp(not is_able)
    torch.backends.cuda.enable_mem_efficient_sdp(not is_able)
    torch.backends.cuda.enable_math_sdp(not is_able)
    torch.backends.cuda.matmul.allow_tf32 = True  # 10 bits of fp32's 23, at eight times the speed
    torch.backends.cudnn.allow_tf32 = True


def backends() -> dict[str, bool]:
    """Return which of the framework's attention kernels may be used, by name."""
    return {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled")() for name in KERNELS}


def choose(model: Any, heads: tuple[int, int, int], width: int, ranks: Any, compiled: bool) -> str:
    """Have `model.attend` use the package's function where it is right on all ranks; return why not, or "".

    Attention of so many heads for q, k and v, and its gradients, are computed with the framework's kernel and with the
    package's, and must agree. It is downloaded code of others: called only where HUB_KERNELS is set.
    """
    function = None
    problem = ""
    if is_hopper(ranks.device):
        attend = torch.compile(model.attend, fullgraph=True) if compiled else model.attend
        trials = []
        # A wrong kernel would train, only worse, and nobody would see why. So it is tried first.
        try:
            hub = importlib.import_module("kernels").get_kernel(PACKAGE, version=1)
            qkv = [torch.randn(1, n, TOKENS, width) for n in heads]  # [1, H or K, T, d]
            qkv = [x.to(ranks.device, torch.bfloat16).requires_grad_() for x in qkv]
            for attention in (None, hub.flash_attn_func):
                model.use_flash(attention)
                y = attend(*qkv)  # [1, H, T, d]
                trials.append((y, *torch.autograd.grad(y.square().sum(), qkv)))
            torch.testing.assert_close(*trials, atol=0.1, rtol=0.1)
            function = hub.flash_attn_func
        except Exception as error:  # whatever is wrong with it, the framework's own kernel is there
            problem = " ".join(str(error).split())
    model.use_flash(None if ranks.agree(float(function is None))[0] else function)
    return problem
