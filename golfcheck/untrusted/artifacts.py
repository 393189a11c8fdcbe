"""The parent's side of reading an artifact: bytes → child process → a tree of numpy arrays."""

import contextlib
import dataclasses
import json
import math
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from golfcheck.core import sandbox
from golfcheck.core.errors import Refused
from golfcheck.untrusted.readlimits import PROCESS, WALL_SECONDS, Limits
from golfcheck.untrusted.readprocess import HEADER_LENGTH_BYTES
from golfcheck.untrusted.tensors import ITEM_BYTES

_CHILD = "golfcheck.untrusted.readprocess"
_NOTE_CHARS = 200
_HEADER_BYTES = 64 << 20  # the tree as JSON: at most 200,000 instructions, each a string of at most 4 KiB in theory


@dataclass(frozen=True, slots=True)
class Array:
    """A tensor's elements; numpy has no bfloat16, so that type is stored as uint16 with the same bits."""

    dtype: str
    shape: tuple[int, ...]
    data: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A tree of dicts, tuples, strings, numbers and `Array`s, and `notes` about unused bytes."""

    tree: dict[str, Any]
    notes: tuple[str, ...]


def load(
    data: bytes,
    limits: Limits | None = None,
    process: sandbox.SandboxLimits = PROCESS,
    zipped: bool = True,
    wall_seconds: float = WALL_SECONDS,
) -> dict[str, Any]:
    """Read an artifact like `read`, but return only its tree."""
    return read(data, limits, process, zipped, wall_seconds).tree


def read(
    data: bytes,
    limits: Limits | None = None,
    process: sandbox.SandboxLimits = PROCESS,
    zipped: bool = True,
    wall_seconds: float = WALL_SECONDS,
) -> Loaded:
    """Read an artifact in a child process.

    If it is not `zipped` with zlib, `data` is what `torch.save` wrote.

    Raises `Refused` with the reader's label; SBX_CPU, SBX_MEM or SBX_WALL if the child exceeded its limits, and
    ART_CRASH if it died for another reason. Tensors that share a record share memory.
    """
    limits = limits or Limits()
    if len(data) > limits.file_bytes:
        raise Refused("ART_TOO_BIG", f"more than {limits.file_bytes} bytes")
    request = json.dumps([zipped, dataclasses.asdict(limits), dataclasses.asdict(process)])
    command = sandbox.command(_CHILD, request)
    pipe, late = subprocess.PIPE, threading.Event()
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as child:

        def stop() -> None:
            late.set()
            child.kill()

        timer = threading.Timer(wall_seconds, stop)
        timer.start()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError), child.stdin:  # the child reads everything before it writes
                child.stdin.write(data)
            return _decode_answer(child.stdout, limits)
        except EOFError:
            child.kill()
            status = child.wait()
            if late.is_set():
                raise Refused("SBX_WALL", f"reading it takes longer than {wall_seconds:g} s") from None
            if sandbox.is_out_of_time(status):
                reason = f"reading it takes more than {process.cpu_seconds} s of CPU time"
                raise Refused("SBX_CPU", reason) from None
            raise Refused("ART_CRASH", f"the process that read it {sandbox.manner(status)}") from None
        except (ValueError, KeyError, TypeError):
            raise Refused("ART_CRASH", "the process that read it gave no valid answer") from None
        finally:
            timer.cancel()
            child.kill()


def _read(stream: IO[bytes], size_bytes: int) -> bytearray:
    buffer = bytearray(size_bytes)
    view, at = memoryview(buffer), 0
    while at < size_bytes:
        count = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        at += count
    return buffer


def _decode_answer(stream: IO[bytes], limits: Limits) -> Loaded:
    length = int.from_bytes(_read(stream, HEADER_LENGTH_BYTES), "little")
    if length > _HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(_read(stream, length))
    if "refused" in header:
        raise Refused(*header["refused"])
    if sum(size for _, size in header["records"]) > limits.inflated_bytes:
        raise ValueError("more than it can have read")
    records = {key: _read(stream, size) for key, size in header["records"]}
    return Loaded(_decode(header["tree"], records), tuple(str(note)[:_NOTE_CHARS] for note in header["notes"]))


def _decode(value: Any, records: dict[str, bytearray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "dict" in value:
        return {key: _decode(child, records) for key, child in value["dict"].items()}
    if "tuple" in value:
        return tuple(_decode(child, records) for child in value["tuple"])
    dtype, shape, key, start = value["tensor"]
    stored = "uint16" if dtype == "bfloat16" else dtype
    count = math.prod(shape)
    end = start + count * ITEM_BYTES[dtype]
    data = np.frombuffer(memoryview(records[key])[start:end], stored) if count else np.empty(0, stored)
    return Array(dtype, tuple(shape), data.reshape(shape))
