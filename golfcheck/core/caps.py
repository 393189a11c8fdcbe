"""Limits on this process while it talks to an untrusted server: the size of its files, and its memory."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def files_up_to(size_bytes: int) -> Iterator[None]:
    """Fail writes beyond a file size with EFBIG, whatever a server goes on to send."""
    with _lowered(resource.RLIMIT_FSIZE, size_bytes):
        yield


@contextlib.contextmanager
def extra_memory_up_to(size_bytes: int) -> Iterator[None]:
    """Let this process allocate this many more bytes; beyond that, MemoryError is raised (only on Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        yield
        return
    with _lowered(resource.RLIMIT_AS, pages * resource.getpagesize() + size_bytes):
        yield


@contextlib.contextmanager
def _lowered(kind: int, value: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    lower = [limit for limit in (soft, hard, value) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(kind, (min(lower), hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))
