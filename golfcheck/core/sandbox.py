"""The sandbox of every child process that reads untrusted bytes: how it is started, and what it gives up first.

A parser can be wrong, ours as well as one in C++. So parsing happens in a child that has opened what it will read,
then calls `confine`, and from there on can open no file and no socket, start no process, and use only so much memory
and time. Its death is a finding about the file, never a crash of golfcheck.
"""

import contextlib
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main()"
_CLONE_NEWUSER = 0x1000_0000  # linux/sched.h
_CLONE_NEWNET = 0x4000_0000


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What the system lets a confined process spend."""

    address_space_bytes: int
    cpu_seconds: int
    complaint_bytes: int = 0  # largest file that it may still write: what stderr goes to, where that is a file


def command(module: str, *arguments: str, isolated: bool = True) -> list[str]:
    """Return the command line that runs `main()` of a module of ours; its arguments are sys.argv[2:].

    Nothing of the user's current folder is imported. An `isolated` child has the standard library alone; one that needs
    installed packages is not, since these may lie in the user's own site folder.
    """
    return [sys.executable, "-I" if isolated else "-P", "-c", _START.format(module=module), str(_ROOT), *arguments]


def confine(limits: SandboxLimits) -> None:
    """Give up, for ever: more memory and time than the limits, new files, sockets and processes, and the network.

    What was opened and imported before stays usable. What the system does not offer is left out: the parsing does not
    rely on it, this is the second wall.
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
            "RLIMIT_NOFILE": 0,  # no descriptor beyond those that are open: neither file nor socket nor pipe
        }
        for name, bound in bounds.items():
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (bound, bound))
        # The first bound sends SIGXCPU, by which the parent knows it; at the second one the system kills.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))


def limit_memory(address_space_bytes: int) -> None:
    """Bound the addresses of this process, which keeps its files and may start others; they inherit the bound."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = address_space_bytes if hard == resource.RLIM_INFINITY else min(address_space_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))


def is_out_of_time(returncode: int) -> bool:
    """Tell whether the system ended a confined process for its processor time."""
    return returncode == -getattr(signal, "SIGXCPU", 0)


def manner(returncode: int) -> str:
    """Return how a process ended, to stand behind "the process that read it": "died of SIGSEGV"."""
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    with contextlib.suppress(ValueError):
        return f"died of {signal.Signals(-returncode).name}"
    return f"died of signal {-returncode}"
