"""Nothing in a submission folder crashes loading, leads it outside, or makes it read without a limit."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from golfcheck import trainlog
from golfcheck.core.errors import UsageError
from golfcheck.source.decoders import OpaqueError, guarded
from golfcheck.source.reach import reached
from golfcheck.submission import bounded
from golfcheck.submission.record import Record, load
from tests.clock import cpu_seconds
from tests.golfcheck import hostile_files as hostile

MAX_SECONDS = 5.0  # docs/limits.md: `verify` on any hostile submission
MAX_BYTES = 300 * 2**20


def spoken(record: Record, rule: str) -> list[str]:
    return [item.problem.message for item in record.problems if item.rule == rule]


def timed_load(folder: Path) -> Record:
    assert cpu_seconds(partial(load, folder), MAX_SECONDS, tries=2) < MAX_SECONDS
    return load(folder)


@pytest.mark.parametrize("case", hostile.JSON, ids=lambda case: case.name)
def test_each_hostile_json_is_refused_with_its_reason(case: hostile.Case, tmp_path: Path) -> None:
    (tmp_path / "submission.json").write_bytes(case.data)
    record = timed_load(tmp_path)
    assert any(case.says in message for message in spoken(record, case.rule)), record.problems
    assert all(item.problem.line is None or item.problem.line >= 1 for item in record.problems)


@pytest.mark.parametrize("build", hostile.FILES, ids=lambda build: build.__name__)
def test_each_hostile_folder_is_loaded_and_its_trap_is_reported(build: object, tmp_path: Path) -> None:
    says = build(tmp_path)  # type: ignore[operator]
    record = timed_load(tmp_path)
    messages = [item.problem.message for item in record.problems]
    assert any(says in message for message in messages), messages
    assert not any(message != message.encode("ascii", "replace").decode() for message in messages)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission_is_reported_and_the_rest_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "README.md").chmod(0)
    (tmp_path / "train.log").write_text("seed:5\n")
    record = load(tmp_path)
    assert record.readme is None and record.logs[0].runs[0].seed
    assert "cannot be read: Permission denied" in spoken(record, "unexpected-file")


def test_a_file_that_grows_after_listing_is_read_up_to_the_limit_only(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    with bounded.opened(tmp_path) as folder:
        (tmp_path / "a").write_bytes(b"x" * 10_000)
        assert bounded.read(folder, "a", 100) == (b"x" * 100, False)
        assert bounded.read(folder, "a", 10_000) == (b"x" * 10_000, True)


def test_reading_refuses_links_fifos_devices_and_parents_at_open_time(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "plain").mkdir()
    with bounded.opened(tmp_path) as folder:
        for path in ("link", "folder/passwd", "fifo", "plain", "missing"):
            with pytest.raises(bounded.UnreadableError):
                bounded.read(folder, path, 100)


def test_a_folder_that_cannot_be_opened_and_a_file_that_vanishes_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "README.md").touch()
    real_open, real_scandir = os.open, os.scandir

    def closed(path: str, flags: int, **named: int) -> int:
        if path == "logs":
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, **named)

    class Vanished:
        name = "gone.log"

        def stat(self, follow_symlinks: bool) -> os.stat_result:
            raise FileNotFoundError(2, "No such file or directory")

    @contextlib.contextmanager
    def scandir(folder: int) -> Iterator[list[object]]:
        with real_scandir(folder) as items:
            yield [*items, Vanished()]

    with bounded.opened(tmp_path) as folder:
        monkeypatch.setattr(os, "open", closed)
        monkeypatch.setattr(os, "scandir", scandir)
        listing = bounded.walk(folder)
    assert [entry.path for entry in listing.entries] == ["README.md"]
    assert {(problem.path, problem.message) for problem in listing.problems} == {
        ("logs", "cannot be opened: Permission denied"),
        ("gone.log", "cannot be examined: No such file or directory"),
    }


def test_files_that_become_unreadable_after_listing_are_reported_and_the_rest_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("submission.json", "train.log", "train.py", "README.md"):
        (tmp_path / name).write_text("{}")

    def unreadable(folder: int, path: str, limit_bytes: int) -> tuple[bytes, bool]:
        raise bounded.UnreadableError("Input/output error")

    monkeypatch.setattr(bounded, "read", unreadable)
    record = load(tmp_path)
    assert (record.submission, record.logs, record.sources, record.readme) == (None, (), (), None)
    assert spoken(record, "unexpected-file") == ["cannot be read: Input/output error"] * 4


def test_compiled_leftovers_are_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").touch()
    assert load(tmp_path).files == ()


def test_a_decoder_that_runs_out_of_memory_is_refused() -> None:
    def exhausted() -> None:
        raise MemoryError

    with pytest.raises(OpaqueError, match="takes too much memory"):
        guarded(exhausted)


def test_a_repository_inside_is_not_even_listed(tmp_path: Path) -> None:
    hostile.repository(tmp_path)
    assert load(tmp_path).files == ()


def test_a_path_that_is_not_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(UsageError, match="expected a submission folder"):
            load(path)


def test_an_empty_folder_is_an_empty_record(tmp_path: Path) -> None:
    record = load(tmp_path)
    assert (record.files, record.submission, record.logs, record.sources) == ((), None, (), ())
    assert (record.readme, record.problems) == (None, ())


@pytest.mark.parametrize("case", hostile.CODE, ids=lambda case: case.name)
def test_each_hostile_script_is_refused_with_its_reason(case: hostile.Case, tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(case.data)
    record = timed_load(tmp_path)
    assert any(case.says in message for message in spoken(record, case.rule)), record.problems


@pytest.mark.parametrize("case", hostile.PACKED, ids=lambda case: case.name)
def test_each_hostile_pack_stays_packed_and_says_why(case: hostile.Case) -> None:
    assert cpu_seconds(partial(reached, ["train.py"], {"train.py": case.data}.get), 2) < 2
    (source,) = reached(["train.py"], {"train.py": case.data}.get)
    assert source.unwrapped is None
    assert (source.wrapper or "") == case.rule
    assert case.says in source.note


def test_packs_inside_packs_are_followed_four_levels_deep() -> None:
    for levels, unpacked in ((4, b"print(1)\n"), (5, hostile.nested_packs(1))):
        (source,) = reached(["train.py"], {"train.py": hostile.nested_packs(levels)}.get)
        assert source.unwrapped == unpacked
        assert source.wrapper == ", ".join(["zlib+base85"] * 4)
        assert source.note == ("" if levels == 4 else "still packed after 4 levels")


@pytest.mark.parametrize("name", hostile.LOGS)
def test_each_hostile_log_is_read_within_bounds(name: str) -> None:
    data, says = hostile.LOGS[name]
    assert cpu_seconds(partial(trainlog.read, "x.log", data), MAX_SECONDS, tries=2) < MAX_SECONDS
    log = trainlog.read("x.log", data)
    notes = [note.value for note in log.notes] + ["unread"] * (log.unread_from is not None)
    assert any(says in note for note in notes) if says else True
    assert len(log.runs) <= 65
    trainlog.to_json(log)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    "unit",
    [hostile.STEP % (1, 70), b"\n", b"a:b c:d\n", "seed:1\n".encode("utf-16-le")],
    ids=["steps", "empty", "pairs", "utf16"],
)
def test_a_64_mib_log_is_loaded_within_300_mb(unit: bytes, tmp_path: Path) -> None:
    (tmp_path / "train.log").write_bytes(unit * (64 * 2**20 // len(unit)))
    program = (
        "import sys; from pathlib import Path; from golfcheck.submission.record import load\n"
        "assert load(Path(sys.argv[1])).logs\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert int(ran.stdout) * 1024 < MAX_BYTES


def modules(text: bytes, count: int) -> dict[str, bytes]:
    """Return a script that imports `count` modules of this text."""
    files = {f"m{number}.py": b"x = %d\n%b" % (number, text) for number in range(count)}
    return files | {"train_gpt.py": b"".join(b"import m%d\n" % number for number in range(count))}


CODE = {
    "names": {"train_gpt.py": b"a\n" * 2**20},
    "operators": {"train_gpt.py": b"+" * 2**21},
    "strings": {"train_gpt.py": b"'x'\n" * 2**19},
    "f-strings": {"train_gpt.py": b"f'{a}'\n" * 2**18},
    "names in 8 files": modules(b"a\n" * 130_000, 8),
    "assignments in 14 files": modules(b"x=1\n" * 65_000, 14),
    "continued lines in 30 files": modules(b"    \\\n" * 15_000, 30),
    "packed comments in 30 files": modules(hostile.packed(b"#" * 15_000_000), 30),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("kind", CODE)
def test_the_largest_source_that_is_read_is_judged_within_300_mb_and_5_s(kind: str, tmp_path: Path) -> None:
    """A tree takes a hundred times the memory of its text: it is the nodes of all files that must be bounded."""
    for name, text in CODE[kind].items():
        (tmp_path / name).write_bytes(text)
    program = (
        "import sys, time; from pathlib import Path\n"
        "from golfcheck.submission.record import load; from golfcheck.judging.verify import verify\n"
        "record = load(Path(sys.argv[1])); verify(record); print(time.process_time())\n"
        "print(any(met.rule in ('syntax-error', 'costly-to-read') for met in record.problems))\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    seconds, said, peak_kib = ran.stdout.split()
    assert float(seconds) < MAX_SECONDS
    assert said == "True"  # what was not examined is said
    assert int(peak_kib) * 1024 < MAX_BYTES
