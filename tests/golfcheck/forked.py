"""Forks of the test's process, in which torch is imported already; a new process would need seconds for that."""

import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tests.clock import HANG_SECONDS


@dataclass(frozen=True)
class Done:
    """How a process ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


class Forked:
    """A copy of this process that leads a session of its own and ends with the exit code that `call` returns."""

    def __init__(self, call: Callable[[], int], cwd: Path, env: Mapping[str, str] | None = None) -> None:
        self._files = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115 - closed when it is done
        self._code: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = 70
            try:
                os.setsid()
                os.chdir(cwd)
                os.environ.update(env or {})
                signal.signal(signal.SIGINT, signal.default_int_handler)
                for number, file in enumerate(self._files, 1):
                    os.dup2(file.fileno(), number)
                sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
                torch.set_num_threads(1)
                code = call()
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def done(self) -> Done:
        """Wait until it ends; one that does not within `HANG_SECONDS` is killed."""
        deadline = time.monotonic() + HANG_SECONDS
        while self.poll() is None:
            if time.monotonic() > deadline:
                os.killpg(self.pid, signal.SIGKILL)
            time.sleep(0.01)
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        assert self._code is not None
        return Done(self._code, *texts)


def ranks(call: Callable[[], int], world_size: int, cwd: Path) -> list[Done]:
    """Run `call` in several processes, with the environment variables that torchrun sets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    job = {"WORLD_SIZE": str(world_size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    running = [Forked(call, cwd, job | {"RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(world_size)]
    return [process.done() for process in running]
