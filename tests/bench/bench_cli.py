"""How long the help page and verdicts on a tree of real records take. `python tests/bench/bench_cli.py`

CPU time of the help page stands against the interpreter's own start (`python -c pass`); a tree's time and memory are
absolute, cold (an empty cache) and cached, with all cores.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT.parent / "shared" / "data" / "records"
REPEATS = 9


def cpu_ms(*command: str) -> float:
    """Return the smallest user and system time of a command over several runs."""
    seconds_of_runs = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds_of_runs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return 1e3 * min(seconds_of_runs)


def tree(cache: str) -> tuple[float, float]:
    """Return the seconds and the peak memory (MB, of the largest process) of judging all real records."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "golfcheck", "verify", str(RECORDS), "--fail-on", "never"]
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    base, page = cpu_ms("-c", "pass"), cpu_ms("-m", "golfcheck", "--help")
    print(f"golfcheck --help        {page:6.1f} ms CPU, python -c pass {base:.1f} ms: {page / base:.2f}x (target 3x)")
    if not RECORDS.is_dir():
        print(f"28 real records         not measured: {RECORDS} is not there")
        return
    with tempfile.TemporaryDirectory() as cache:
        cold_s, cold_mb = tree(cache)
        cached_s, cached_mb = min(tree(cache) for _ in range(3))
    print(f"28 real records, cold   {cold_s:6.2f} s, {cold_mb:.0f} MB (targets 3 s, 120 MB)")
    print(f"28 real records, cached {cached_s:6.2f} s, {cached_mb:.0f} MB (target 0.5 s)")


if __name__ == "__main__":
    main()
