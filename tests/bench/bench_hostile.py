"""The CPU seconds and memory that verify takes for the costliest folders, each in a process of its own.

Usage: python tests/bench/bench_hostile.py [WORDS OF A NAME]. The limits are those of docs/security.md.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.golfcheck import costly_folders

LIMIT_SECONDS, LIMIT_MB = 5.0, 400
_CHILD = """
import resource, sys
from pathlib import Path
from golfcheck.cli import main
try:
    code = main()
except SystemExit as end:
    code = end.code
usage = resource.getrusage(resource.RUSAGE_SELF)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
megabytes = int(status["VmHWM"].split()[0]) // 1024  # ru_maxrss is at least that of the process that started this one
print(f"{usage.ru_utime + usage.ru_stime:.2f} {megabytes} {code}", file=sys.stderr)
"""


def measure(folder: Path, *arguments: str, seconds: int = 60) -> tuple[float, int, int | None]:
    """Return the CPU seconds, the largest memory in MB, and the exit code of verify on a folder."""
    command = [sys.executable, "-c", _CHILD, "verify", "--no-cache", "--jobs", "1", *arguments, str(folder)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))

    completed = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    try:
        cpu, memory, code = completed.stderr.strip().splitlines()[-1].split()
        return float(cpu), int(memory), int(code) if code.isdigit() else None
    except (ValueError, IndexError):
        return float(seconds), -1, completed.returncode


if __name__ == "__main__":
    words = " ".join(sys.argv[1:])
    for name in costly_folders.CASES:
        if words not in name:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            cpu, memory, code = measure(costly_folders.write(name, Path(temporary)))
        over = " OVER" if cpu > LIMIT_SECONDS or not 0 < memory <= LIMIT_MB or code not in (0, 1, 2) else ""
        print(f"{name:<50} {cpu:6.2f} s  {memory:5} MB  exit {code}{over}", flush=True)
