"""The box itself: what exists in it, which requests it answers, and that it leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from golfcheck.box import client, launch, seccomp, serve
from golfcheck.box.boxlimits import BoxLimits
from golfcheck.box.client import Box
from golfcheck.box.launch import NoSandbox, sandbox
from golfcheck.core.errors import Refused
from golfcheck.rescore import attention
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck import predictors
from tests.golfcheck.rescore_fixture import World

try:
    MISSING = sandbox() and ""
except NoSandbox as error:
    MISSING = str(error)
NEEDS_SANDBOX = pytest.mark.skipif(bool(MISSING), reason=MISSING)

ECHO = b"""
import os, numpy as np
class P:
    vocab_size, seq_len = 10, 8
    def logits(self, ids): return 9.0 * np.eye(10)[ids]
    def adapt(self, ids): print(ids.tolist())
def load(folder, device):
    print(sorted(os.listdir(folder)), sorted(os.environ), os.getuid(), os.getpid(), os.sched_getaffinity(0) and device)
    return P()
"""


@NEEDS_SANDBOX
def test_requests_are_answered_and_only_the_given_files_exist():
    files = [("predictor.py", ECHO), ("deep/er/file.bin", b"abc")]
    with Box(files) as box:
        box.load()
        box.open(16)
        ids = np.arange(16).reshape(2, 8) % 10
        logits = box.logits(ids)
        assert logits.dtype == np.float32
        assert (logits.argmax(-1) == ids).all()
        box.adapt(ids[:1])
        assert (box.vocab_size, box.seq_len, box.can_adapt, box.can_step) == (10, 8, True, False)
        assert box.seconds["logits"] > 0
        printed = wait_for(lambda: bytes(box._process._printed).decode().splitlines(), 2)
        assert box.peak_bytes > 10 << 20
    assert printed[0].startswith("['deep', 'predictor.py']")
    assert set(re.findall(r"'([A-Z_]+)'", printed[0])) == {*launch.ENVIRONMENT, "PWD"}
    assert "65534" in printed[0]
    assert printed[1] == str(ids[:1].tolist())


def wait_for(lines, count: int) -> list[str]:
    end = time.monotonic() + 10
    while len(lines()) < count and time.monotonic() < end:
        time.sleep(0.02)
    return lines()


ATTENTION = b"""
import torch
from torch.nn.functional import scaled_dot_product_attention as attend
class P:
    vocab_size, seq_len = 32, 128
    def heads(self, grad):
        generator = torch.Generator().manual_seed(0)
        q, k, v = (torch.randn(1, n, 128, 32, generator=generator) for n in (4, 2, 2))
        return [x.bfloat16().requires_grad_(grad) for x in (9 * q, k, v)]
    def logits(self, ids):
        return attend(*self.heads(False), is_causal=True, enable_gqa=True)[:, 0]
    def adapt(self, ids):
        q, k, v = self.heads(True)
        attend(q, k, v, is_causal=True, enable_gqa=True).sum().backward()
        assert q.grad.abs().sum() > 0
def load(folder, device): return P()
"""


@NEEDS_SANDBOX
@pytest.mark.skipif(attention.kernel()[0] is None, reason=f"no compiled attention: {attention.kernel()[1]}")
def test_a_box_uses_the_given_compiled_attention_except_for_gradients():
    kernel, _ = attention.kernel()
    assert kernel is not None
    scope: dict[str, Any] = {}
    exec(ATTENTION, scope)
    given = scope["P"]().heads(False)
    torch.set_num_threads(1)
    expected = {attention.library(): kernel(*given), None: scope["attend"](*given, is_causal=True, enable_gqa=True)}
    answers = []
    for library, heads in expected.items():
        with Box([("predictor.py", ATTENTION)], attention=library) as box:
            box.load()
            box.open(128)
            answers.append(box.logits(np.zeros((1, 128), np.int64)))
            box.adapt(np.zeros((1, 129), np.int64))
        assert (answers[-1] == heads[:, 0].float().numpy()).all()
    assert (answers[0] != answers[1]).any()


@NEEDS_SANDBOX
def test_folders_of_the_validation_text_are_empty_in_the_box_even_inside_of_what_it_shows():
    inside = Path(sysconfig.get_path("stdlib"), "wsgiref")
    assert len(list(inside.iterdir())) > 1
    look = f"import os\nraise RuntimeError(str(os.listdir({str(inside)!r})))\n".encode()
    with Box([("predictor.py", look)], [inside]) as box, pytest.raises(Refused, match=r"RuntimeError: \[\]"):
        box.load()


def test_without_a_sandbox_the_answers_are_the_same_and_no_folder_is_left(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Box([("predictor.py", ECHO), ("a/b.txt", b"x")], sandboxed=False) as box:
        box.load()
        box.open(8)
        ids = np.arange(8)[None]
        assert (box.logits(ids).argmax(-1) == ids).all()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_memory_is_limited_without_a_sandbox_too() -> None:
    takes = b"import time\ndef load(folder, device):\n    held = b'x' * (400 << 20)\n    time.sleep(600)\n"
    limits = BoxLimits(resident_bytes=200 << 20)
    with Box([("predictor.py", takes)], sandboxed=False, limits=limits) as box:
        with pytest.raises(Refused, match="of memory; --box-memory") as refused:
            box.load()
        assert refused.value.code == "BOX_MEM"
        assert box.peak_bytes > 200 << 20


def test_a_frame_is_read_as_it_was_written_and_garbage_is_an_error():
    assert serve.read_frame(serve.frame("logits", 7, 2, 64)) == ("logits", 7, (2, 64, 0, 0))
    assert len(serve.frame("done", 1)) == serve.FRAME.size
    with pytest.raises(ValueError, match="ascii"):
        serve.read_frame(b"\xff" * serve.FRAME.size)


def test_the_judges_memory_cannot_be_shrunk_or_grown():
    with client._shared(4096) as file:
        for size in (0, 8192):
            with pytest.raises(PermissionError):
                os.ftruncate(file.fileno(), size)


def test_the_system_call_filter_has_whole_instructions_and_is_absent_on_unknown_machines(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program = seccomp.program("cpu")
    assert program is not None
    assert len(program) % 8 == 0
    assert len(seccomp.program("cuda:0") or b"") == len(program) - 16  # a driver may need memfd_create
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert seccomp.program("cpu") is None


@pytest.mark.parametrize(
    ("program_path", "said"),
    [(None, "bubblewrap is not installed: sudo apt install bubblewrap"), ("/bin/false", "refused here.*exit code 1")],
)
def test_where_there_is_no_sandbox_one_line_says_what_to_do(program_path: str | None, said: str, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: program_path)
    launch.sandbox.cache_clear()
    try:
        with pytest.raises(NoSandbox, match=said):
            launch.sandbox()
    finally:
        launch.sandbox.cache_clear()


@NEEDS_SANDBOX
def test_a_box_is_ended_when_all_its_calls_together_take_too_long():
    limits = BoxLimits(total_seconds=0.001)
    with Box([("predictor.py", ECHO)], limits=limits) as box, pytest.raises(Refused, match="all calls together took"):
        box.load()


# However it ends, nothing is left.

SLOW = "class P(Base):\n    def logits(self, ids):\n        time.sleep(0.05)\n        return super().logits(ids)"
MOMENTS = {"while it loads": "time.sleep(60)", "while it is scored": SLOW}


@NEEDS_SANDBOX
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda signum: signum.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_at_any_moment_leaves_no_process_file_or_mount(
    moment: str, signum: signal.Signals, world: World, tmp_path: Path
):
    folder = predictors.write(tmp_path / "submission", MOMENTS[moment], np.zeros((300, 300), np.float16))
    mounts = Path("/proc/self/mounts").read_text()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "golfcheck", "rescore", str(folder), "--data", str(world.shards)]
    judge = subprocess.Popen(
        [*command, "--tokenizer", str(world.tokenizer)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(scratch)},
    )  # fmt: skip
    try:
        end = time.monotonic() + HANG_SECONDS
        while not (boxes := below(judge.pid)) and time.monotonic() < end and judge.poll() is None:
            time.sleep(0.02)
        assert boxes, judge.stderr and judge.stderr.read()
        if moment == "while it is scored":
            time.sleep(1.0)
        boxes = below(judge.pid)
        judge.send_signal(signum)
        _, said = judge.communicate(timeout=HANG_SECONDS)
    finally:
        judge.kill()
    assert judge.returncode != 0
    assert "Traceback" not in said
    end = time.monotonic() + 10
    while (left := [pid for pid in boxes if runs(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []
    assert list(scratch.iterdir()) == []
    assert Path("/proc/self/mounts").read_text() == mounts


def below(pid: int) -> list[int]:
    """All running descendants of a process."""
    descendants, todo = [], [pid]
    while todo:
        try:
            tasks = list(Path(f"/proc/{todo.pop()}/task").iterdir())
            children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except OSError:
            continue
        descendants += children
        todo += children
    return [pid for pid in descendants if runs(pid)]


def runs(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@NEEDS_SANDBOX
def test_a_python_installed_below_tmp_is_available_in_the_box():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        program = (
            f"import subprocess, sys; sys.path.insert(0, {str(ROOT)!r}); from golfcheck.box import launch\n"
            "command = launch.command([], None, [], device='cpu', scratch_bytes=2**20)\n"
            "sys.exit(subprocess.run([*command, sys.executable, '-I', '-c', 'pass']).returncode)"
        )
        python = Path(folder, "bin", "python")
        completed = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert (completed.returncode, completed.stderr) == (0, "")
