"""A process that has loaded torch and forks for each run of the trainer: loading it costs more than a small run.

`python forks.py` reads a request a line (JSON: argv, env, cwd, output, record) and answers with the exit code. Each run
is a process of its own, begun as `python train.py` is: only torch, numpy and sentencepiece are there already.
"""

import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


def serve() -> None:
    """Fork for each request."""
    import numpy  # noqa: F401
    import sentencepiece  # noqa: F401
    import torch.distributed  # noqa: F401

    for text in sys.stdin:
        request = json.loads(text)
        ranks = {os.fork() or run(request, rank) for rank in range(request["ranks"])}
        code = 0
        while ranks:
            pid, status = os.wait()
            ranks.discard(pid)
            if status and not code:
                code = os.waitstatus_to_exitcode(status)
                for other in ranks:  # as torchrun does
                    os.kill(other, signal.SIGKILL)
        print(code, flush=True)


def run(request: dict[str, Any], rank: int) -> NoReturn:
    """Become a rank of the run that was asked for."""
    with open(request["output"], "ab") as output:  # noqa: PTH123 - a descriptor is needed
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(request["env"])
    if request["ranks"] > 1:  # what torchrun sets
        size = str(request["ranks"])
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(request["port"])}
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    if not request["record"]:
        sys.modules["golfcheck"] = None  # type: ignore[assignment] # as where it is not installed
    code = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    os._exit(code)


class Forks:
    """The serving process, started at the first run and ended with the tests."""

    def __init__(self) -> None:
        self.server: subprocess.Popen[str] | None = None

    def run(
        self, argv: Sequence[str], env: Mapping[str, str], out: Path, *, ranks: int, record: bool, seconds: float
    ) -> tuple[int, str]:
        """Run `python argv` to its end in the folder `out`; return its exit code and what it printed."""
        if self.server is None:
            clean = {name: value for name, value in env.items() if name in ("PATH", "HOME", "LANG", "OMP_NUM_THREADS")}
            line = [sys.executable, __file__]
            self.server = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean)
        assert self.server.stdin
        assert self.server.stdout
        output = out / "output.txt"
        request = {"argv": list(argv), "env": dict(env), "cwd": str(out), "output": str(output), "record": record}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            request |= {"ranks": ranks, "port": free.getsockname()[1]}
        limit = threading.Timer(seconds, self.server.kill)
        limit.start()
        try:
            self.server.stdin.write(json.dumps(request) + "\n")
            self.server.stdin.flush()
            code = int(self.server.stdout.readline())
        finally:
            limit.cancel()
        text = output.read_text()
        output.unlink()
        return code, text

    def end(self) -> None:
        """End the serving process."""
        if self.server is not None:
            assert self.server.stdin
            assert self.server.stdout
            self.server.stdin.close()
            self.server.wait()
            self.server.stdout.close()


if __name__ == "__main__":
    serve()
