"""What `golfcheck queue` costs for each pull request, cold, and again with its verdicts cached: `make bench`.

The repository is built here: a base of three records, and pull requests of one record each, with a script of 110 KB of
its own. CPU time of all processes together stands against Python's own parser reading the same scripts in the same run.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.bench_verify import cpu_seconds, parse_all  # noqa: E402 - found by the line above
from tests.golfcheck.repositories import Repo, record  # noqa: E402
from tests.golfcheck.valid_record import SCRIPT, Draft  # noqa: E402

NUM_HEADS = 24
HEAD_SECONDS = 0.5  # the contest's own repository: 257 s for 2,059 heads
CACHED_SECONDS = 3.0


def build(path: Path) -> tuple[Repo, list[bytes]]:
    """Return a repository of pull requests, and their scripts."""
    trainer = b"\n".join(module.read_bytes() for module in sorted((ROOT / "reference").glob("*.py")))
    repo = Repo(path)
    base = {"README.md": b"the contest"} | dict(
        item for number in range(3) for item in record(f"2026-05-0{number + 1}_Base{number}", -0.01 * number).items()
    )
    start = repo.commit(base, subject="First")
    repo.ref("refs/heads/main", start)
    scripts = [SCRIPT + trainer + b"# %d\n" % number for number in range(NUM_HEADS)]
    for number, script in enumerate(scripts):
        folder = f"2026-06-{number + 1:02}_Head{number}"
        draft = Draft(folder=folder, bpb_shift=-0.03 - 1e-4 * number, script=script)
        repo.pull(number + 10, base | record(folder, draft=draft), start)
    return repo, scripts


def queue_seconds(repo: Repo, cache: Path) -> float:
    """Return the CPU seconds of judging the queue, all processes together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "golfcheck", "queue", str(repo.path), "--format", "csv"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    completed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert len(completed.stdout.splitlines()) == NUM_HEADS + 1
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print what a queue costs; return 1 if a bound is exceeded."""
    with TemporaryDirectory() as folder:
        repo, scripts = build(Path(folder) / "golf.git")
        baseline = cpu_seconds(lambda: parse_all(scripts))
        cold = queue_seconds(repo, Path(folder) / "cache")
        cached = queue_seconds(repo, Path(folder) / "cache")
    print(f"{NUM_HEADS} heads; baseline: ast.parse of their scripts, {baseline:.2f} CPU s")
    for name, seconds in (("cold", cold), ("cold, for each head", cold / NUM_HEADS), ("cached", cached)):
        print(f"{name:<22} {seconds:6.2f} s  {seconds / baseline:6.2f}x")
    bounds = {
        f"{HEAD_SECONDS} s for each head": cold / NUM_HEADS <= HEAD_SECONDS,
        f"{CACHED_SECONDS} s cached": cached <= CACHED_SECONDS,
    }
    print("bounds: " + ", ".join(f"{name} {'ok' if is_kept else 'MISSED'}" for name, is_kept in bounds.items()))
    return int(not all(bounds.values()))


if __name__ == "__main__":
    sys.exit(main())
