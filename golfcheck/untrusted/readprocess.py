"""The reading process: takes a file's bytes, drops privileges, parses, and answers in a simple format.

answer = header_bytes (uint64, little-endian), header (JSON), then the records one after another
header = {"refused": [code, message]} or {"tree": tree, "records": [[key, size_bytes], ...], "notes": [text, ...]}
tree   = {"dict": {name: tree}}, {"tuple": [tree]}, {"tensor": [dtype, shape, key, start]}, or a JSON scalar
"""

import json
import sys
from typing import Any, BinaryIO

from golfcheck.core.errors import Refused
from golfcheck.core.sandbox import SandboxLimits, confine
from golfcheck.untrusted import tensors
from golfcheck.untrusted.readlimits import Limits

HEADER_LENGTH_BYTES = 8


def main() -> None:
    """Read a file from stdin and write the answer to stdout; the last argument is a JSON array.

    It has a flag for zlib, the fields of `Limits` and those of `SandboxLimits`.
    """
    zipped, bounds, sandbox_bounds = json.loads(sys.argv[-1])
    limits = Limits(**bounds)
    data = sys.stdin.buffer.read(limits.file_bytes + 1)
    confine(SandboxLimits(**sandbox_bounds))
    answer(data, limits, zipped, sys.stdout.buffer)


def answer(data: bytes, limits: Limits, zipped: bool, out: BinaryIO) -> None:
    """Parse `data` and write the answer."""
    header: dict[str, Any]
    records: list[memoryview] = []
    try:
        parsed = tensors.parse(data, limits, zipped)
        header = {
            "tree": _encode(parsed.tree),
            "records": [[key, len(record)] for key, record in parsed.records.items()],
            "notes": parsed.notes,
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
    if isinstance(value, tensors.StorageSpan):
        return {"tensor": [value.dtype, value.shape, value.key, value.start]}
    if isinstance(value, dict):
        return {"dict": {key: _encode(child) for key, child in value.items()}}
    return {"tuple": [_encode(child) for child in value]} if isinstance(value, tuple) else value
