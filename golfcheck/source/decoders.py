"""The decoders that packed sources use, within limits: their output is data, and never exceeds the budget."""

import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from golfcheck.core.work import FAILED_BYTE_US, TOO_COSTLY, UNPACKED_BYTE_US, Work

MAX_UNPACKED_BYTES = 16 * 2**20  # of one value; a source has at most 2 MiB
_LZMA_MEMORY_BYTES = 128 * 2**20  # preset 9 takes 65 MiB to decode
_MAX_DICT_BYTES = 64 * 2**20


class OpaqueError(Exception):
    """The value of an expression is unknown without running it, or beyond the limits; the message says which."""


@dataclass(frozen=True, slots=True)
class PayloadDecoder:
    """A function that packed sources call: its name in a wrapper's description, and an implementation within limits."""

    label: str
    run: Callable[..., str | bytes]  # run(limit_bytes, *values, **named)


def apply(decoder: PayloadDecoder, work: Work, values: list[Any], named: dict[str, Any]) -> Any:
    """Decode; the result is never longer than MAX_UNPACKED_BYTES or than the remaining budget. Raises OpaqueError."""
    limit = int(min(MAX_UNPACKED_BYTES, max(work.left_us, 0) / UNPACKED_BYTE_US))
    try:
        value = guarded(decoder.run, limit + 1, *values, **named)
    except OpaqueError:
        work.spend(limit, FAILED_BYTE_US)  # it may have produced that much before it failed
        raise
    return paid(value, work)


def paid(value: Any, work: Work) -> Any:
    """Return decoded text or bytes after charging for them. Raises OpaqueError if it is too much."""
    if not work.spend(len(value), UNPACKED_BYTE_US):
        raise OpaqueError(TOO_COSTLY)
    if len(value) > MAX_UNPACKED_BYTES:
        raise OpaqueError(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    return value


def guarded(run: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Call a decoder or a method on unchecked data. Raises OpaqueError whatever goes wrong."""
    try:
        return run(*values, **named)
    except OpaqueError:
        raise
    except MemoryError:
        raise OpaqueError("takes too much memory") from None
    except (ValueError, TypeError, LookupError, EOFError, AttributeError, ArithmeticError) as error:
        raise OpaqueError(f"cannot be decoded: {error}") from None
    except (zlib.error, lzma.LZMAError, OSError) as error:
        raise OpaqueError(f"cannot be decoded: {error}") from None


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode("ascii")
    if not isinstance(data, bytes):
        raise OpaqueError("a decoder was not given bytes")
    return data


def _whole(result: bytes, limit: int, is_end: bool) -> bytes:
    """Refuse a truncated stream, as Python's own functions do."""
    if not is_end and len(result) < limit:
        raise OpaqueError("cannot be decoded: the data is truncated")
    return result


def _inflate(limit: int, data: Any, wbits: int = zlib.MAX_WBITS, bufsize: int = 0) -> bytes:
    decompressor = zlib.decompressobj(wbits)
    return _whole(decompressor.decompress(_bytes(data), limit), limit, decompressor.eof)


def _gunzip(limit: int, data: Any) -> bytes:
    return _inflate(limit, data, 31)


def _bunzip(limit: int, data: Any) -> bytes:
    decompressor = bz2.BZ2Decompressor()
    return _whole(decompressor.decompress(_bytes(data), limit), limit, decompressor.eof)


def _unlzma(limit: int, data: Any, format: int = lzma.FORMAT_AUTO, memlimit: Any = None, filters: Any = None) -> bytes:
    if format == lzma.FORMAT_RAW:
        decompressor = lzma.LZMADecompressor(format, None, [_filter(item) for item in filters or ()])
    else:
        decompressor = lzma.LZMADecompressor(format, _LZMA_MEMORY_BYTES)
    result = decompressor.decompress(_bytes(data), limit)
    return _whole(result, limit, decompressor.eof or format == lzma.FORMAT_RAW)  # raw LZMA1 has no end marker


def _filter(item: Any) -> dict[str, int]:
    """Return a filter that does not need much memory (a raw stream has no other limit)."""
    if not isinstance(item, dict) or not all(isinstance(value, int) for value in item.values()):
        raise OpaqueError("an invalid filter")
    if item.get("dict_size", 0) > _MAX_DICT_BYTES:
        raise OpaqueError(f"an LZMA dictionary of more than {_MAX_DICT_BYTES:,} bytes")
    return item


def _unbrotli(limit: int, data: Any) -> bytes:
    try:
        import brotli  # an extra, and only for sources packed with it
    except ImportError:
        raise OpaqueError("brotli is needed to read it: pip install 'golfcheck[formats]'") from None
    decompressor = brotli.Decompressor()
    try:
        result: bytes = decompressor.process(_bytes(data), output_buffer_limit=limit)
    except brotli.error as error:
        raise OpaqueError(f"cannot be decoded: {error}") from None
    return _whole(result, limit, decompressor.is_finished())


def _unzstd(limit: int, data: Any) -> bytes:
    try:
        import zstandard  # an extra, and only for sources packed with it
    except ImportError:
        raise OpaqueError("zstandard is needed to read it: pip install 'golfcheck[formats]'") from None
    try:
        with zstandard.ZstdDecompressor(max_window_size=_MAX_DICT_BYTES).stream_reader(_bytes(data)) as reader:
            result: bytes = reader.read(limit)
    except zstandard.ZstdError as error:
        raise OpaqueError(f"cannot be decoded: {error}") from None
    return result


def _decoding(function: Callable[..., bytes]) -> Callable[..., bytes]:
    """Make a decoder from one whose result is never longer than its input."""
    return lambda limit, data, *values, **named: function(_bytes(data), *values, **named)


_LZMA = PayloadDecoder("lzma", _unlzma)
_ZSTD = PayloadDecoder("zstd", _unzstd)
BY_NAME: dict[str, PayloadDecoder] = {
    "lzma.decompress": _LZMA,
    "zlib.decompress": PayloadDecoder("zlib", _inflate),
    "gzip.decompress": PayloadDecoder("gzip", _gunzip),
    "bz2.decompress": PayloadDecoder("bz2", _bunzip),
    "brotli.decompress": PayloadDecoder("brotli", _unbrotli),
    "zstandard.decompress": _ZSTD,
    "compression.zstd.decompress": _ZSTD,
    "base64.b64decode": PayloadDecoder("base64", _decoding(base64.b64decode)),
    "base64.standard_b64decode": PayloadDecoder("base64", _decoding(base64.standard_b64decode)),
    "base64.urlsafe_b64decode": PayloadDecoder("base64", _decoding(base64.urlsafe_b64decode)),
    "base64.decodebytes": PayloadDecoder("base64", _decoding(base64.decodebytes)),
    "binascii.a2b_base64": PayloadDecoder("base64", _decoding(binascii.a2b_base64)),
    "base64.b32decode": PayloadDecoder("base32", _decoding(base64.b32decode)),
    "base64.b85decode": PayloadDecoder("base85", _decoding(base64.b85decode)),
    "base64.a85decode": PayloadDecoder("ascii85", _decoding(base64.a85decode)),
    "base64.b16decode": PayloadDecoder("hex", _decoding(base64.b16decode)),
    "binascii.unhexlify": PayloadDecoder("hex", _decoding(binascii.unhexlify)),
    "bytes.fromhex": PayloadDecoder("hex", _decoding(lambda data: bytes.fromhex(data.decode()))),
}


def _joined(glue: Any, parts: Any) -> Any:
    if sum(len(part) for part in parts) + len(glue) * len(parts) > MAX_UNPACKED_BYTES:
        raise OpaqueError(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    return glue.join(parts)


def _replaced(text: Any, old: Any, new: Any) -> Any:
    if text.count(old) * max(len(new) - len(old), 0) > MAX_UNPACKED_BYTES:
        raise OpaqueError(f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    return text.replace(old, new)


def _encoded(text: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    return text.encode(_text_encoding(encoding), errors)


def _decoded(data: Any, encoding: str = "utf-8", errors: str = "strict") -> Any:
    return data.decode(_text_encoding(encoding), errors)


def _text_encoding(name: str) -> str:
    """Accept only text encodings, and none that Python would have to search for."""
    plain = name.lower().replace("_", "-")
    if plain not in ("utf-8", "utf8", "ascii", "latin-1", "latin1", "iso-8859-1", "utf-16", "utf-16-le"):
        raise OpaqueError(f"the encoding {name[:40]}")
    return plain


METHODS: dict[str, Callable[..., Any]] = {
    "decode": _decoded,
    "encode": _encoded,
    "join": _joined,
    "replace": _replaced,
    "strip": lambda text, *chars: text.strip(*chars),
}
CONSTANTS: dict[str, int] = {
    f"lzma.{name}": getattr(lzma, name)
    for name in dir(lzma)
    if name.startswith(("FORMAT_", "FILTER_", "CHECK_", "PRESET_", "MF_", "MODE_"))
} | {"zlib.MAX_WBITS": zlib.MAX_WBITS}
