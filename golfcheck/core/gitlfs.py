"""Git LFS pointers: the few lines that a clone without Git LFS has in place of a large file."""

import re

POINTER_BYTES = 1024  # a pointer is shorter, as the specification of Git LFS says
_VERSION = b"version https://git-lfs.github.com/spec/"
_SIZE = re.compile(rb"^size ([0-9]{1,15})$", re.MULTILINE)


def pointer(beginning: bytes) -> str:
    """Say that a file which begins so is a Git LFS pointer, and how to get the file itself; "" if it is none."""
    if not beginning.startswith(_VERSION):
        return ""
    match = _SIZE.search(beginning[:POINTER_BYTES])
    size = f" ({int(match[1]):,} bytes)" if match else ""
    return f"a Git LFS pointer, not the file itself{size}: git lfs pull"
