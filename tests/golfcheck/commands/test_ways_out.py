"""Nothing in a submission's folder takes effect: no link is written through, no module or settings file is loaded."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.core import children
from golfcheck.data.shardwriter import ShardWriter
from golfcheck.reference.files import sweep_partial, write_atomic
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck import tokenizer_models
from tests.golfcheck.valid_record import Draft

MARK = "ran-code-of-the-folder"


def golfcheck(folder: Path, *arguments: str, program: str = "sys.exit(main())") -> subprocess.CompletedProcess[str]:
    """Run golfcheck in a folder as its console script does, from a script that is alone in another folder."""
    script = folder.parent / "bin" / "golfcheck"
    script.parent.mkdir(exist_ok=True)
    imports = f"import sys, threading\nsys.path.insert(0, {str(ROOT)!r})\nfrom golfcheck.cli import main\n"
    script.write_text(f"{imports}if __name__ == '__main__':\n    {program}\n")
    outside = {"XDG_CACHE_HOME": str(folder.parent / "cache"), "XDG_STATE_HOME": str(folder.parent / "state")}
    return subprocess.run(
        [sys.executable, script, *arguments],
        cwd=folder, env={**os.environ, **outside}, capture_output=True, text=True, timeout=HANG_SECONDS, check=False,
    )  # fmt: skip


def links_for_every_process(folder: Path, name: str, outside: Path) -> None:
    """Ship links under the temporary names that the next processes would have used."""
    for pid in range(os.getpid(), os.getpid() + 480):  # a folder has 512 names at most
        (folder / f".{name}.{pid}.partial").symlink_to(outside)


def test_a_temporary_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = tmp_path / "record"
    folder.mkdir()
    links_for_every_process(folder, "submission.json", outside)
    write_atomic(folder / "submission.json", b"{}")
    assert outside.read_text() == "precious"
    assert (folder / "submission.json").read_bytes() == b"{}" and not (folder / "submission.json").is_symlink()


def test_fix_writes_nothing_outside_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    draft = Draft()
    draft.set(bytes_total=None)
    record = draft.write(tmp_path)
    links_for_every_process(record, "submission.json", outside)
    completed = golfcheck(tmp_path, "verify", "--fix", str(record))
    assert "fixed" in completed.stderr
    assert outside.read_text() == "precious"


def test_a_link_in_place_of_a_file_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (tmp_path / "page.html").symlink_to(outside)
    write_atomic(tmp_path / "page.html", b"new")
    assert (tmp_path / "page.html").read_bytes() == b"new" and outside.read_text() == "precious"


def test_the_mode_of_a_written_file_is_what_the_user_asks_of_all_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    name = "é" * 127
    write_atomic(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_a_killed_writer_left_is_swept_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    left = subprocess.run(
        [sys.executable, "-P", "-c", f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from golfcheck.reference import files
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
files.write_atomic(Path({str(tmp_path)!r}, "page.html"), b"x")
"""], check=False)  # fmt: skip
    assert left.returncode == -9
    (tmp_path / f".mine.0123456789abcdef.{os.getpid()}.partial").touch()
    assert len(list(tmp_path.iterdir())) == 2
    sweep_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f".mine.0123456789abcdef.{os.getpid()}.partial"]


def test_a_shard_is_never_written_through_a_link(tmp_path: Path) -> None:
    import numpy as np

    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = tmp_path / "data"
    folder.mkdir()
    with ShardWriter(folder, "val", 100) as writer:
        (folder / ".fineweb_val_000000.bin.partial").symlink_to(outside)
        writer.add(np.arange(50, dtype=np.uint16))
    assert outside.read_text() == "precious"
    assert not writer.paths[0].is_symlink() and writer.paths[0].stat().st_size == 1024 + 100


def plant(folder: Path) -> Path:
    """Write modules with every name in the standard library, and others; each leaves a mark when it runs."""
    mark = folder.parent / MARK
    names = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    for name in sorted(names | {"sitecustomize", "usercustomize", "golfcheck", "numpy", "textual", "rich", "torch"}):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'a').write({name!r} + ' ')\nraise SystemExit(77)\n")
    (folder / "matplotlibrc").write_text("backend: module://golfcheck_planted\nno.such.setting: 1\n")
    (folder / "golfcheck_planted.py").write_text(f"open({str(mark)!r}, 'a').write('matplotlib')\n")
    return mark


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "."),
        ("verify", "--jobs", "2", "--no-cache", ".."),
        ("leaderboard", ".."),
        ("leaderboard", "--format", "html", "--output", "../site", ".."),
        ("diff", ".", "."),
        ("data", "tokenize", "--text", "text.txt", "--out", "../shards", "--model", "any.model"),
        ("data", "check", "fineweb_val_000000.bin"),
        ("explain",),
        ("rescore", "--smoke", "."),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_no_module_of_the_folder_is_run_by_any_command(arguments: tuple[str, ...], tmp_path: Path) -> None:
    tree = tmp_path / "records" / "track_10min_16mb"
    for number in range(1, 12):
        folder = Draft(folder=f"2026-06-{number:02}_Valid", bpb_shift=number * 1e-3).write(tree)
    (folder / "text.txt").write_text("some words of text, again and again\n" * 2_000)
    (folder / "any.model").write_bytes(tokenizer_models.model(tokenizer_models.PIECES))
    (folder / "fineweb_val_000000.bin").write_bytes(b"x" * 3_000)
    mark = plant(folder)
    completed = golfcheck(folder, *arguments)
    assert not mark.exists(), mark.read_text()
    assert "matplotlib" not in completed.stderr, completed.stderr
    assert completed.returncode in (0, 1, 2) and "Traceback" not in completed.stderr, completed.stderr


def test_no_module_of_the_folder_is_run_where_processes_are_spawned(tmp_path: Path) -> None:
    tree = tmp_path / "records" / "track_10min_16mb"
    for number in range(1, 12):
        folder = Draft(folder=f"2026-06-{number:02}_Valid").write(tree)
    mark = plant(folder)
    # A thread beside it: what the screens have, and where Python must not fork.
    program = "threading.Thread(target=threading.Event().wait, daemon=True).start(); sys.exit(main())"
    completed = golfcheck(folder, "verify", "--no-cache", "--jobs", "2", "--format", "concise", "..", program=program)
    assert not mark.exists(), mark.read_text()
    assert "11 records" in completed.stdout, completed.stderr


def test_a_command_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(children.SAFE_PATH, raising=False)
    with children.without_current_folder():
        assert os.environ[children.SAFE_PATH] == "1"
    assert children.SAFE_PATH not in os.environ


def test_the_action_starts_no_python_that_looks_into_the_pull_request() -> None:
    text = (ROOT / "action.yml").read_text()
    starts = re.findall(r"python\"? -\S+", text)
    assert len(starts) > 1 and {start.split()[1] for start in starts} == {"-I"}
