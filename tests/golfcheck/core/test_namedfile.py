"""Files that the user names: a pipe or a device is refused in one line, and nothing waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.authoring.newrecord import About, build
from golfcheck.core.errors import UsageError
from golfcheck.core.namedfile import open_named, read_named
from golfcheck.submission.bounded import MAX_LOG_BYTES
from tests.clock import HANG_SECONDS
from tests.golfcheck.valid_record import Draft

LOG = next(path for path in Draft().files if path.endswith(".log"))


def one_line(call: subprocess.CompletedProcess[str]) -> str:
    assert call.returncode == 2 and call.stdout == ""
    (line,) = call.stderr.splitlines()
    return line


def golfcheck(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "golfcheck", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("unpack", "pipe"),
        ("unpack", "/dev/zero"),
        ("pack", "pipe"),
        ("pack", "/dev/zero"),
        ("new", "record", "--from", "pipe"),
        ("new", "record", "--from", "/dev/zero"),
        ("new", "record", "--from", "a.log", "--script", "pipe"),
        ("new", "record", "--from", "a.log", "--artifact", "pipe"),
        ("new", "record", "--from", "a.log", "--artifact", "/dev/zero"),
        ("rescore", "pipe"),
        ("rescore", "/dev/zero"),
        ("data", "check", "pipe"),
        ("data", "tokenize", "--text", "a.log", "--out", "out", "--model", "pipe"),
        ("verify", "pipe"),
        ("diff", "pipe", "/dev/zero"),
    ],
    ids=" ".join,
)
def test_a_pipe_or_a_device_is_refused_in_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.log").write_bytes(Draft().files[LOG])
    line = one_line(golfcheck(tmp_path, *arguments))
    assert "regular file" in line or "Not a directory" in line or "expected the folder" in line
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "a.log"}  # nothing was written


def test_a_huge_sparse_log_is_refused_by_its_size_and_nothing_is_written(tmp_path: Path) -> None:
    log = tmp_path / "sparse.log"
    with log.open("wb") as file:
        file.truncate(20 * 2**30)
    with pytest.raises(UsageError, match=f"more than {MAX_LOG_BYTES:,} bytes; expected a training log"):
        build([log], [], About(name="x", author="y", github_id="z"))
    assert list(tmp_path.iterdir()) == [log]


def test_a_text_to_tokenize_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    from golfcheck.data.textfiles import read_documents

    os.mkfifo(tmp_path / "text")
    with pytest.raises(UsageError, match="not a regular file; expected a text file"):
        next(read_documents(tmp_path / "text"))


def test_a_link_is_followed_and_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    with open_named(tmp_path / "link", "a file") as file:
        assert file.read() == b"12345"
    assert read_named(tmp_path / "link", 5, "a file") == b"12345"
    with pytest.raises(UsageError, match="more than 4 bytes"):
        read_named(tmp_path / "link", 4, "a file")


@pytest.mark.parametrize("name", ["missing", "folder", "a\0b"])
def test_what_cannot_be_opened_is_one_line_with_what_was_expected(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="expected a training log") as refused:
        read_named(tmp_path / name, 5, "a training log")
    assert "\n" not in str(refused.value)
