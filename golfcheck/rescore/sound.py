"""What the values of an artifact's dict must be, whoever made it, before `reference.artifact.dequantize` uses them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golfcheck.reference.artifact import DTYPES, FORMAT, PER_ROW, SECTIONS

_OPTIONAL = ("qmeta", "passthrough_orig_dtypes")
_PIECE = 1 << 20  # elements


class ArtifactError(ValueError):
    """A dict that is not a sound artifact; `code` is the kind of defect, for those who count them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check(obj: Mapping[str, Any]) -> None:
    """Raise ArtifactError, naming the entry, unless every value makes sense."""
    _require(obj.get("__quant_format__") == FORMAT, "ART_QFORMAT", f"not {FORMAT}: {obj.get('__quant_format__')!r}")
    obj = {**{section: {} for section in _OPTIONAL}, **obj}
    lost = [s for s in (*SECTIONS, *_OPTIONAL) if not isinstance(obj.get(s), Mapping)]
    _require(not lost, "ART_MISSING", f"these sections are missing, or no dicts: {lost}")
    quantized, scales, dtypes, passthrough = (obj[section] for section in SECTIONS)
    qmeta, original = (obj[section] for section in _OPTIONAL)
    twice = quantized.keys() & passthrough.keys()
    _require(not twice, "ART_DUP_NAME", f"in quantized and in passthrough: {sorted(twice)[:3]}")
    unpaired = (quantized.keys() ^ scales.keys()) | (quantized.keys() ^ dtypes.keys())
    unpaired |= (qmeta.keys() - quantized.keys()) | (original.keys() - passthrough.keys())
    _require(not unpaired, "ART_MISSING", f"not in all the sections that such a tensor is in: {sorted(unpaired)[:3]}")
    for name, q in quantized.items():
        _check_quantized(name, q, scales[name], qmeta.get(name))
        _check_dtype(name, dtypes[name])
    for name, tensor in passthrough.items():
        _check_tensor(f"passthrough[{name!r}]", tensor)
        if name in original:
            _check_dtype(name, original[name])


def _check_quantized(name: str, q: Any, scale: Any, meta: Any) -> None:
    _check_tensor(f"quantized[{name!r}]", q)
    _check_tensor(f"scales[{name!r}]", scale)
    sound = q.dtype == torch.int8 and scale.dtype in (torch.float16, torch.float32)
    _require(sound, "ART_Q_DTYPE", f"{name!r} is {q.dtype} with {scale.dtype} scales, not int8 with fp16 or fp32")
    _require(meta in (None, PER_ROW), "ART_QMETA", f"qmeta[{name!r}] is {meta!r}, not {PER_ROW!r}")
    rows = tuple(q.shape[:1]) if meta or scale.ndim else ()
    shapes = f"{tuple(scale.shape)} for weights {tuple(q.shape)}, not {rows}"
    _require(tuple(scale.shape) == rows, "ART_SCALE_SHAPE", f"scales[{name!r}] is {shapes}")


def _check_dtype(name: str, dtype: Any) -> None:
    known = isinstance(dtype, str) and dtype in DTYPES
    _require(known, "ART_DTYPE_NAME", f"{name!r} has the dtype {dtype!r}, not one of {', '.join(DTYPES)}")


def _check_tensor(where: str, tensor: Any) -> None:
    _require(isinstance(tensor, Tensor), "ART_TYPE", f"{where} is a {type(tensor).__name__}, not a tensor")
    if not tensor.is_floating_point():
        return
    # In pieces: of a large tensor, what torch makes on the way takes as much memory as the tensor.
    if not all(bool(torch.isfinite(piece).all()) for piece in tensor.flatten().split(_PIECE)):  # [elements]
        bad = torch.nonzero(~torch.isfinite(tensor))[0].tolist()
        raise ArtifactError("ART_NONFINITE", f"{where} is not finite at {bad}")


def _require(condition: bool, code: str, message: str) -> None:
    if not condition:
        raise ArtifactError(code, message)
