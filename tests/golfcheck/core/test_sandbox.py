"""The sandbox of child processes that read untrusted bytes: what it forbids, and that all of them use it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.core import sandbox
from golfcheck.core.sandbox import SandboxLimits
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT


def confined(statement: str, limits: SandboxLimits) -> subprocess.CompletedProcess[str]:
    code = (
        "import os, sys, socket, subprocess; sys.path.insert(0, sys.argv[1])\n"
        "from golfcheck.core.sandbox import SandboxLimits, confine\n"
        "opened = open('/etc/passwd')\n"
        f"confine({limits!r})\n"
        f"{statement}\nprint('done')"
    )
    command = [sys.executable, "-I", "-c", code, str(ROOT)]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have not all of these limits")
@pytest.mark.parametrize(
    "statement",
    [
        "socket.socket()",
        "socket.create_connection(('127.0.0.1', 9), 1)",
        "open('/etc/passwd')",
        "open('/tmp/golfcheck-wrote-this', 'w')",
        "subprocess.run(['true'])",
        pytest.param("os.fork()", marks=pytest.mark.skipif(os.getuid() == 0, reason="no such limit for root")),
        "os.dup(0)",
        "bytearray(2 << 30)",
    ],
)
def test_a_confined_process_cannot_open_files_connect_start_processes_or_use_more_memory(statement: str) -> None:
    limits = SandboxLimits(800 << 20, 10)
    assert "done" in confined("assert opened.read()", limits).stdout
    result = confined(statement, limits)
    assert "done" not in result.stdout
    assert "Error" in result.stderr


def test_a_confined_process_writes_errors_up_to_its_limit(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from golfcheck.core.sandbox import SandboxLimits, confine\n"
        "confine(SandboxLimits(800 << 20, 10, complaint_bytes=1000))\n"
        "while True: sys.stderr.write('x' * 100); sys.stderr.flush()"
    )
    with (tmp_path / "complaints").open("wb") as complaints:
        status = subprocess.run(
            [sys.executable, "-I", "-c", code, str(ROOT)], stderr=complaints, timeout=HANG_SECONDS
        ).returncode
    assert status != 0
    assert (tmp_path / "complaints").stat().st_size == 1000


@pytest.mark.parametrize(
    ("returncode", "words"), [(-11, "died of SIGSEGV"), (-99, "died of signal 99"), (3, "ended with exit code 3")]
)
def test_the_signal_that_ended_a_process_is_named(returncode: int, words: str) -> None:
    assert sandbox.manner(returncode) == words


def test_every_child_that_reads_untrusted_bytes_is_confined_before_it_reads() -> None:
    for name in ("untrusted/readprocess.py", "datacheck/checkprocess.py", "data/encoder.py"):
        tree = ast.parse((ROOT / "golfcheck" / name).read_text(encoding="utf-8"))
        calls = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "confine" in calls, name
    for path in (ROOT / "golfcheck").rglob("*.py"):
        has_limits = "RLIMIT_AS" in path.read_text(encoding="utf-8")
        assert not has_limits or path.parent.name in ("core", "box"), f"{path} limits a process by itself"
