"""A zlib stream → the bytes in it, never more than the limit, and nothing after its end."""

import zlib
from typing import Any

from golfcheck.core.errors import Refused
from golfcheck.untrusted import containers
from golfcheck.untrusted.readlimits import Limits

_PIECE_BYTES = 4 << 20  # each piece copies the rest of the input
_INPUT_BYTES = 1 << 16
# What follows the last byte of a stream's content: the end of its block, at most 15 bits (RFC 1951), or the empty block
# of 5 bytes that zlib writes after stored ones; then the checksum of 4 bytes (RFC 1950).
END_BYTES = 9


def inflate(data: bytes, limits: Limits) -> bytearray:
    """Decompress `data`, which must be exactly one zlib stream.

    Refuses with ART_TOO_BIG, ART_FORMAT_OWN (a foreign container, named), ART_ZLIB (damaged), ART_ZLIB_TRUNC (ends
    early), ART_ZLIB_TRAILING (goes on after its end), ART_INFLATE_LIMIT.
    """
    if len(data) > limits.file_bytes:
        raise Refused("ART_TOO_BIG", f"more than {limits.file_bytes} bytes")
    container = containers.name_of(data)
    if container not in (None, "zlib"):
        code = "ART_ZLIB" if container == "gzip" else "ART_FORMAT_OWN"
        raise Refused(code, f"unsupported container: {container}; only zlib around a torch file is read")
    stream = zlib.decompressobj()
    out = bytearray()  # grown in place: a list of pieces and their sum would need twice the memory
    pending = data
    while not stream.eof:
        try:
            piece = stream.decompress(pending, _PIECE_BYTES)
        except zlib.error as error:
            raise Refused("ART_ZLIB", f"not a zlib stream, or a damaged one: {error}") from None
        pending = stream.unconsumed_tail
        out += piece
        if len(out) > limits.inflated_bytes:
            raise Refused("ART_INFLATE_LIMIT", f"inflates past {limits.inflated_bytes} bytes")
        if not piece and not pending and not stream.eof:
            raise Refused("ART_ZLIB_TRUNC", f"the zlib stream ends early, after {len(out)} bytes")
    if stream.unused_data:
        raise Refused("ART_ZLIB_TRAILING", f"{len(stream.unused_data)} bytes after the zlib stream")
    return out


def idle_bytes(data: bytes) -> int:
    """Return how many bytes of a zlib stream follow the last one that adds to its content.

    More than `END_BYTES` are empty blocks, which have no content but change the file's digest.
    """
    stream = zlib.decompressobj()
    before, start = stream.copy(), 0  # the last piece that adds content, and the state before it
    for first in range(0, len(data), _INPUT_BYTES):
        state = stream.copy()
        if _adds(stream, data[first : first + _INPUT_BYTES]):
            before, start = state, first
    last = start
    for at in range(start, min(start + _INPUT_BYTES, len(data))):
        if _adds(before, data[at : at + 1]):
            last = at
    return len(data) - 1 - last


def _adds(stream: Any, piece: bytes) -> bool:
    """Feed a piece of a stream; return whether it adds to the content, which is discarded."""
    adds = False
    while piece and not stream.eof:
        adds |= bool(stream.decompress(piece, _PIECE_BYTES))
        piece = stream.unconsumed_tail
    return adds
