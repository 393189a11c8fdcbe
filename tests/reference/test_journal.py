"""The log and the terminal: what goes wrong with either stops no run and loses no line."""

import errno
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.reference import files
from golfcheck.reference.files import Journal
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT


def test_an_older_log_moves_aside_under_the_first_free_number(tmp_path: Path) -> None:
    for text in ("first", "second", "third"):
        Journal(tmp_path / "x.txt").write(text)
    texts = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert texts == {"x.1.txt": "first\n", "x.2.txt": "second\n", "x.txt": "third\n"}


def test_lines_are_written_once_a_full_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Journal(tmp_path / "x.txt")
    room = [4, 0, 0]  # bytes: the first write is cut short, as a real disk does

    def write(descriptor: int, data: bytes) -> int:
        if not room or (fits := room.pop(0)):
            return real(descriptor, data if not room else data[:fits])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = os.write
    monkeypatch.setattr(files.os, "write", write)
    for text in ("step:1", "step:2", "step:3"):
        log.write(text)
    assert (tmp_path / "x.txt").read_text() == "step:1\nstep:2\nstep:3\n"
    assert capsys.readouterr().err.count("the log cannot be written now: No space left on device") == 1


def test_what_would_break_a_line_or_steer_a_terminal_becomes_a_space(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Journal(tmp_path / "x.txt")
    log.append("a text of\ntwo lines")
    log.write("train_loader:dataset:two\nstep:9/9\r\u2028\x85\x1b[2Jend\udcff train_shards:1 größer·")
    shown = "train_loader:dataset:two step:9/9    [2Jend  train_shards:1 größer·"
    assert (tmp_path / "x.txt").read_text() == f"a text of\ntwo lines\n{shown}\n"
    assert capsys.readouterr().out == f"{shown}\n"


PROGRAM = """
import sys; from pathlib import Path; from reference.files import Journal
log = Journal(Path(sys.argv[1]))
for i in range(2000): log.write(f"line {i} " + "x" * 100)
print("went on", file=sys.stderr)
"""


@pytest.mark.parametrize("kind", ["pipe", "full", "terminal", "closed"])
def test_a_closed_terminal_does_not_stop_the_run(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "x.txt")]
    if kind == "closed":
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    reader, writer = pty.openpty() if kind == "terminal" else os.pipe()
    if kind == "full":
        writer = os.open("/dev/full", os.O_WRONLY)
    run = subprocess.Popen(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    os.close(reader)
    _, err = run.communicate(timeout=HANG_SECONDS)
    assert run.returncode == 0, err
    assert err.strip() == "went on"
    assert len((tmp_path / "x.txt").read_text().splitlines()) == 2000
