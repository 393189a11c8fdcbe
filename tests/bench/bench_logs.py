"""How fast logs are read: `python tests/bench/bench_logs.py`, one process, the best of 7.

The baseline is what any reader must do: decode the text, split it into lines, and hash the file. With source dumps put
back (real logs begin with 50 KB of source; the copies here do not), most bytes are skipped and the rate is higher.
"""

import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from golfcheck import trainlog  # noqa: E402 - found by the line above
from golfcheck.trainlog import linekinds as ll  # noqa: E402

RECORDS = ROOT.parent / "shared" / "data" / "records"
REPEATS = 7
MB = 1e6


def rate(read: Callable[[bytes], object], logs: list[bytes]) -> float:
    """Return megabytes per second of CPU time."""
    best = float("inf")
    for _ in range(REPEATS):
        started = time.process_time()
        for log in logs:
            read(log)
        best = min(best, time.process_time() - started)
    return sum(map(len, logs)) / MB / best


def plain(log: bytes) -> object:
    return hashlib.sha256(log).digest(), log.decode().split("\n")


def ours(log: bytes) -> object:
    return trainlog.read("train.log", log)


def synthetic() -> list[bytes]:
    """Make a log that consists of steps only."""
    step = ll.TrainStep(step=8508, iterations=20000, train_loss=2.0255, train_ms=599920.0, step_avg_ms=70.51)
    return [f"{step}\n".encode() * 20_000]


def main() -> None:
    """Print the figures."""
    sets = {"a step on every line": synthetic()}
    if RECORDS.is_dir():
        real = [path.read_bytes() for path in sorted(RECORDS.rglob("*")) if path.suffix in (".log", ".txt")]
        source = b"import torch\n" + b"    x = torch.relu(self.fc(x)).square()  # shape\n" * 1_000
        rule = str(ll.Separator()).encode()
        sets["75 real logs, without source"] = real
        sets["the same, with 48 KB of source"] = [
            source + b"\n" + rule + b"\nRunning Python 3.12\n" + rule + b"\n" + log for log in real
        ]
    for name, logs in sets.items():
        mine, base = rate(ours, logs), rate(plain, logs)
        size = sum(map(len, logs)) / MB
        print(f"{name:32} {size:5.1f} MB  {mine:6.1f} MB/s (target 20)  baseline {base:4.0f} MB/s, {base / mine:.1f}x")


if __name__ == "__main__":
    main()
