"""Writing so that nothing is lost or half-written: a temporary file, fsync, rename, fsync of the folder."""

import contextlib
import errno
import os
import shutil
from pathlib import Path

_SUFFIX = ".partial"


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path`: either all of it is there afterwards, or what was there before.

    Raises OSError with one clear line; when the disk is full it says how much is needed and how much is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free_bytes = shutil.disk_usage(path.parent).free
            message = f"disk full: {path} needs {len(data):,} bytes, {free_bytes:,} are free; what was there is intact"
            raise OSError(error.errno, message) from None
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep_partial(folder: Path) -> None:
    """Remove temporary files whose writer is gone."""
    for partial in folder.glob(f".*{_SUFFIX}"):
        pid = partial.name.removesuffix(_SUFFIX).rpartition(".")[2]
        if pid.isdecimal() and not _is_alive(int(pid)):
            partial.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
