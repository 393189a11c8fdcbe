"""Git LFS pointers: the short text file that a clone without Git LFS has instead of a large file."""

import re

POINTER_BYTES = 1024  # a pointer is shorter, according to the specification of Git LFS
_VERSION = b"version https://git-lfs.github.com/spec/"
_SIZE = re.compile(rb"^size ([0-9]{1,15})$", re.MULTILINE)


def pointer(beginning: bytes) -> str:
    """Return a message if a file begins like a Git LFS pointer, with the command that gets the file; else ""."""
    if not beginning.startswith(_VERSION):
        return ""
    match = _SIZE.search(beginning[:POINTER_BYTES])
    size = f" ({int(match[1]):,} bytes)" if match else ""
    return f"a Git LFS pointer, not the file itself{size}: git lfs pull"
