"""Writing so that nothing is lost or half-written."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from golfcheck.reference.files import sweep_partial, write_atomic

ROOT = Path(__file__).parents[2]


def test_a_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "x.bin"
    for data in (b"first", b"", b"x" * 1_000_000):
        write_atomic(path, data)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def test_killed_in_the_middle_the_old_or_the_new_file_is_there(tmp_path: Path) -> None:
    """A writer replaces a file over and over with one byte repeated, and is killed at some moment, ten times."""
    path = tmp_path / "x.bin"
    code = (
        "import sys; from pathlib import Path; from golfcheck.reference.files import write_atomic\n"
        "for i in range(100_000): write_atomic(Path(sys.argv[1]), bytes([i % 256]) * 4_000_000); print(flush=True)"
    )
    left_behind = 0
    for attempt in range(10):
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.003 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        data = path.read_bytes()
        assert len(data) == 4_000_000
        assert data == data[:1] * len(data)
        left_behind += len(list(tmp_path.iterdir())) - 1
        sweep_partial(tmp_path)
        assert list(tmp_path.iterdir()) == [path]
    assert left_behind > 0  # it was killed in the middle at least once


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_need_and_have_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=12_345))
    with pytest.raises(OSError, match=r"x\.bin: disk full: 67,890 bytes needed, 12,345 free; .* is intact") as caught:
        write_atomic(path, b"x" * 67_890)
    assert caught.value.errno == number
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_reported_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's own ENOSPC, from the write itself: what is opened under the temporary name is /dev/full."""
    monkeypatch.setattr(Path, "open", lambda path, mode: io.open("/dev/full", mode.replace("x", "w")))  # noqa: SIM115, UP020
    with pytest.raises(OSError, match=r"x\.bin: disk full: 100,000 bytes needed"):
        write_atomic(tmp_path / "x.bin", b"x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_another_failure_is_passed_on_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_sweeping_removes_partial_files_and_nothing_else(tmp_path: Path) -> None:
    others = ["x.bin", ".hidden", "y.partial", ".y.partial.txt"]
    for name in [*others, ".x.bin.1234.partial"]:
        (tmp_path / name).write_bytes(b"x")
    sweep_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)
