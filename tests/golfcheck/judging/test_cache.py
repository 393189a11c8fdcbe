"""The cache returns what was read, notices every change, and never causes a failure."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.judging import cache
from golfcheck.judging.cache import Cache, stamp_of
from golfcheck.submission.record import Record, load
from tests.conftest import ROOT
from tests.golfcheck.submission.test_record import write
from tests.golfcheck.trainlog.test_trainlog import MACHINE, SOURCE, A
from tests.golfcheck.valid_record import Draft


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    record_folder = tmp_path / "track_10min_16mb" / "2026-06-01_Valid"
    write(
        record_folder,
        {
            "submission.json": '{"name": "x", "val_bpb": 1.1, "seeds": [1, 2], "seed_results": {"1": {"val_bpb": 1}}}',
            "train.log": f"{SOURCE}\n{MACHINE}{A}final val_loss:nan val_bpb:1.0\nGPTQ:collected 67 Hessians in 12.9s\n",
            "train_gpt.py": "import zlib\nexec(zlib.decompress(b'bad'))\nimport helper # \u202e\n",
            "helper.py": b"\xff\xfe",
            "README.md": "é",
        },
    )
    return record_folder


def same(one: Record, other: Record) -> bool:
    return repr(one) == repr(other)  # NaN is not equal to itself; its text is


def no_load(path: Path) -> Record:
    raise AssertionError("read again")


def test_an_unchanged_record_comes_back_equal_without_being_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = load(folder)
    with Cache(tmp_path / "c.sqlite") as first:
        assert same(first.load(folder), plain)
    monkeypatch.setattr(cache, "load", no_load)
    with Cache(tmp_path / "c.sqlite") as second:
        again = second.load(folder)
    assert same(again, plain)
    assert plain.problems and plain.sources[0].note and plain.logs[0].dumps


@pytest.mark.parametrize("change", ["content", "time", "clock set back", "new", "gone", "renamed"])
def test_every_change_in_the_folder_is_noticed(change: str, folder: Path, tmp_path: Path) -> None:
    log = folder / "train.log"
    with Cache(tmp_path / "c.sqlite") as store:
        before = store.load(folder)
        match change:
            case "content":
                log.write_text("seed:5\n")
            case "time":
                log.write_text(log.read_text().replace("1339", "1340"))
                os.utime(log, ns=(1, 1))
            case "clock set back":
                stat = log.stat()
                log.write_text(log.read_text().replace("1339", "1340"))
                os.utime(log, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            case "new":
                (folder / "train_seed2.log").write_text("seed:2\n")
            case "gone":
                log.unlink()
            case _:
                log.rename(folder / "train_seed1339.log")
        after = store.load(folder)
    assert same(after, load(folder)) and not same(after, before)


def test_another_version_of_the_parsers_reads_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cache(tmp_path / "c.sqlite") as store:
        store.load(folder)
        monkeypatch.setattr(cache, "sources_version", lambda: "another")
        monkeypatch.setattr(cache, "load", no_load)
        with pytest.raises(AssertionError, match="read again"):
            store.load(folder)


def test_a_verdict_cached_before_a_helper_of_golfcheck_was_edited_is_not_used(tmp_path: Path) -> None:
    package, record = tmp_path / "copy" / "golfcheck", Draft().write(tmp_path / "records")
    unused = shutil.ignore_patterns("__pycache__", "tui", "site", "rescore")
    shutil.copytree(ROOT / "golfcheck", package, ignore=unused)
    shutil.copytree(ROOT / "schemas", package / "schemas")

    def verdict() -> str:
        command = [sys.executable, "-B", "-m", "golfcheck", "verify", "--format", "concise", str(record)]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(package.parent)}
        return subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True).stdout

    before = verdict()
    assert "1 record" in before and "bytes-over-cap" not in before
    helper = package / "core" / "ruleset.py"
    cap = "SIZE_CAP_BYTES = 16_000_000"
    assert cap in helper.read_text()
    helper.write_text(helper.read_text().replace(cap, "SIZE_CAP_BYTES = 16_000"))
    assert "bytes-over-cap" in verdict()


@pytest.mark.parametrize("content", [b"", b"junk" * 10_000, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_broken_cache_is_replaced_silently(
    content: bytes, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.sqlite"
    path.write_bytes(content)
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))
    assert capfd.readouterr() == ("", "")
    rows = sqlite3.connect(path).execute("select count(*) from records").fetchone()
    assert rows == (1,)


@pytest.mark.parametrize(
    "record", ["", "null", "[]", "{", '["/etc"]', "[1,2,3,4,5,6,7,8]", '{"__reduce__": "os.system"}']
)
def test_an_invalid_cache_entry_is_read_again(record: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Cache(path) as store:
        store.load(folder)
    with sqlite3.connect(path) as connection:
        connection.execute("update records set record = ?", (record,))
    connection.close()
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))


def test_a_cache_that_cannot_be_written_is_not_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Cache(tmp_path / "file" / "c.sqlite") as store:
        assert same(store.load(folder), load(folder))
    with Cache(tmp_path) as store:
        assert same(store.load(folder), load(folder))


def test_a_cache_that_another_process_has_locked_is_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    with Cache(path) as store:
        store.load(folder)
    monkeypatch.setattr(cache, "_WAIT_SECONDS", 0.0)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("begin exclusive")
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))
        (folder / "README.md").write_text("changed")
        assert same(store.load(folder), load(folder))
    locker.execute("rollback")
    locker.close()
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_cache_without_write_permission_is_not_used(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "c.sqlite"
    with Cache(path) as store:
        store.load(folder)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))
    path.parent.chmod(0o700)


def test_a_cache_that_sqlite_may_only_read_is_not_used(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.sqlite"
    with Cache(path) as store:
        store.load(folder)
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda file, **how: connect(f"file:{file}?mode=ro", uri=True, **how))
    (folder / "README.md").write_text("changed")
    with Cache(path) as store:
        assert same(store.load(folder), load(folder))


@pytest.mark.parametrize("shape", ["view", "trigger", "generated", "blob", "huge"])
def test_a_cache_with_another_schema_or_other_values_changes_no_record(
    shape: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "c.sqlite"
    with Cache(path) as store:
        store.load(folder)
    with sqlite3.connect(path) as connection:
        match shape:
            case "view":
                connection.executescript("alter table records rename to r; create view records as select * from r")
            case "trigger":
                connection.execute("create trigger t before insert on records begin select raise(abort, 'no'); end")
            case "generated":
                connection.executescript("drop table records; create table records (path, stamp, record as (1))")
            case "blob":
                connection.execute("update records set record = zeroblob(1000)")
            case "huge":
                connection.execute("update records set record = '[' || hex(zeroblob(4000000))")
    connection.close()
    (folder / "README.md").write_text("changed")
    for _ in range(2):
        with Cache(path) as store:
            assert same(store.load(folder), load(folder))


def test_two_processes_may_use_one_cache(folder: Path, tmp_path: Path) -> None:
    with Cache(tmp_path / "c.sqlite") as one, Cache(tmp_path / "c.sqlite") as two:
        assert same(one.load(folder), two.load(folder))


def test_the_cache_is_readable_only_by_its_user(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    with Cache() as store:
        store.load(folder)
    path = tmp_path / "x" / "golfcheck" / "records.sqlite"
    assert path.stat().st_mode & 0o077 == 0 and path.parent.stat().st_mode & 0o077 == 0


def test_all_28_real_records_come_back_equal(shared_data: Path, tmp_path: Path) -> None:
    folders = sorted(path for path in shared_data.glob("records/*/*") if path.is_dir())
    with Cache(tmp_path / "c.sqlite") as store:
        first = [store.load(folder) for folder in folders]
        assert [store.load(folder) for folder in folders] == first


def test_a_file_that_keeps_its_size_and_its_time_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "train.log"
    file.write_text("val_bpb:1.06")
    status, before = file.stat(), stamp_of(tmp_path)
    file.write_text("val_bpb:1.05")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert stamp_of(tmp_path) != before
