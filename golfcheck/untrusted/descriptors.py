"""What the pickle of a dict of tensors speaks of: storages, tensors and the few names that it calls, as plain data."""

import re
from dataclasses import dataclass
from typing import Any

from golfcheck.core.errors import Refused

DTYPE_OF_STORAGE = {
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "DoubleStorage": "float64",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "ShortStorage": "int16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_ORDERED_DICT = "collections OrderedDict"
_REBUILD_TENSOR = "torch._utils _rebuild_tensor_v2"
_REBUILD_PARAMETER = "torch._utils _rebuild_parameter"  # known only so that it can be named
GLOBALS = {_ORDERED_DICT, _REBUILD_TENSOR, _REBUILD_PARAMETER, *(f"torch {name}" for name in DTYPE_OF_STORAGE)}
_LOCATION = re.compile(r"(?:cpu|meta|cuda(?::\d{1,3})?|mps(?::\d{1,3})?|xpu(?::\d{1,3})?|hpu(?::\d{1,3})?)")
_STORAGE_KEY = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle asks for."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A record that holds `numel` elements: `data/KEY`."""

    dtype: str
    key: str
    numel: int


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor as the pickle describes it, in elements of its storage; nothing here is checked yet."""

    storage: Storage
    offset: int
    shape: tuple[Any, ...]
    stride: tuple[Any, ...]


def is_int(value: object) -> bool:
    """Tell whether `value` is an integer that is no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind(value: object) -> str:
    """Return the name of a value in messages; never its text, which is untrusted."""
    kinds = {TensorView: "a tensor", Global: "a function or class", Storage: "a bare storage", int: "an int"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def call(function: object, args: object) -> dict[str, Any] | TensorView:
    """Return what `function(*args)` would be: an empty dict or a described tensor. Refused (PKL_REDUCE) otherwise."""
    if function == Global(_ORDERED_DICT) and args == ():
        return {}
    if function == Global(_REBUILD_TENSOR) and isinstance(args, tuple) and len(args) == 6:
        storage, offset, shape, stride, requires_grad, hooks = args
        plain = isinstance(storage, Storage) and is_int(offset) and isinstance(shape, tuple)
        if not plain or not isinstance(stride, tuple) or requires_grad is not False or hooks != {}:
            raise Refused("PKL_REDUCE", "a tensor that is not plain: gradients, hooks or odd types")
        return TensorView(storage, offset, shape, stride)
    name = function.name if isinstance(function, Global) else kind(function)
    raise Refused("PKL_REDUCE", f"{name} is called in a way that torch.save does not write for a plain tensor")


def storage_of(pid: object) -> Storage:
    """Return the storage that a persistent id names; Refused (PKL_PERSID) where it names none."""
    if not isinstance(pid, tuple) or len(pid) != 5:
        raise Refused("PKL_PERSID", "a persistent id that is no storage")
    word, cls, key, location, numel = pid
    dtype = DTYPE_OF_STORAGE.get(cls.name.removeprefix("torch ")) if isinstance(cls, Global) else None
    if word != "storage" or dtype is None or not isinstance(key, str) or not isinstance(location, str):
        raise Refused("PKL_PERSID", "a persistent id that is no storage")
    if not _STORAGE_KEY.fullmatch(key) or not _LOCATION.fullmatch(location):
        raise Refused("PKL_PERSID", f"a storage with key {key[:40]!a} at {location[:40]!a}")
    if not is_int(numel) or not 0 <= numel < 1 << 40:
        raise Refused("PKL_PERSID", f"storage {key} with a size that is none")
    return Storage(dtype, key, numel)
