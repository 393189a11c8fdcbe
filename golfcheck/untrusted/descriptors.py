"""The contents of a pickled dict of tensors as plain data: storages, tensors and the few names that it calls."""

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
_REBUILD_PARAMETER = "torch._utils _rebuild_parameter"  # known only so that it can be reported
GLOBALS = {_ORDERED_DICT, _REBUILD_TENSOR, _REBUILD_PARAMETER, *(f"torch {name}" for name in DTYPE_OF_STORAGE)}
_LOCATION = re.compile(r"(?:cpu|meta|cuda(?::\d{1,3})?|mps(?::\d{1,3})?|xpu(?::\d{1,3})?|hpu(?::\d{1,3})?)")
_STORAGE_KEY = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Global:
    """A global name in the pickle."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A record with `numel` elements: `data/KEY`."""

    dtype: str
    key: str
    numel: int


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor as the pickle describes it, in elements of its storage; not checked yet."""

    storage: Storage
    offset: int
    shape: tuple[Any, ...]
    stride: tuple[Any, ...]


# What instructions of other protocols, or for other values, would create.
_MADE_BY = {
    **dict.fromkeys(b"io\x81\x92", "an object of a class"),
    **dict.fromkeys(b"\x8f\x90\x91", "a set"),
    **dict.fromkeys(b"BC\x8e\x96\x97\x98", "raw bytes"),
    **dict.fromkeys(b"STU", "a byte string"),
    **dict.fromkeys(b"\x8c\x8d", "a string of protocol 4"),
    **dict.fromkeys(b"\x93\x82\x83\x84", "a function or class of protocol 4 or of an extension"),
    **dict.fromkeys(b"FILVdlgpP02", "a value of the text protocol"),
    0x8B: "a number of more than 255 bytes",
}
# Names for objects whose class or constructor appears in a pickle.
_NAMED = {
    "__builtin__ set": "a set",
    "__builtin__ complex": "a complex number",
    "_codecs encode": "raw bytes",
    "numpy dtype": "a numpy array or number",
    "torch._utils _rebuild_tensor": "a tensor of an old torch",
    "torch device": "a torch.device",
    "torch Size": "a torch.Size",
}


def named(name: str) -> str:
    """Return a description of a pickle's "module name" for messages: what it creates, or what it is."""
    module, _, member = name.partition(" ")
    if module.startswith("numpy") and "multiarray" in module:
        return "a numpy array or number"
    if module == "torch" and member.islower():
        return f"a dtype ({member[:40]!a})"
    return _NAMED.get(name, f"an object or a function of {f'{module}.{member}'[:120]!a}")


def made_by(opcode: int) -> str:
    """Return what a forbidden instruction would create."""
    return _MADE_BY.get(opcode, f"an unknown instruction {opcode:#04x}")


def is_int(value: object) -> bool:
    """Return whether `value` is an integer and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def kind(value: object) -> str:
    """Return a description of a value for messages; never its text, which is untrusted."""
    kinds = {TensorView: "a tensor", Global: "a function or class", Storage: "a bare storage", int: "an int"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def call(function: object, args: object) -> dict[str, Any] | TensorView:
    """Return the result of `function(*args)`: an empty dict or a described tensor. Refused (PKL_REDUCE) otherwise."""
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
    """Return the storage that a persistent id names; Refused (PKL_PERSID) if it names none."""
    if not isinstance(pid, tuple) or len(pid) != 5:
        raise Refused("PKL_PERSID", "a persistent id that is not a storage")
    word, cls, key, location, numel = pid
    dtype = DTYPE_OF_STORAGE.get(cls.name.removeprefix("torch ")) if isinstance(cls, Global) else None
    if word != "storage" or dtype is None or not isinstance(key, str) or not isinstance(location, str):
        raise Refused("PKL_PERSID", "a persistent id that is not a storage")
    if not _STORAGE_KEY.fullmatch(key) or not _LOCATION.fullmatch(location):
        raise Refused("PKL_PERSID", f"a storage with key {key[:40]!a} at {location[:40]!a}")
    if not is_int(numel) or not 0 <= numel < 1 << 40:
        raise Refused("PKL_PERSID", f"storage {key} with an invalid size")
    return Storage(dtype, key, numel)
