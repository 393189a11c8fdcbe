"""Check the values in an untrusted artifact before `reference.artifact.dequantize` uses them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from golfcheck.core.errors import Refused
from golfcheck.untrusted.artifacts import Array

# As in `reference.artifact`, whose import costs that of torch; a test holds them equal.
FORMAT = "int8_clean_per_row_v1"
SECTIONS = ("quantized", "scales", "dtypes", "passthrough")
DTYPES = ("float32", "float16", "bfloat16")
PER_ROW = {"scheme": "per_row", "axis": 0}
_OPTIONAL = ("qmeta", "passthrough_orig_dtypes")
ALL_SECTIONS = (*SECTIONS, *_OPTIONAL)
_PIECE = 1 << 20  # elements
_BF16_EXPONENT = 0x7F80  # all ones in infinities and NaNs


class ArtifactError(ValueError):
    """A dict that is not a valid artifact; `code` names the kind of defect."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def shapes_of(tree: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in an artifact, before any of them is converted to floats.

    Raises Refused, with the format's name, for an invalid tree, and (ART_DTYPE) for weights that are not floats.
    """
    try:
        check(tree)
    except ArtifactError as error:
        unsupported = "unsupported quantization format: " if error.code == "ART_QFORMAT" else ""
        raise Refused(error.code, f"{unsupported}{error}") from None
    for name, array in tree["passthrough"].items():
        if array.dtype not in DTYPES:
            raise Refused("ART_DTYPE", f"{name!a} is {array.dtype}; the weights of this architecture are floats")
    return {name: array.shape for name, array in {**tree["quantized"], **tree["passthrough"]}.items()}


def check(tree: Mapping[str, Any]) -> None:
    """Raise ArtifactError, naming the entry, unless every value is valid."""
    _require(_is(tree.get("__quant_format__"), FORMAT), "ART_QFORMAT", f"not {FORMAT}: {_shown(tree)}")
    sections = {**{section: {} for section in _OPTIONAL}, **tree}
    missing = [s for s in ALL_SECTIONS if not isinstance(sections.get(s), Mapping)]
    _require(not missing, "ART_MISSING", f"these sections are missing, or no dicts: {missing}")
    quantized, scales, dtypes, passthrough = (sections[section] for section in SECTIONS)
    qmeta, original = (sections[section] for section in _OPTIONAL)
    twice = quantized.keys() & passthrough.keys()
    _require(not twice, "ART_DUP_NAME", f"in quantized and in passthrough: {sorted(twice)[:3]}")
    unpaired = (quantized.keys() ^ scales.keys()) | (quantized.keys() ^ dtypes.keys())
    unpaired |= (qmeta.keys() - quantized.keys()) | (original.keys() - passthrough.keys())
    _require(not unpaired, "ART_MISSING", f"not in all the sections that such a tensor is in: {sorted(unpaired)[:3]}")
    for name, q in quantized.items():
        _check_quantized(name, q, scales[name], qmeta.get(name))
        _check_dtype(name, dtypes[name])
    for name, array in passthrough.items():
        _check_array(f"passthrough[{name!r}]", array)
        if name in original:
            _check_dtype(name, original[name])


def _check_quantized(name: str, q: Any, scale: Any, meta: Any) -> None:
    _check_array(f"quantized[{name!r}]", q)
    _check_array(f"scales[{name!r}]", scale)
    is_sound = q.dtype == "int8" and scale.dtype in ("float16", "float32")
    _require(is_sound, "ART_Q_DTYPE", f"{name!r} is {q.dtype} with {scale.dtype} scales, not int8 with fp16 or fp32")
    is_supported = meta is None or (isinstance(meta, dict) and meta == PER_ROW)
    _require(is_supported, "ART_QMETA", f"qmeta[{name!r}] is not {PER_ROW!r}")
    rows = tuple(q.shape[:1]) if meta or scale.shape else ()
    shapes = f"{scale.shape} for weights {q.shape}, not {rows}"
    _require(scale.shape == rows, "ART_SCALE_SHAPE", f"scales[{name!r}] is {shapes}")


def _check_dtype(name: str, dtype: Any) -> None:
    is_supported = isinstance(dtype, str) and dtype in DTYPES
    _require(
        is_supported, "ART_DTYPE_NAME", f"{name!r} has the dtype {str(dtype)[:40]!r}, not one of {', '.join(DTYPES)}"
    )


def _check_array(where: str, array: Any) -> None:
    _require(isinstance(array, Array), "ART_TYPE", f"{where} is a {type(array).__name__}, not a tensor")
    if array.dtype not in DTYPES:
        return
    flat = array.data.reshape(-1)  # [elements]
    # In pieces, because the temporary arrays would be as large as the tensor.
    for first in range(0, flat.size, _PIECE):
        is_finite = _finite(flat[first : first + _PIECE], array.dtype)
        if not is_finite.all():
            index = np.unravel_index(first + int(is_finite.argmin()), array.shape)
            raise ArtifactError("ART_NONFINITE", f"{where} is not finite at {[int(i) for i in index]}")


def _finite(piece: npt.NDArray[Any], dtype: str) -> npt.NDArray[np.bool_]:
    if dtype == "bfloat16":  # as uint16 of the same bits
        return np.asarray((piece & _BF16_EXPONENT) != _BF16_EXPONENT)
    return np.asarray(np.isfinite(piece))


def _is(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


def _shown(tree: Mapping[str, Any]) -> str:
    value = tree.get("__quant_format__")
    return repr(value)[:60] if value is None or isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _require(condition: bool, code: str, message: str) -> None:
    if not condition:
        raise ArtifactError(code, message)
