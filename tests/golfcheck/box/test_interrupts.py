"""Ctrl-C at any line of the judge: the results so far are printed and written, and nothing is left behind."""

import gc
import json
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import golfcheck
from golfcheck.box.launch import NoSandbox, sandbox
from golfcheck.cli import main
from golfcheck.core import schema
from golfcheck.rescore.boxes import Boxes
from tests.golfcheck import predictors
from tests.golfcheck.rescore_fixture import World

try:
    sandbox()
except NoSandbox as error:
    pytestmark = pytest.mark.skip(reason=str(error))

ROOT = Path(golfcheck.__file__).parent
FILES = {str(ROOT / name) for name in ("box/client.py", "box/process.py", "box/launch.py")} | {
    str(ROOT / "rescore" / f"{name}.py") for name in ("boxed", "boxes", "predicted", "twin", "measure")
}
STRETCH = {str(ROOT / name) for name in ("box/interrupts.py", "rescore/boxes.py")}
POINTS = 16


class Interrupt:
    """Raises KeyboardInterrupt before the `at`-th executed line of FILES, and counts the lines."""

    def __init__(self, at: int | None = None) -> None:
        self.at, self.lines, self.where = at, 0, ""

    def __enter__(self) -> "Interrupt":
        sys.settrace(self.call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def call(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
        return self.line if frame.f_code.co_filename in FILES else None

    def line(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.line


def left() -> tuple[set[str], str]:
    """This process's children and mounts, except for children that are exiting."""
    pids = set()
    for task in Path("/proc/self/task").iterdir():
        pids |= set((task / "children").read_text().split())
    alive = {pid for pid in pids if not re.search(r"\) Z", Path(f"/proc/{pid}/stat").read_text())}
    return alive, Path("/proc/self/mounts").read_text()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a socket may be open until the process ends
def test_ctrl_c_at_any_line_loses_nothing_and_leaves_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golfcheck.rescore.workers.usable", lambda cores: 1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    folder = predictors.write(tmp_path / "p", "class P(Base): pass", np.zeros((300, 300), np.float16))
    report = tmp_path / "report.json"
    command = ["rescore", str(folder), "--challenges", "16", "--json", str(report), "--order-seed", "1"]
    command += [
        "--attention",
        "torch",
        "--val-tokens",
        "1024",
        "--data",
        str(world.shards),
        "--tokenizer",
        str(world.tokenizer),
    ]
    assert main(command) == 0  # and every module is loaded
    with Interrupt() as counted:
        assert main(command) == 0
    whole = json.loads(report.read_text())["rescores"][0]["measured"]
    before = left()
    progress_seen = list[int]()  # after how many lines how many tokens were scored
    for at in np.linspace(1, 0.98 * counted.lines, POINTS).astype(int).tolist():
        report.unlink(missing_ok=True)
        capsys.readouterr()
        with Interrupt(at) as interrupt:
            assert main(command) == 130, interrupt.where
        printed = capsys.readouterr().err
        assert "Traceback" not in printed
        document = json.loads(report.read_text())
        assert schema.violations("rescore", document) == []
        assert not document["is_complete"], interrupt.where
        if so_far := document["so_far"]:
            progress_seen.append(so_far["tokens"])
            assert f"over the first {so_far['tokens']:,} tokens" in printed
        if so_far and so_far["tokens"] == whole["tokens"]:
            assert so_far["val_bpb"] == whole["val_bpb"]
        end = time.monotonic() + 10
        while (now := left()) != before and time.monotonic() < end:
            time.sleep(0.02)
        assert now == before, interrupt.where
        assert list(scratch.iterdir()) == []
    gc.collect()
    assert progress_seen == sorted(progress_seen)
    assert len(set(progress_seen)) > 2
    assert progress_seen.count(whole["tokens"]) > 2  # while the twin was asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_at_any_bytecode_while_a_box_starts_is_handled_and_leaves_no_box(number: signal.Signals) -> None:
    """The box is a list's item here: there is nothing between the start of a process and the name that ends it."""
    alive = set[int]()

    class Started:
        def __init__(self) -> None:
            pid = len(alive) + 1
            alive.add(pid)  # what Popen does: the process is there before anybody has its number
            self.pid = pid

        def close(self) -> None:
            alive.discard(self.pid)

    class Bytecodes(Interrupt):
        def call(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any] | None:
            if frame.f_code.co_filename in {*STRETCH, __file__} and frame.f_code.co_name != "__exit__":
                frame.f_trace_opcodes = True
                return self.line
            return None

        def line(self, frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
            if event == "opcode":
                self.lines += 1
                if self.lines == self.at:
                    signal.raise_signal(number)
            return self.line

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def new(at: int | None) -> Bytecodes:
        boxes, tracer = Boxes(Started), Bytecodes(at)  # type: ignore[arg-type]
        try:
            with tracer:
                boxes.new()
        finally:
            sys.settrace(None)
            boxes.close()
        return tracer

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [(name, signal.signal(name, stop)) for name in signals]
    try:
        bytecodes = new(None).lines
        assert bytecodes > 100
        for at in range(1, bytecodes + 1):
            with pytest.raises(KeyboardInterrupt):
                new(at)
            assert not alive, at
            for name in signals:  # both are handled as before
                with pytest.raises(KeyboardInterrupt):
                    signal.raise_signal(name)
                signal.signal(name, stop)
    finally:
        for name, handler in before:
            signal.signal(name, handler)
