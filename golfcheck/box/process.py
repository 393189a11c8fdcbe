"""A box's process: start it, watch its output and its memory, and end it."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from golfcheck.box import launch, seccomp, serve
from golfcheck.box.boxlimits import BoxLimits
from golfcheck.core.numbers import memory_text

_LOOK_SECONDS = 0.1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LEAST_FREE = 0.03  # of the machine's memory: with less the box is ended, whatever is using the rest


class Process:
    """A box's process. `ended_for` says which limit made the watchdog end it; empty if it did not.

    The object is created before the process starts, so that `end` can be registered first: Ctrl-C may come anytime.
    """

    def __init__(self, limits: BoxLimits) -> None:
        self.limits, self.ended_for, self.peak_bytes = limits, "", 0
        self._printed, self._printed_bytes = bytearray(), 0
        self._folder: str | None = None  # of the submission, where there is no sandbox
        self.child: subprocess.Popen[bytes] = subprocess.Popen.__new__(subprocess.Popen)
        self._watchdog = threading.Thread(target=self._watch, daemon=True)

    def start(
        self, files: Sequence[tuple[str, bytes]], hidden: Sequence[Path], channel: socket.socket, *,
        device: str, sandboxed: bool, attention: Path | None,
    ) -> None:  # fmt: skip
        """Start the process with its end of the channel; call `end` afterward, even if this raises."""
        limits = self.limits
        rlimits = (
            0 if device.startswith("cuda") else limits.address_space_bytes,
            limits.file_bytes, limits.open_files, limits.processes,
        )  # fmt: skip
        script, folder, library, before = Path(serve.__file__), launch.FOLDER, str(attention or ""), list[str]()
        ours = [script, script.with_name("kernel.py"), *([attention] if attention else [])]
        with contextlib.ExitStack() as stack:
            descriptors = [channel.fileno()]
            if sandboxed:
                everything = [(f"{launch.FOLDER}/{name}", data) for name, data in files]
                everything += [(f"{launch.OURS}/{path.name}", path.read_bytes()) for path in ours]
                script = Path(launch.OURS, script.name)
                library = f"{launch.OURS}/{attention.name}" if attention else ""
                copies = stack.enter_context(launch.copies(everything))
                filters = [("", program)] if (program := seccomp.program(device)) else []
                calls = [descriptor for _, descriptor in stack.enter_context(launch.copies(filters))]
                descriptors += [*(descriptor for _, descriptor in copies), *calls]
                before = launch.command(
                    copies, next(iter(calls), None), hidden, device=device, scratch_bytes=limits.scratch_bytes
                )
            else:
                self._folder = folder = tempfile.mkdtemp(prefix="golfcheck-")
                _write(Path(folder), files)
            arguments = [str(channel.fileno()), folder, device, *map(str, rlimits), library]
            subprocess.Popen.__init__(
                self.child,
                [*before, sys.executable, "-Iu", str(script), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
                env=os.environ | launch.ENVIRONMENT if self._folder else {},
                start_new_session=True,  # Ctrl-C reaches only the judge, which then ends the box
            )
        self._watchdog.start()

    def end(self) -> None:
        """Kill all of the box's processes and wait; may be called again, also after an interrupted first call."""
        if getattr(self.child, "pid", None) is None:  # it never started
            self._clean()
            return
        if self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if self._folder:
                    os.killpg(self.child.pid, signal.SIGKILL)
                else:
                    for pid in (*_tree(self.child.pid), self.child.pid):
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
            self.child.wait()
        if self._watchdog.ident is not None:
            self._watchdog.join()
        if self.child.stdout is not None:
            self.child.stdout.close()
        self._clean()

    def wait_briefly(self) -> int | None:
        """Wait up to two seconds for the process to exit by itself; return its exit code, or None if it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self.child.wait(timeout=2.0)
            self._watchdog.join(timeout=2.0)
            return code
        return None

    def last_line(self) -> str:
        """Return the last line that it printed, which is untrusted text; "" if there is none."""
        lines = bytes(self._printed).decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _clean(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _watch(self) -> None:
        """Read its output and check its limits until it ends."""
        assert self.child.stdout is not None
        output = self.child.stdout.fileno()
        while True:
            ready, _, _ = select.select([output], [], [], _LOOK_SECONDS)
            if ready:
                piece = os.read(output, 1 << 16)
                self._printed_bytes += len(piece)
                self._printed = (self._printed + piece)[-self.limits.output_bytes :]
                if not piece:
                    return
            elif self.child.poll() is not None:
                return
            if not self.ended_for and (reason := self._exceeded()):
                self.ended_for = reason
                self.child.kill()

    def _exceeded(self) -> str:
        """Return which limit is exceeded, as a message; "" if none is."""
        limits = self.limits
        if self._printed_bytes > limits.flood_bytes:
            return f"it printed more than {memory_text(limits.flood_bytes)}"
        pids = [*([self.child.pid] if self._folder else []), *_tree(self.child.pid)]  # with a sandbox, child is bwrap
        if sum(map(_threads, pids)) > limits.threads:
            return f"it has more than {limits.threads} threads"
        resident = sum(map(_resident_bytes, pids))
        self.peak_bytes = max(self.peak_bytes, resident)
        if resident > limits.resident_bytes:
            limit = memory_text(limits.resident_bytes)
            return f"it takes more than {limit} of memory; --box-memory GIB allows more"
        return "this machine has hardly any memory left" if _free_share() < _LEAST_FREE else ""


def _write(folder: Path, files: Sequence[tuple[str, bytes]]) -> None:
    for name, data in files:
        path = Path(folder, *PurePosixPath(name).parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _tree(pid: int) -> list[int]:
    """Return all descendants of a process."""
    descendants = list[int]()
    todo = [pid]
    while todo:
        children = list[int]()
        with contextlib.suppress(OSError):
            for task in Path("/proc", str(todo.pop()), "task").iterdir():
                with contextlib.suppress(OSError):
                    children += map(int, (task / "children").read_text().split())
        descendants += children
        todo += children
    return descendants


def _threads(pid: int) -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path("/proc", str(pid), "task").iterdir())
    return 0


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path("/proc", str(pid), "statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def _free_share() -> float:
    with contextlib.suppress(OSError, KeyError, ValueError, ZeroDivisionError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        facts = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return facts["MemAvailable"] / facts["MemTotal"]
    return 1.0
