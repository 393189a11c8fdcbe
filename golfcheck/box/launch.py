"""The sandbox: the arguments of bubblewrap, and whether it works here.

In the box are Python with its packages and the system's libraries, read-only; the submission's files, copied, and
nothing else: no network, no other process, no environment, no file of the user. The only thing that can be written is
a small /tmp that ends with the box.
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

FOLDER, OURS = "/submission", "/box"  # in the box: the submission, and what asks it
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "usr")
_LOADER = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
_CPUS = "/sys/devices/system/cpu"  # which instructions there are: PyTorch's libraries look there
_PACKAGES = ("site-packages", "dist-packages")
_VENV = ("bin", "lib", "lib64", "pyvenv.cfg")
_TRY_SECONDS = 20
# The variables that exist in a box. The last two have glibc keep freed memory for the next call, as the judge's own
# evaluation does (rescore/devices.py).
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "USER": "box",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",  # of numpy; torch gets as many as the judge says
    "OMP_WAIT_POLICY": "PASSIVE",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}
HOW_TO_GET = "sudo apt install bubblewrap (Debian, Ubuntu) or sudo dnf install bubblewrap (Fedora)"


class NoSandbox(GolfcheckError):
    """There is no sandbox here; the text says why, and what to do."""


@cache
def sandbox() -> str:
    """Return the sandbox and its version, as `bubblewrap 0.8.0`; NoSandbox where it does not work here."""
    if sys.platform != "linux":
        raise NoSandbox(f"there is no sandbox for {sys.platform}: bubblewrap needs Linux; run this in a Linux machine")
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandbox(f"bubblewrap is not installed: {HOW_TO_GET}")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    trial = [program, *_namespaces(), *_machine(Path(sys.executable)), "--", sys.executable, "-I", "-c", "pass"]
    tried = subprocess.run(trial, capture_output=True, text=True, timeout=_TRY_SECONDS, check=False)
    if tried.returncode != 0:
        said = " ".join(tried.stderr.split())[:200] or f"exit code {tried.returncode}"
        raise NoSandbox(
            f"bubblewrap is installed but refused here ({said}): allow user namespaces, in a container with "
            "--security-opt seccomp=unconfined, else sysctl kernel.unprivileged_userns_clone=1"
        )
    return version.stdout.strip()


def command(
    files: Sequence[tuple[str, int]], calls: int | None, hidden: Sequence[Path], *, device: str, scratch_bytes: int
) -> list[str]:
    """Return bubblewrap's arguments up to the program: `files` are paths in the box and open descriptors.

    `calls` is a descriptor of seccomp's program. `hidden` are folders that must not exist in the box.
    """
    program = shutil.which("bwrap")
    assert program is not None, "sandbox() was not asked"
    arguments = [program, *_namespaces(), "--clearenv"]
    if calls is not None:
        arguments += ["--seccomp", str(calls)]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    # Before the machine's folders: a Python that is installed below /tmp would be hidden by it.
    arguments += ["--size", str(scratch_bytes), "--tmpfs", "/tmp"]
    arguments += _machine(Path(sys.executable), hidden)
    if device.startswith("cuda"):
        arguments += ["--ro-bind", "/sys", "/sys"]
        for node in sorted(Path("/dev").glob("nvidia*")):
            arguments += ["--dev-bind", str(node), str(node)]
    for path, descriptor in files:
        arguments += ["--perms", "0444", "--file", str(descriptor), path]
    # Last: /dev and / are file systems in memory, too, and would be as large as half of the machine's.
    return [*arguments, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _namespaces() -> list[str]:
    # As process 1: bubblewrap's own would stand beside it, without the filter of system calls, for it to write into.
    ours = ["--unshare-user", "--disable-userns", "--unshare-all", "--as-pid-1", "--cap-drop", "ALL"]
    return [*ours, "--uid", "65534", "--gid", "65534", "--hostname", "box", "--new-session", "--die-with-parent"]


def _machine(python: Path, hidden: Sequence[Path] = ()) -> list[str]:
    """Return the arguments that show Python, its packages and the system's libraries, all of it read-only."""
    arguments = []
    for name in _SYSTEM:
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    for name in _LOADER:
        arguments += ["--ro-bind-try", name, name]
    shown = list(dict.fromkeys(path for path in _python(python) if not path.is_relative_to("/usr")))
    for path in shown:
        arguments += ["--ro-bind", str(path), str(path)]
    for path in hidden:
        real = path.resolve()
        if any(real.is_relative_to(root) for root in (*shown, Path("/usr"))):
            arguments += ["--tmpfs", str(real), "--remount-ro", str(real)]
    return [*arguments, "--proc", "/proc", "--dev", "/dev", "--ro-bind-try", _CPUS, _CPUS]


def _python(python: Path) -> Iterator[Path]:
    """Yield what this interpreter is made of: its installation, its virtual environment, its folders of packages."""
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
    """Yield a descriptor in memory for each file's contents, at its beginning, as long as a `with` lasts."""
    with ExitStack() as stack:
        opened = []
        for name, data in files:
            file = stack.enter_context(os.fdopen(os.memfd_create("file"), "wb"))
            file.write(data)
            file.seek(0)  # and so that all of it is there
            opened.append((name, file.fileno()))
        yield opened
