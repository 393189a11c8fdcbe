"""Writing so that nothing is lost or half-written: a temporary file, fsync, rename, fsync of the folder."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
from pathlib import Path

_SUFFIX = ".partial"
_NAME_CHARS = 40  # of the file's name in the temporary one: a name has 255 bytes at most


class Outputs:
    """Where the files of a run are, under `out`; a run of several seeds names its models by them."""

    def __init__(self, out: str, run_id: str, seed: int | None) -> None:
        stem = "final_model" if seed is None else f"final_model_seed{seed}"
        self.folder = Path(out)
        self.log = self.folder / "logs" / f"{run_id}.txt"
        self.checkpoint = self.folder / "checkpoint.pt"
        self.model = self.folder / f"{stem}.pt"
        self.artifact = self.folder / f"{stem}.int8.ptz"


def lock(folder: Path) -> int:
    """Take a folder for this process, until it ends; ValueError where another run of the trainer has it.

    Two runs in one folder would write one log, and score each other's artifacts. Keep the descriptor that is returned.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"another run writes to {folder.resolve()}: give this one its own --out") from None
    except OSError:  # a file system without locks
        pass
    return descriptor


def write_atomic(path: Path, data: bytes) -> None:
    """Write all of `data` to `path`, or leave what was there; OSError says what a full disk needs and has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody can guess, made by us or not at all: a folder of somebody else's may be full of links.
    partial = path.with_name(f".{path.name[:_NAME_CHARS]}.{secrets.token_hex(8)}.{os.getpid()}{_SUFFIX}")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # on the disk, and not in a cache, before it takes the name
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        free_bytes = shutil.disk_usage(path.parent).free
        problem = "disk full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror
        message = f"{path}: {problem}: {len(data):,} bytes needed, {free_bytes:,} free; what was there is intact"
        raise OSError(error.errno, message) from None
    with contextlib.suppress(OSError):  # some systems cannot sync a folder: then a power cut may undo the rename
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def sweep_partial(folder: Path) -> None:
    """Remove what a writer that was killed left behind."""
    for partial in folder.glob(f".*.[0-9]*{_SUFFIX}"):
        pid = partial.name.removesuffix(_SUFFIX).rpartition(".")[2]
        if partial.is_file() and not Path("/proc", pid).exists():
            partial.unlink(missing_ok=True)
