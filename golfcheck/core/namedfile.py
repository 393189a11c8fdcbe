"""Open a file that the user named, without blocking: a pipe or a device gives a one-line error instead of a hang."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from golfcheck.core.errors import UsageError


def open_named(path: Path, expected: str) -> BinaryIO:
    """Open a regular file for reading; a link is followed. UsageError, with what was `expected`, for anything else."""
    try:
        # O_NONBLOCK: opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: {reason}; expected {expected}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f"{path}: not a regular file; expected {expected}")
    return os.fdopen(descriptor, "rb")


def read_named(path: Path, limit_bytes: int, expected: str) -> bytes:
    """Return a regular file's bytes; UsageError, with what was `expected`, for anything else and beyond the limit."""
    with open_named(path, expected) as file:
        try:
            data = file.read(limit_bytes + 1)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}; expected {expected}") from None
    if len(data) > limit_bytes:
        raise UsageError(f"{path}: more than {limit_bytes:,} bytes; expected {expected}")
    return data
