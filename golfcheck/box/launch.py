"""The sandbox: bubblewrap's arguments, and whether it works on this machine.

A box contains Python with its packages and the system's libraries, read-only, and copies of the submission's files. It
has no network, no other processes, no inherited environment and none of the user's files. Only a small /tmp is
writable, and it disappears with the box.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from golfcheck.core.errors import GolfcheckError

FOLDER, OURS = "/submission", "/box"  # in the box: the submission's files, and serve.py and kernel.py
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "usr")
_LOADER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
_CPUS = "/sys/devices/system/cpu"  # PyTorch's libraries read the CPU's features from it
_PACKAGES = ("site-packages", "dist-packages")
_VENV = ("bin", "lib", "lib64", "pyvenv.cfg")
_TRY_SECONDS = 20
# A box's environment variables. The last two make glibc reuse freed memory for the next call, as in the judge's own
# evaluation (rescore/devices.py).
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "USER": "box",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",  # for numpy; the judge sets torch's threads
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
HOW_TO_GET = "sudo apt install bubblewrap (Debian, Ubuntu) or sudo dnf install bubblewrap (Fedora)"


class NoSandbox(GolfcheckError):
    """The sandbox does not work here; the message says why, and what to do."""


@cache
def sandbox() -> str:
    """Return the sandbox's name and version, such as `bubblewrap 0.8.0`; raise NoSandbox if it does not work here."""
    if sys.platform != "linux":
        raise NoSandbox(f"there is no sandbox for {sys.platform}: bubblewrap needs Linux; run this in a Linux machine")
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandbox(f"bubblewrap is not installed: {HOW_TO_GET}")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    trial = [program, *_namespaces(), *_machine(Path(sys.executable)), "--", sys.executable, "-I", "-c", "pass"]
    result = subprocess.run(trial, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    if result.returncode != 0:
        cause = " ".join(result.stderr.split())[:200] or f"exit code {result.returncode}"
        raise NoSandbox(
            f"bubblewrap is installed but refused here ({cause}): allow user namespaces, in a container with "
            "--security-opt seccomp=unconfined, else sysctl kernel.unprivileged_userns_clone=1"
        )
    return version.stdout.strip()


def command(
    files: Sequence[tuple[str, int]], calls: int | None, hidden: Sequence[Path], *, device: str, scratch_bytes: int
) -> list[str]:
    """Return the bubblewrap command up to the program that it runs.

    `files` are pairs of a path in the box and an open descriptor with its contents, `calls` is a descriptor of the
    seccomp program, and `hidden` are folders whose contents must not be visible in the box.
    """
    program = shutil.which("bwrap")
    assert program is not None, "call sandbox() first"
    arguments = [program, *_namespaces(), "--clearenv"]
    if calls is not None:
        arguments += ["--seccomp", str(calls)]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    # Before the machine's folders: mounted later, it would hide a Python that is installed below /tmp.
    arguments += ["--size", str(scratch_bytes), "--tmpfs", "/tmp"]
    arguments += _machine(Path(sys.executable), hidden)
    if device.startswith("cuda"):
        arguments += ["--ro-bind", "/sys", "/sys"]
        for node in sorted(Path("/dev").glob("nvidia*")):
            arguments += ["--dev-bind", str(node), str(node)]
    for path, descriptor in files:
        arguments += ["--perms", "0444", "--file", str(descriptor), path]
    # Last: /dev and / are in-memory file systems as well, and by default may fill half of the machine's memory.
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _namespaces() -> list[str]:
    # --as-pid-1: otherwise bubblewrap's own process 1, which has no system call filter, would run in the box, where the
    # predictor could write to its memory.
    ours = ["--unshare-user", "--disable-userns", "--unshare-all", "--as-pid-1", "--cap-drop", "ALL"]
    return [*ours, "--uid", "65534", "--gid", "65534", "--hostname", "box", "--new-session", "--die-with-parent"]


def _machine(python: Path, hidden: Sequence[Path] = ()) -> list[str]:
    """Return the arguments that mount Python, its packages and the system's libraries, all of them read-only."""
    arguments = []
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for name in _LOADER:
        arguments += ["--ro-bind-try", name, name]
    mounted = list(dict.fromkeys(path for path in _python(python) if not path.is_relative_to("/usr")))
    for path in mounted:
        arguments += ["--ro-bind", str(path), str(path)]
    for path in hidden:
        real = path.resolve()
        if any(real.is_relative_to(root) for root in (*mounted, Path("/usr"))):
            arguments += ["--tmpfs", str(real), "--remount-ro", str(real)]
    return [*arguments, "--proc", "/proc", "--dev", "/dev", "--ro-bind-try", _CPUS, _CPUS]


def _python(python: Path) -> Iterator[Path]:
    """Yield the folders that this interpreter needs: its installation, virtual environment and package folders."""
    yield Path(sys.base_prefix)
    yield Path(sys.base_prefix).resolve()
    real = python.resolve()
    if not real.is_relative_to(Path(sys.base_prefix).resolve()):
        yield real
    if sys.prefix != sys.base_prefix:
        yield from (path for name in _VENV if (path := Path(sys.prefix, name)).exists())
    for entry in sys.path:
        path = Path(entry)
        if path.name in _PACKAGES and path.is_dir():
            yield path


@contextmanager
def copies(files: Sequence[tuple[str, bytes]]) -> Iterator[list[tuple[str, int]]]:
    """Yield (name, descriptor) for each file: an in-memory copy, positioned at its beginning and open inside `with`."""
    with ExitStack() as stack:
        opened = []
        for name, data in files:
            file = stack.enter_context(os.fdopen(os.memfd_create("file"), "wb"))
            file.write(data)
            file.seek(0)  # this also flushes the write buffer
            opened.append((name, file.fileno()))
        yield opened
