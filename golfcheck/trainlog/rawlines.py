"""The bytes of a log → lines, handling UTF-16, CRLF, prefixes of a supervisor, and lost newlines."""

import codecs
import re
from collections.abc import Iterator

from golfcheck.trainlog.events import Fact

MAX_LOG_BYTES = 64 * 2**20  # docs/limits.md
PIECE_CHARS = 16 * 2**10  # how much of a line is read at a time (docs/limits.md)
_PAGE_BYTES = 2**20
FOLDED_CHARS = 1024  # a line this long may be a whole log whose newlines were lost

_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF8, "utf-8"))

# `1776142348.135 `, `2026-04-05T20:00:43.1Z `, `[2026-04-05 20:00:43,123] `, `[rank0]: `.
_PREFIX = re.compile(
    r"(?:[0-9]{10}(?:\.[0-9]{1,9})? "
    r"|\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z?\]? "
    r"|\[(?:default|rank)?[0-9]{1,4}\]:? ?)"
)
# What a log line can begin with: a folded log is cut here, but not inside a name of several words.
_HEAD = re.compile(
    r"(?:^|(?<!diagnostic)(?<!DIAGNOSTIC)(?<!pre-quantization)(?:\s|\\n))(?="
    r"step:[0-9]{1,12}/[0-9]{1,12} (?:\[|(?:train_|val_)?loss:)"
    r"|[0-9]{1,12}/[0-9]{1,12} (?:train|val)_loss:"
    r"|(?:seed|world_size|model_params|params|val_loader|val_tokens|train_batch_tokens|warmup_step):"
    r"|(?:stopping_early|artifact|budget):"
    r"|(?:Code size|Serialized model|Total submission size|peak memory|temp_scaling)\b"
    r"|(?:(?:diagnostic|DIAGNOSTIC|pre-quantization) ){0,2}[A-Za-z_][A-Za-z0-9_+-]{0,60} val_loss:)"
)


def normalize(data: bytes) -> tuple[bytes, list[Fact[str]]]:
    """Return at most MAX_LOG_BYTES of the log, in UTF-8 and without carriage returns, and notes about it."""
    notes = []
    if len(data) > MAX_LOG_BYTES:
        data = data[:MAX_LOG_BYTES]
        notes.append(Fact(f"only the first {MAX_LOG_BYTES:,} bytes were read", 1))
    encoding = encoding_of(data)
    if encoding != "utf-8":
        data = _utf8(data, encoding)
        notes.append(Fact(encoding.upper(), 1))
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\r\n" in data[:_PAGE_BYTES]:
        data = data.replace(b"\r\n", b"\n")
        notes.append(Fact("lines end in CRLF", 1))
    if (nul := data.find(b"\0")) >= 0:
        notes.append(Fact("binary: contains NUL bytes", data.count(b"\n", 0, nul) + 1))
    return data, notes


def _utf8(data: bytes, encoding: str) -> bytes:
    """Return text of another encoding as UTF-8, converted page by page to limit memory (4 bytes per character)."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    pieces = (data[start : start + _PAGE_BYTES] for start in range(0, len(data), _PAGE_BYTES))
    text = bytearray()
    for piece in pieces:
        text += decoder.decode(piece).encode("utf-8", "replace")
    text += decoder.decode(b"", final=True).encode("utf-8", "replace")
    del text[MAX_LOG_BYTES:]
    return bytes(text)


def pages(data: bytes, start: int, end: int) -> Iterator[list[str]]:
    """Yield the lines of data[start:end] in pages; a line that fills a page continues in the next one."""
    while start < end:
        stop = min(start + _PAGE_BYTES, end)
        if stop < end:
            stop = data.rfind(b"\n", start, stop) + 1 or stop
        yield data[start:stop].decode("utf-8", "replace").split("\n")
        start = stop


def without_prefix(line: str) -> str | None:
    """Return the line without a supervisor's prefix, None if it has none."""
    match = _PREFIX.match(line)
    return line[match.end() :] if match else None


def unfolded(line: str) -> list[str]:
    """Split a long line where log lines begin, each part at most PIECE_CHARS long; a short line stays whole."""
    if len(line) <= FOLDED_CHARS:
        return [line]
    starts = [match.end() for match in _HEAD.finditer(line)]
    if len(starts) < 2:
        return [line[:PIECE_CHARS]]
    ends = [*starts[1:], len(line)]
    parts = [line[: starts[0]], *(line[begin:end] for begin, end in zip(starts, ends, strict=True))]
    return [part.removesuffix("\\n").strip()[:PIECE_CHARS] for part in parts]


def encoding_of(data: bytes) -> str:
    """Return the encoding of a log, from its byte order mark or from the zeros in its first 4 KiB."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    head = data[:4096]
    if len(head) >= 64 and head[1::2].count(0) > 0.9 * len(head) // 2:
        return "utf-16-le"
    if len(head) >= 64 and head[::2].count(0) > 0.9 * len(head) // 2:
        return "utf-16-be"
    return "utf-8"
