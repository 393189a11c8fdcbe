"""The sandbox for child processes that parse untrusted bytes.

Any parser can have bugs, in Python or in C++. So parsing happens in a child process that opens its input and then calls
`confine`. From then on it cannot open files or sockets or start processes, and its memory and time are limited. If it
dies, that is a finding about the file, not a crash of golfcheck.
"""

import contextlib
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main()"
_CLONE_NEWUSER = 0x1000_0000  # linux/sched.h
_CLONE_NEWNET = 0x4000_0000


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """The resources that a confined process may use."""

    address_space_bytes: int
    cpu_seconds: int
    complaint_bytes: int = 0  # maximum size of a file that it writes, which can only be stderr


def command(module: str, *arguments: str, isolated: bool = True) -> list[str]:
    """Return the command line that runs `main()` of one of our modules; its arguments are in sys.argv[2:].

    Nothing is imported from the current directory. An `isolated` child has only the standard library; a child that
    needs installed packages cannot be isolated, because they may be in the user's site directory.
    """
    return [sys.executable, "-I" if isolated else "-P", "-c", _START.format(module=module), str(_ROOT), *arguments]


def confine(limits: SandboxLimits) -> None:
    """Permanently give up the network, new files, sockets and processes, and memory and time beyond the limits.

    Files and modules that are already open or imported stay usable. Restrictions that the system does not support are
    skipped: this is the second line of defense, and the parser does not rely on it.
    """
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    with contextlib.suppress(ImportError):
        import resource

        bounds = {
            "RLIMIT_AS": limits.address_space_bytes,
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": limits.complaint_bytes,
            "RLIMIT_NPROC": 0,
            "RLIMIT_NOFILE": 0,  # no further descriptors: no files, sockets or pipes
        }
        for name, bound in bounds.items():
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (bound, bound))
        # The soft limit sends SIGXCPU, which the parent recognizes; the hard limit kills.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def allow_open_files() -> None:
    """Allow this process as many open files as the system does: before it is confined, a child opens all its files."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def started(module: str, request: object, complaints: IO[bytes]) -> "Iterator[subprocess.Popen[bytes]]":
    """Start `main()` of one of our modules that needs installed packages, and kill it at the end of the block.

    It reads `request` as JSON from stdin, and its stderr goes to the file `complaints`.
    """
    import json
    import os
    import subprocess

    with subprocess.Popen(
        command(module, isolated=False),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    ) as child:
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError), child.stdin as stdin:  # it died: its exit code says how
                stdin.write(json.dumps(request).encode())
            yield child
        finally:
            child.kill()


def last_complaint(complaints: IO[bytes]) -> str:
    """Return the last line that a child wrote to its file of complaints."""
    complaints.seek(0)
    return complaints.read().decode(errors="replace").strip().rpartition("\n")[2]


def limit_memory(address_space_bytes: int) -> None:
    """Limit the address space of this process and its children, and nothing else."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = address_space_bytes if hard == resource.RLIM_INFINITY else min(address_space_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def is_out_of_time(returncode: int) -> bool:
    """Return whether a confined process was ended because it ran out of CPU time."""
    return returncode == -getattr(signal, "SIGXCPU", 0)


def manner(returncode: int) -> str:
    """Return how a process ended, as in "the process that read it" + "died of SIGSEGV"."""
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    with contextlib.suppress(ValueError):
        return f"died of {signal.Signals(-returncode).name}"
    return f"died of signal {-returncode}"
