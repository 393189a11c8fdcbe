"""Read text files one document at a time: plain text or JSON lines, in UTF-8."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from golfcheck.core.errors import UsageError
from golfcheck.core.namedfile import open_named

SEPARATOR = "<|endoftext|>"  # on its own line, as in other plain-text corpora
MAX_DOCUMENT_BYTES = 16 << 20


def read_documents(path: Path, opened: BinaryIO | None = None) -> Iterator[str]:
    """Yield the documents of a UTF-8 file, one at a time, without empty ones.

    `.jsonl`: the string under "text" of each line. Anything else: plain text, in which a line `<|endoftext|>` ends a
    document; a file without such a line is one document. `opened` is the file if it is open already. Raises UsageError
    with file and line.
    """
    lines = _lines(path, opened)
    documents = _json_documents(path, lines) if path.suffix == ".jsonl" else _text_documents(path, lines)
    return (text for text in documents if text)


def _lines(path: Path, opened: BinaryIO | None) -> Iterator[tuple[int, str]]:
    """Yield the number and text of each line, with its line end and without a byte order mark."""
    try:
        with opened or open_named(path, "a text file") as file:
            number = 0
            while line := file.readline(MAX_DOCUMENT_BYTES + 1):
                number += 1
                if len(line) > MAX_DOCUMENT_BYTES:
                    raise UsageError(f"{path}:{number}: a line of more than {MAX_DOCUMENT_BYTES:,} bytes")
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        where = f"byte 0x{error.object[error.start]:02x} at column {error.start + 1}"
        raise UsageError(f"{path}:{number}: not UTF-8: {where}; convert the file to UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _text_documents(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    parts: list[str] = []
    size_bytes = 0
    for number, line in lines:
        if line.rstrip("\r\n") == SEPARATOR:
            yield "".join(parts).removesuffix("\n")
            parts, size_bytes = [], 0
            continue
        parts.append(line)
        size_bytes += len(line.encode())
        if size_bytes > MAX_DOCUMENT_BYTES:
            raise UsageError(
                f"{path}:{number}: a document of more than {MAX_DOCUMENT_BYTES:,} bytes: "
                f"put a line {SEPARATOR} between documents"
            )
    yield "".join(parts).removesuffix("\n")


def _json_documents(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            text = json.loads(line)["text"]
            text.encode()  # a lone surrogate cannot be encoded
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise UsageError(
                f'{path}:{number}: expected a JSON object with its text as a string under "text"'
            ) from None
        yield text
