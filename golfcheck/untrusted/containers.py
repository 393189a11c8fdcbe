"""Other formats for models, recognized by their first bytes: named, never read."""

import re

try:  # an extra; imported here because the confined child cannot open files later
    import brotli
except ImportError:
    brotli = None

from golfcheck.core.gitlfs import pointer

_MAGIC: list[tuple[bytes, str]] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz (lzma)"),
    (b"]\0\0", "lzma (alone)"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"BZh", "bzip2"),
    (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "a torch file from before 1.6 (legacy pickle)"),
    (b"PK\x03\x04", "a ZIP archive (from torch.save, without zlib?)"),
    (b"\x93NUMPY", "a numpy array"),
    (b"GGUF", "GGUF"),
    (b"\x7fELF", "an ELF executable"),
]
# Protocols 2 to 5 have a header; 0 and 1 begin with a memoized dict or list, or with the two lines of a global.
_PICKLE = re.compile(rb"\x80[\x02-\x05][(}\]c\x8c\x95KJMX]|\([dl]p[0-9]+\n|[}\]]q\0|c[A-Za-z_][\w.]*\n[A-Za-z_]\w*\n")
_HTML = re.compile(rb"\s*(?:<!--.{0,256}?-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_NPZ = re.compile(rb"PK\x03\x04.{26}[^/\0]{1,200}?\.npy", re.DOTALL)  # a ZIP whose first member is an array
_SAFETENSORS = re.compile(rb".{5}\0\0\0\{\s*\"", re.DOTALL)
_BROTLI_PROBE_BYTES = 1 << 16
_STORED_BYTES = 64


def name_of(data: bytes | bytearray | memoryview) -> str | None:
    """Return the name of the format that `data` seems to have, or None if it is unknown."""
    head = bytes(data[:512])
    if problem := pointer(head):
        return problem
    if _HTML.match(head):
        return "an HTML page, perhaps from a failed download"
    if _NPZ.match(head):
        return "a numpy archive (.npz)"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[257:262] == b"ustar":
        return "tar"
    if _SAFETENSORS.match(head):
        return "safetensors"
    if _PICKLE.match(head):
        return "a raw pickle"
    if is_zlib(head):
        return "zlib"
    return "brotli" if _is_brotli(bytes(data[:_BROTLI_PROBE_BYTES])) else None


def is_zlib(head: bytes) -> bool:
    """Return whether `head` begins with the two bytes of a zlib stream without preset dictionary (RFC 1950)."""
    return len(head) >= 2 and head[0] & 0x0F == 8 and not head[1] & 0x20 and (head[0] << 8 | head[1]) % 31 == 0


def _is_brotli(head: bytes) -> bool:
    """Return whether `head` decompresses as brotli, which has no magic number; False without the package."""
    if brotli is None:
        return False
    try:
        # Bounded, and only in the child; most noise that is not brotli fails within a few bytes.
        out: bytes = brotli.Decompressor().process(head, output_buffer_limit=_BROTLI_PROBE_BYTES)
    except brotli.error:
        return False
    # It may return half of the requested bytes, and a twentieth of all noise looks like a stored block.
    return len(out) > len(head) // 4 and out[:_STORED_BYTES] not in head
