"""Descriptors and records → a tree whose tensors are checked against the bytes that they describe."""

import math
from dataclasses import dataclass
from typing import Any

from golfcheck.core.errors import Refused
from golfcheck.untrusted import inflate, picklesubset, zipread
from golfcheck.untrusted.descriptors import TensorView, is_int
from golfcheck.untrusted.readlimits import Limits

# float64 and complex numbers are refused: no part of the format stores them.
ITEM_BYTES = {
    "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "uint8": 1, "int16": 2, "int32": 4, "int64": 8, "bool": 1,
}  # fmt: skip
_FP32_BYTES = 4


@dataclass(frozen=True, slots=True)
class StorageSpan:
    """A contiguous tensor: row-major, from `start` (in bytes) of the record `key`."""

    dtype: str
    shape: tuple[int, ...]
    key: str
    start: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's contents: a tree of dicts, tuples, strings, numbers and `StorageSpan`s, and the records behind them.

    `notes` are about unused bytes.
    """

    tree: dict[str, Any]
    records: dict[str, memoryview]
    notes: tuple[str, ...]


def parse(data: bytes, limits: Limits, zipped: bool = True) -> Parsed:
    """Read a whole artifact, or a bare torch file if it is not `zipped` with zlib.

    Raises `Refused` with a label of the three layers below, or of `_span`, `_storages`.
    """
    named = zipread.records(inflate.inflate(data, limits) if zipped else data, limits)
    tree = picklesubset.parse(named["data.pkl"], limits)
    views = list(_views(tree))
    used = _storages(views, named)
    for name in named:
        if name.startswith("data/") and name.removeprefix("data/") not in used:
            raise Refused("ZIP_UNUSED", f"{name} belongs to no tensor")
    spans: dict[int, StorageSpan] = {}
    total_bytes = 0
    for view in views:
        spans[id(view)] = span = _span(view, limits)
        total_bytes += math.prod(span.shape) * _FP32_BYTES
        if total_bytes > limits.tensor_bytes:
            raise Refused("ART_TOTAL", f"all tensors together take more than {limits.tensor_bytes} bytes as fp32")
    notes = _unused(list(spans.values()), used)
    if zipped and (idle := inflate.idle_bytes(data)) > inflate.END_BYTES:
        notes.append(f"the zlib stream ends with {idle - inflate.END_BYTES:,} bytes or more of empty blocks")
    return Parsed(_replace(tree, spans), used, tuple(notes))


def _unused(spans: list[StorageSpan], records: dict[str, memoryview]) -> list[str]:
    """Report how many bytes of the records belong to no tensor, and of how many records."""
    ends: dict[str, list[tuple[int, int]]] = {key: [] for key in records}
    for span in spans:
        ends[span.key].append((span.start, span.start + math.prod(span.shape) * ITEM_BYTES[span.dtype]))
    total = count = 0
    for key, record in records.items():
        shown = 0
        at = 0
        for start, end in sorted(ends[key]):
            shown += max(end - max(start, at), 0)
            at = max(at, end)
        total += len(record) - shown
        count += shown < len(record)
    return [f"{total:,} bytes of {count} storages belong to no tensor"] if total else []


def _views(value: Any) -> Any:
    if isinstance(value, TensorView):
        yield value
    elif isinstance(value, dict | tuple | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _views(child)


def _replace(value: Any, spans: dict[int, StorageSpan]) -> Any:
    if isinstance(value, TensorView):
        return spans[id(value)]
    if isinstance(value, dict):
        return {key: _replace(child, spans) for key, child in value.items()}
    return tuple(_replace(child, spans) for child in value) if isinstance(value, tuple | list) else value


def _storages(views: list[TensorView], named: dict[str, memoryview]) -> dict[str, memoryview]:
    """Return the records that contain tensors, by key; each is checked to exist, with one dtype and the right size."""
    dtypes: dict[str, str] = {}
    used: dict[str, memoryview] = {}
    for storage in (view.storage for view in views):
        key, record = storage.key, named.get(f"data/{storage.key}")
        if storage.dtype not in ITEM_BYTES:
            raise Refused("ART_DTYPE", f"data/{key} is {storage.dtype}, which an int8 artifact does not contain")
        if record is None:
            raise Refused("ZIP_MISSING", f"no record data/{key}")
        if dtypes.setdefault(key, storage.dtype) != storage.dtype:
            raise Refused("PKL_STORAGE_CONFLICT", f"data/{key} as {dtypes[key]} and as {storage.dtype}")
        if (size_bytes := storage.numel * ITEM_BYTES[storage.dtype]) != len(record):
            raise Refused("ZIP_STORAGE_SIZE", f"data/{key}: {len(record)} != {size_bytes} bytes")
        if storage.dtype == "bool" and bytes(record).translate(None, b"\0\1"):
            raise Refused("PKL_TENSOR", f"data/{key}: a bool that is neither 0 nor 1")
        used[key] = record
    return used


def _span(view: TensorView, limits: Limits) -> StorageSpan:
    """Check that a tensor is plain, contiguous and inside its storage."""
    shape, stride, storage = view.shape, view.stride, view.storage
    if len(shape) > limits.rank or len(shape) != len(stride):
        raise Refused("PKL_TENSOR", f"a tensor of rank {len(shape)} with {len(stride)} strides; at most {limits.rank}")
    if not all(is_int(n) and n >= 0 for n in (*shape, *stride)):
        raise Refused("PKL_TENSOR", "a negative or odd size or stride")
    numel = math.prod(shape)
    if numel > limits.tensor_bytes:  # of at least one byte each; their total as fp32 is checked later
        raise Refused("PKL_TENSOR", f"too many elements: {numel}")
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size > 1 and numel and step != expected:
            raise Refused("PKL_NONCONTIG", f"shape {shape} with strides {stride}")
        expected *= size
    if view.offset < 0 or view.offset + numel > storage.numel:
        raise Refused("PKL_OOB", f"offset {view.offset}+{numel} > storage {storage.numel}")
    return StorageSpan(storage.dtype, shape, storage.key, view.offset * ITEM_BYTES[storage.dtype])
