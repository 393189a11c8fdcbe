"""How long a board of 2,000 records takes, and how much memory: `make bench`, or this file alone.

The records are copies of the real ones (without them: of one of ours) with other days and scores. Cold is a board that
reads and judges them all; the bound is on a board whose records are in the cache, in CPU seconds of its one process:
they count also where other work shares the machine.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from golfcheck.submission.discover import record_folders  # noqa: E402 - found by the line above
from tests.golfcheck.valid_record import Draft  # noqa: E402

RECORDS = ROOT.parent / "shared" / "data" / "records"
COUNT = 2_000
CACHED_SECONDS = 2.0
# A process of its own for each board: its peak memory is then its own.
PROGRAM = """
import resource, sys, time
from pathlib import Path
from golfcheck.board.load import load_board
from golfcheck.judging.config import JudgingSettings
first = []
started, spent = time.perf_counter(), time.process_time()
settings = JudgingSettings()
board = load_board([Path(sys.argv[1])], settings, early=lambda rows: first or first.append(time.perf_counter()))
took, spent = time.perf_counter() - started, time.process_time() - spent
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
most = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(took, spent, first[0] - started, own * 1024, most * 1024, len(board.rows), len(board.frontier))
"""
_SCORE = re.compile(rb'(val_bpb|val_loss)("?: ?)([0-9]\.[0-9]{4,})')  # in logs and in submission.json


def synthesize(root: Path, count: int) -> None:
    """Write `count` records into a tree: copies of real ones with later days, and scores moved by up to 0.006 bpb."""
    sources = record_folders([RECORDS]) if RECORDS.is_dir() else [Draft().write(root.parent / "source")]
    for number in range(count):
        source, turn = sources[number % len(sources)], number // len(sources)
        day = date.fromisoformat(source.name[:10]) + timedelta(days=turn % 12)
        folder = root / source.parent.name / f"{day}_{number:05}_{source.name[11:60]}"
        folder.mkdir(parents=True)
        for file in source.iterdir():
            if file.suffix in (".log", ".txt", ".json"):
                (folder / file.name).write_bytes(_moved(file.read_bytes(), (turn * 7919) % 120 - 60))
            elif file.is_file():
                shutil.copyfile(file, folder / file.name)


def _moved(text: bytes, steps: int) -> bytes:
    """Move every score by `steps` times 0.0001 bpb, and the losses accordingly, so that four decimals still agree."""
    pairs = dict(reversed([(match[1], float(match[3])) for match in _SCORE.finditer(text)]))
    ratio = pairs.get(b"val_loss", 0.0) / pairs.get(b"val_bpb", 1.0)

    def moved(match: re.Match[bytes]) -> bytes:
        by = steps * 1e-4 * (1.0 if match[1] == b"val_bpb" else ratio)
        digits = len(match[3].partition(b".")[2])
        return match[1] + match[2] + f"{float(match[3]) + round(by, 4):.{digits}f}".encode()

    return _SCORE.sub(moved, text)


def measure(tree: Path, cache: Path) -> tuple[float, ...]:
    """Return seconds, CPU seconds, seconds to the first rows, memory now and at most, rows and holders."""
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tree)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return tuple(map(float, completed.stdout.split()))


def main() -> int:
    """Print what a board costs; return 1 if the cached one exceeds its bound."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with TemporaryDirectory() as folder:
        root = Path(folder)
        synthesize(root / "records", count)
        started = time.perf_counter()
        files = sum(1 for _ in (root / "records").rglob("*"))
        print(f"{count:,} records, {files:,} files (a plain walk: {time.perf_counter() - started:.2f} s)")
        runs = [("cold", measure(root / "records", root / "cache"))]
        runs += [("cached", min(measure(root / "records", root / "cache") for _ in range(3)))]
        for name, (took, spent, first, own, most, rows, held) in runs:
            print(f"{name:<7} {took:.2f} s (CPU of the first process {spent:.2f}), first rows after {first:.2f} s")
            print(f"        {rows:,.0f} rows, {held:.0f} held the record; ", end="")
            print(f"{own / 2**20:.0f} MiB, largest process {most / 2**20:.0f} MiB")
        cache_bytes = sum(file.stat().st_size for file in (root / "cache").rglob("*") if file.is_file())
        print(f"cache   {cache_bytes / 2**20:.0f} MiB")
        cached = runs[-1][1][1]
    print(
        f"bound   {CACHED_SECONDS} CPU s for {COUNT:,} cached records: {'ok' if cached <= CACHED_SECONDS else 'MISSED'}"
    )
    return int(count == COUNT and cached > CACHED_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
