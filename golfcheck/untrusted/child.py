"""The reading process: it takes a file's bytes, gives up what it does not need, parses, and answers in a plain frame.

answer = header_bytes (uint64, little-endian), header (JSON), then the records one after another
header = {"refused": [code, message]} or {"tree": tree, "records": [[key, size_bytes], ...]}
tree   = {"dict": {name: tree}}, {"tuple": [tree]}, {"tensor": [dtype, shape, key, start]}, or a JSON scalar
"""

import contextlib
import json
import sys
from typing import Any, BinaryIO

from golfcheck.core.errors import Refused
from golfcheck.untrusted import tensors
from golfcheck.untrusted.limits import Limits, ProcessLimits

HEADER_LENGTH_BYTES = 8
_CLONE_NEWUSER = 0x1000_0000  # linux/sched.h
_CLONE_NEWNET = 0x4000_0000


def main() -> None:
    """Read a file from stdin and write the answer to stdout; the last of argv is a JSON array.

    It holds whether the file is packed with zlib, and the fields of both limits.
    """
    zipped, bounds, process_bounds = json.loads(sys.argv[-1])
    limits, process = Limits(**bounds), ProcessLimits(**process_bounds)
    data = sys.stdin.buffer.read(limits.file_bytes + 1)
    confine(process)
    answer(data, limits, zipped, sys.stdout.buffer)


def confine(process: ProcessLimits) -> None:
    """Give up, for ever: more memory and time than the limits, new files, sockets and processes, and the network.

    What the system does not offer is left out: the parsing does not rely on it, this is the second wall.
    """
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    with contextlib.suppress(ImportError):
        import resource

        bounds = {
            "RLIMIT_AS": process.address_space_bytes,
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": 0,
            "RLIMIT_NPROC": 0,
            "RLIMIT_NOFILE": 0,  # no descriptor beyond those that are open: neither file nor socket nor pipe
        }
        for name, bound in bounds.items():
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (bound, bound))
        # The first bound sends SIGXCPU, by which the parent knows it; at the second one the system kills.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (process.cpu_seconds, process.cpu_seconds + 1))


def answer(data: bytes, limits: Limits, zipped: bool, out: BinaryIO) -> None:
    """Parse `data` and write the answer."""
    header: dict[str, Any]
    records: list[memoryview] = []
    try:
        parsed = tensors.parse(data, limits, zipped)
        header = {
            "tree": _encode(parsed.tree),
            "records": [[key, len(record)] for key, record in parsed.records.items()],
        }
        records = list(parsed.records.values())
    except Refused as error:
        header = {"refused": [error.code, error.message]}
    except MemoryError:
        header = {"refused": ["SBX_MEM", "reading it needs more memory than is allowed"]}
    encoded = json.dumps(header).encode()
    out.write(len(encoded).to_bytes(HEADER_LENGTH_BYTES, "little"))
    out.write(encoded)
    for record in records:
        out.write(record)
    out.flush()


def _encode(value: Any) -> Any:
    if isinstance(value, tensors.Span):
        return {"tensor": [value.dtype, value.shape, value.key, value.start]}
    if isinstance(value, dict):
        return {"dict": {key: _encode(child) for key, child in value.items()}}
    return {"tuple": [_encode(child) for child in value]} if isinstance(value, tuple) else value
