"""How long judging takes, apart from reading: `make bench`, or this file alone.

The baseline is reading the same records in the same run: judging them must cost less. For floods the bound is that of
docs/limits.md: 5 s for reading and judging together.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from golfcheck.judging.verify import judge
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck.judging.test_judging_hostile import FLOODS, PROGRAMS
from tests.golfcheck.valid_record import SCRIPT, Draft

RECORDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "records"
HOSTILE_SECONDS = 5.0


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.skipif(not RECORDS.is_dir(), reason="needs the real records")
def test_judging_real_records_costs_less_than_reading_them() -> None:
    folders = record_folders([RECORDS])
    reading = min(seconds(lambda: [load(folder) for folder in folders]) for _ in range(3))
    records = [load(folder) for folder in folders]
    entries = [entry for record in records if (entry := examine(record).entry())]
    judging = min(seconds(lambda: [judge(examine(record), entries) for record in records]) for _ in range(3))
    print(f"\n{len(folders)} records: reading {reading:.2f} s, judging {judging:.2f} s ({judging / reading:.2f}x)")
    assert judging < reading


@pytest.mark.parametrize("name", [*FLOODS, *PROGRAMS])
def test_a_flood_is_read_and_judged_within_the_bound(name: str, tmp_path: Path) -> None:
    if name in FLOODS:
        draft = Draft()
        draft.files["train_seed42.log"] += FLOODS[name].encode()
        folder = draft.write(tmp_path)
    else:
        folder = tmp_path
        (folder / "train_gpt.py").write_bytes(SCRIPT + PROGRAMS[name].encode())
    took = seconds(lambda: judge(examine(load(folder)), []))
    print(f"\n{name}: {took:.2f} s")
    assert took < HOSTILE_SECONDS


@pytest.mark.parametrize("logs", [6, 400])
@pytest.mark.parametrize(
    "line",
    [
        "step:1/2 train_loss:1.0 train_time:5ms step_avg:5.00ms",
        "step:1/2 [x] loss:2.1 t:3ms avg:4ms",
        "1/2 train_loss: 2.1 train_time: 1.0m",
        "x val_loss:2 val_bpb:1",
        "x",
        "a=1 " * 250,
    ],
    ids=lambda line: line[:20].strip() if isinstance(line, str) else str(line),
)
def test_a_folder_full_of_one_line_is_read_and_judged_within_the_bound(line: str, logs: int, tmp_path: Path) -> None:
    folder = Draft().write(tmp_path)
    size_bytes = 60 * 2**20 // logs  # together as much as a folder may hold
    text = f"{line}\n".encode() * (size_bytes // (len(line) + 1))
    for number in range(logs):
        (folder / f"train_seed{number + 5_000}.log").write_bytes(text)
    took = seconds(lambda: judge(examine(load(folder)), []))
    print(f"\n{line[:20].strip()} in {logs} logs: {took:.2f} s")
    assert took < HOSTILE_SECONDS


if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-s", "-p", "no:cacheprovider"]
    sys.exit(subprocess.run(command, check=False).returncode)
