"""The artifact, in the contest's format: weights as int8 with one scale a row, saved by torch, packed by zlib."""

import io
import zlib
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor

FORMAT = "int8_clean_per_row_v1"
SECTIONS = ("quantized", "scales", "dtypes", "passthrough")
KEEP_FLOAT_MAX_NUMEL = 65_536  # smaller tensors stay floats: they are cheap, and some are delicate
CLIP_QUANTILE = 99.99984 / 100.0  # a single outlier must not make the steps of its whole row coarser
QUANT_MAX = 127  # of int8; -128 is left out, so that the range is symmetric
PER_ROW = {"scheme": "per_row", "axis": 0}
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def quantize(state: Mapping[str, Tensor], keep_fp32: Sequence[str], **extra: Any) -> dict[str, Any]:
    """Return the artifact's dict of a state dict; `extra` is added at its top, where no other reader looks."""
    obj: dict[str, Any] = {"__quant_format__": FORMAT, **{section: {} for section in SECTIONS}}
    optional: dict[str, dict[str, Any]] = {"qmeta": {}, "passthrough_orig_dtypes": {}}
    for name, parameter in state.items():
        tensor = parameter.detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        if tensor.is_floating_point() and tensor.numel() > KEEP_FLOAT_MAX_NUMEL:
            obj["quantized"][name], obj["scales"][name] = _quantize_tensor(tensor.float())
            obj["dtypes"][name] = dtype
            if tensor.ndim == 2:
                optional["qmeta"][name] = dict(PER_ROW)
            continue
        if tensor.is_floating_point() and any(pattern in name for pattern in keep_fp32):
            tensor = tensor.float()
        elif dtype in ("float32", "bfloat16"):
            optional["passthrough_orig_dtypes"][name] = dtype
            tensor = tensor.half()
        obj["passthrough"][name] = tensor
    return obj | {section: values for section, values in optional.items() if values} | extra


def _quantize_tensor(w: Tensor) -> tuple[Tensor, Tensor]:
    """Quantize fp32 [rows, cols] to int8 and fp16 scales [rows]; any other shape to int8 and one fp32 scale []."""
    # Rows differ in size: a scale of its own costs a row of 512 numbers two bytes, and halves their rounding errors.
    by_row = w.ndim == 2
    rows = w if by_row else w.reshape(1, -1)  # [rows, cols]
    clip = _row_clip(rows.abs())[:, None]  # [rows, 1]
    scale = clip / QUANT_MAX
    scale = scale.clamp_min(1.0 / QUANT_MAX) if by_row else torch.where(clip > 0.0, scale, 1.0)
    q = (rows.clamp(-clip, clip) / scale).round().clamp(-QUANT_MAX, QUANT_MAX).to(torch.int8)
    # A scale in fp16 has an error of its own, up to 2^-11 of it: at 127 steps an eighth of int8's own half step.
    return q.view(w.shape), scale[:, 0].half() if by_row else scale[0, 0]  # [rows] or []


def _row_clip(magnitude: Tensor) -> Tensor:
    """Return the CLIP_QUANTILE of each row, [rows, cols] -> [rows]: bit for bit as `torch.quantile`."""
    rank = torch.tensor(CLIP_QUANTILE) * (magnitude.size(1) - 1)  # fp32, as torch.quantile computes it
    if int(rank) != magnitude.size(1) - 2:
        return torch.quantile(magnitude, CLIP_QUANTILE, dim=1)
    # In rows of up to 600,000 numbers it lies between the two largest: no need to sort the others.
    above, below = magnitude.topk(2, dim=1).values.unbind(1)  # [rows] each
    return torch.lerp(below, above, rank - rank.floor())


def dump(obj: Any) -> bytes:
    """Return the bytes that `torch.save` writes for `obj`."""
    buffer = io.BytesIO()
    torch.save(obj, buffer)
    return buffer.getvalue()


def pack(obj: Mapping[str, Any], search: bool = False) -> tuple[bytes, int, int, int]:
    """Return the artifact file of a dict, and three sizes: of its tensors, before zlib, and saved by the search."""
    raw = dump(obj)
    usual = zlib.compress(raw, 9)
    # Weights hardly repeat: filtered matches and a short window leave out repeats that cost more than they save.
    tries = product((9, 12, 15), (6, 7, 8, 9), (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)) if search else ()
    streams = (zlib.compressobj(9, zlib.DEFLATED, *parameters) for parameters in tries)
    blob = min((stream.compress(raw) + stream.flush() for stream in streams), key=len, default=usual)
    payload_bytes = sum(t.nbytes for section in ("quantized", "scales", "passthrough") for t in obj[section].values())
    return blob, payload_bytes, len(raw), len(usual) - len(blob)


def unpack(blob: bytes) -> dict[str, Any]:
    """Read back a file of our own `pack`; untrusted files go through `golfcheck.untrusted` instead."""
    return dict(torch.load(io.BytesIO(zlib.decompress(blob)), map_location="cpu", weights_only=True))


def dequantize(obj: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the state dict of an artifact's dict."""
    state = {}
    for name, q in obj["quantized"].items():
        scale = obj["scales"][name].float()
        per_row = scale.view(*scale.shape, *[1] * (q.ndim - scale.ndim))  # [rows, 1, ...] or [1, ...]
        state[name] = (q.float() * per_row).to(DTYPES[obj["dtypes"][name]])
    for name, tensor in obj["passthrough"].items():
        original = obj.get("passthrough_orig_dtypes", {}).get(name)
        state[name] = tensor.to(DTYPES[original]) if original else tensor
    return state
