"""The artifact: weights as int8 with one scale a row, in a dict that `torch.save` writes and zlib packs.

The format `int8_clean_per_row_v1` belongs to the contest: anybody's artifact must load here, and ours there.
`quantize` and `pack` write it; `unpack` reads a file that we wrote ourselves (strangers' bytes go through
`golfcheck.untrusted`); `dequantize` checks what every value means, whoever made it.
"""

import io
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

FORMAT = "int8_clean_per_row_v1"
SECTIONS = ("quantized", "scales", "dtypes", "passthrough")
KEEP_FLOAT_MAX_NUMEL = 65_536
CLIP_QUANTILE = 99.99984 / 100.0
QUANT_MAX = 127
PER_ROW = {"scheme": "per_row", "axis": 0}
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class ArtifactError(ValueError):
    """A dict that is not a sound artifact; `code` is the kind of defect, for those who count them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _require(condition: bool, code: str, message: str) -> None:
    if not condition:
        raise ArtifactError(code, message)


def quantize(state: Mapping[str, Tensor], keep_fp32: Sequence[str], **extra: Any) -> dict[str, Any]:
    """Return the artifact's dict of a state dict.

    Matrices of more than 65,536 elements become int8 with a scale per row, other large tensors int8 with one
    scale; the rest passes through, as fp16 unless its name contains one of `keep_fp32`. `extra` is added at the
    top level, where other readers do not look.
    """
    obj: dict[str, Any] = {"__quant_format__": FORMAT, **{section: {} for section in SECTIONS}}
    qmeta, original = {}, {}
    for name, parameter in state.items():
        tensor = parameter.detach().cpu().contiguous()
        dtype = str(tensor.dtype).removeprefix("torch.")
        if not tensor.is_floating_point():
            obj["passthrough"][name] = tensor
        elif tensor.numel() <= KEEP_FLOAT_MAX_NUMEL:
            if any(pattern in name for pattern in keep_fp32):
                tensor = tensor.float()
            elif dtype in ("float32", "bfloat16"):
                original[name] = dtype
                tensor = tensor.half()
            obj["passthrough"][name] = tensor
        else:
            obj["quantized"][name], obj["scales"][name] = _quantize_tensor(tensor.float())
            obj["dtypes"][name] = dtype
            if tensor.ndim == 2:
                qmeta[name] = dict(PER_ROW)
    if qmeta:
        obj["qmeta"] = qmeta
    if original:
        obj["passthrough_orig_dtypes"] = original
    return obj | extra


def _quantize_tensor(w: Tensor) -> tuple[Tensor, Tensor]:
    """Quantize fp32 [rows, cols] to int8 and fp16 scales [rows]; any other shape to int8 and one fp32 scale []."""
    by_row = w.ndim == 2
    rows = w if by_row else w.reshape(1, -1)  # [rows, cols]
    clip = _row_clip(rows.abs())[:, None]  # [rows, 1]
    scale = clip / QUANT_MAX
    scale = scale.clamp_min(1.0 / QUANT_MAX) if by_row else torch.where(clip > 0.0, scale, 1.0)
    q = (rows.clamp(-clip, clip) / scale).round().clamp(-QUANT_MAX, QUANT_MAX).to(torch.int8)
    return q.view(w.shape), scale[:, 0].half() if by_row else scale[0, 0]  # [rows] or []


def _row_clip(magnitude: Tensor) -> Tensor:
    """Return the CLIP_QUANTILE of each row, [rows, cols] -> [rows]: bit for bit as `torch.quantile`."""
    rank = torch.tensor(CLIP_QUANTILE) * (magnitude.size(1) - 1)  # fp32, as torch.quantile computes it
    if int(rank) != magnitude.size(1) - 2:  # else it lies between the two largest
        return torch.quantile(magnitude, CLIP_QUANTILE, dim=1)
    above, below = magnitude.topk(2, dim=1).values.unbind(1)  # [rows] each
    return torch.lerp(below, above, rank - rank.floor())


def tensor_bytes(obj: Mapping[str, Any]) -> int:
    """Return the bytes of all tensors in an artifact's dict: its payload."""
    return sum(t.nbytes for section in ("quantized", "scales", "passthrough") for t in obj[section].values())


def pack(obj: Mapping[str, Any]) -> tuple[bytes, int]:
    """Return the artifact file, and its size in bytes before zlib."""
    buffer = io.BytesIO()
    torch.save(obj, buffer)
    return zlib.compress(buffer.getbuffer(), 9), buffer.tell()


def unpack(blob: bytes) -> dict[str, Any]:
    """Read back a file that `pack` wrote in this run."""
    return dict(torch.load(io.BytesIO(zlib.decompress(blob)), map_location="cpu", weights_only=True))


def dequantize(obj: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the state dict of an artifact's dict; ArtifactError, naming the entry, unless every value makes sense."""
    _require(obj.get("__quant_format__") == FORMAT, "ART_QFORMAT", f"not {FORMAT}: {obj.get('__quant_format__')!r}")
    obj = {"qmeta": {}, "passthrough_orig_dtypes": {}, **obj}
    lost = [s for s in (*SECTIONS, "qmeta", "passthrough_orig_dtypes") if not isinstance(obj.get(s), Mapping)]
    _require(not lost, "ART_MISSING", f"these sections are missing, or no dicts: {lost}")
    quantized, scales, dtypes, passthrough = (obj[section] for section in SECTIONS)
    original = obj["passthrough_orig_dtypes"]
    twice = quantized.keys() & passthrough.keys()
    _require(not twice, "ART_DUP_NAME", f"in quantized and in passthrough: {sorted(twice)[:3]}")
    unpaired = (quantized.keys() ^ scales.keys()) | (quantized.keys() ^ dtypes.keys())
    unpaired |= (obj["qmeta"].keys() - quantized.keys()) | (original.keys() - passthrough.keys())
    _require(not unpaired, "ART_MISSING", f"not in all the sections that such a tensor is in: {sorted(unpaired)[:3]}")
    metas = (obj["qmeta"].get(name) for name in quantized)
    state = {n: _restore(n, q, scales[n], dtypes[n], m) for (n, q), m in zip(quantized.items(), metas, strict=True)}
    for name, tensor in passthrough.items():
        _check_tensor(f"passthrough[{name!r}]", tensor)
        state[name] = tensor.to(_dtype(name, original[name])) if name in original else tensor
    return state


def _restore(name: str, q: Any, scale: Any, dtype: Any, meta: Any) -> Tensor:
    """Return q times its scale, in the dtype that the weight had."""
    _check_tensor(f"quantized[{name!r}]", q)
    _check_tensor(f"scales[{name!r}]", scale)
    sound = q.dtype == torch.int8 and scale.dtype in (torch.float16, torch.float32)
    _require(sound, "ART_Q_DTYPE", f"{name!r} is {q.dtype} with {scale.dtype} scales, not int8 with fp16 or fp32")
    _require(meta in (None, PER_ROW), "ART_QMETA", f"qmeta[{name!r}] is {meta!r}, not {PER_ROW!r}")
    rows = tuple(q.shape[:1]) if meta or scale.ndim else ()
    shapes = f"{tuple(scale.shape)} for weights {tuple(q.shape)}, not {rows}"
    _require(tuple(scale.shape) == rows, "ART_SCALE_SHAPE", f"scales[{name!r}] is {shapes}")
    per_row = scale.float().view(*rows, *[1] * (q.ndim - len(rows)))  # [rows, 1, ...] or [1, ...]
    return (q.float() * per_row).to(_dtype(name, dtype))


def _dtype(name: str, dtype: Any) -> torch.dtype:
    known = isinstance(dtype, str) and dtype in DTYPES
    _require(known, "ART_DTYPE_NAME", f"{name!r} has the dtype {dtype!r}, not one of {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _check_tensor(where: str, tensor: Any) -> None:
    _require(isinstance(tensor, Tensor), "ART_TYPE", f"{where} is a {type(tensor).__name__}, not a tensor")
    bad = torch.nonzero(~torch.isfinite(tensor))[:1].tolist() if tensor.is_floating_point() else []
    _require(not bad, "ART_NONFINITE", f"{where} is not finite at {bad}")
