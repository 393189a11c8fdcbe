"""What `golfcheck verify` costs on a tree of 60 records with their code, cold: `make bench`, or this file alone.

    python tests/bench/bench_verify.py [TREE]        # a clone's records/; without it, 60 records that are built here

Everything is CPU time of one process, and stands against Python's own parser reading the same scripts in the same run:
a machine that others use makes both slower. Bounds: 5 s for all, 1.5 s for one, and each record judged once.
"""

import ast
import contextlib
import os
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from golfcheck import trainlog  # noqa: E402 - found by the line above
from golfcheck.core import schema  # noqa: E402
from golfcheck.judging import judged  # noqa: E402
from golfcheck.judging.batch import judge_all  # noqa: E402
from golfcheck.judging.config import JudgingSettings  # noqa: E402
from golfcheck.judging.standing import read_standing  # noqa: E402
from golfcheck.judging.verify import judge  # noqa: E402
from golfcheck.rules import RULES, Rule  # noqa: E402
from golfcheck.source import reach  # noqa: E402
from golfcheck.submission import record  # noqa: E402
from golfcheck.submission.discover import record_folders  # noqa: E402
from golfcheck.submission.examined import examine  # noqa: E402
from tests.bench.bench_board import synthesize  # noqa: E402

COUNT = 60
ALL_SECONDS, ONE_SECONDS = 5.0, 1.5
_REPEATS = 3


def built(root: Path) -> Path:
    """Return a tree of 60 records, each with a script of 110 KB of its own: our trainer's modules in one file."""
    synthesize(root / "records", COUNT)
    script = b"\n".join(path.read_bytes() for path in sorted((ROOT / "reference").glob("*.py")))
    for number, folder in enumerate(record_folders([root / "records"])):
        (folder / "train_gpt.py").write_bytes(script + b"# %d\n" % number)
    return root / "records"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def command_seconds(path: Path, cache: str) -> tuple[float, float]:
    """Return the CPU seconds of verifying a path in a new interpreter, its start included, and its peak MiB."""
    command = [sys.executable, "-m", "golfcheck", "verify", str(path), "--jobs", "1", "--fail-on", "never"]
    process = subprocess.Popen(command, env={**os.environ, "XDG_CACHE_HOME": cache}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def parse_all(scripts: list[bytes]) -> None:
    """Parse scripts by Python's own parser: the baseline."""
    with warnings.catch_warnings(action="ignore"):
        for script in scripts:
            with contextlib.suppress(SyntaxError):
                ast.parse(script)


def parts_of(folders: list[Path]) -> dict[str, float]:
    """Return the CPU seconds of the parts of judging every folder once; those indented are inside the one above."""
    spent: Counter[str] = Counter()

    def timed(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            started = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent[part] += time.process_time() - started

        return call

    def checking(rule: Rule) -> Rule:
        return replace(rule, check=timed(lambda *given: list(rule.check(*given)), f"  {rule.name}"))

    standings = timed(lambda: [read_standing(folder, RULES, "written") for folder in folders], "standings")()
    entries = [entry for one, path in zip(standings, folders, strict=True) if (entry := one.entry(path.resolve()))]
    rules = tuple(map(checking, RULES))
    parts = ((reach, "reached", "  sources"), (schema, "violations", "  schemas"), (trainlog, "read", "  logs"))
    with contextlib.ExitStack() as stack:
        for module, name, part in parts:
            function = getattr(module, name)
            setattr(module, name, timed(function, part))
            stack.callback(setattr, module, name, function)
        for folder in folders:
            read = timed(record.load, "reading")(folder)
            examined = timed(examine, "choosing scores")(read)
            timed(judge, "rules")(examined, entries, rules=rules)
    names = {rule.name for rule in RULES}
    of_rules = [(name, seconds) for name, seconds in spent.most_common() if name.strip() in names]
    return {
        **{name: spent[name] for name in ("standings", "reading", "  sources", "  schemas", "  logs")},
        **{name: spent[name] for name in ("choosing scores", "rules")},
        **dict(of_rules[:5]),
    }


def judgments_of(tree: Path) -> tuple[int, int]:
    """Return how often a record is judged when a whole tree is, and how many records it has."""
    count = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += options.get("rules") != ()
        return judge(*arguments, **options)

    judged.judge = counted
    try:
        verdicts = judge_all([tree], JudgingSettings(cache=False, jobs=1))
    finally:
        judged.judge = judge
    return count, len(verdicts)


def main() -> int:
    """Print what verifying costs; return 1 if a bound is exceeded."""
    with TemporaryDirectory() as folder:
        tree = Path(sys.argv[1]) if len(sys.argv) > 1 else built(Path(folder))
        folders = record_folders([tree])
        scripts = [path.read_bytes() for one in folders for path in one.glob("*.py")]
        one = folders[len(folders) // 2]
        baselines, runs = [], []
        for number in range(_REPEATS):
            baselines.append(cpu_seconds(lambda: parse_all(scripts)))
            caches = [f"{folder}/all{number}", f"{folder}/one{number}"]
            runs.append(
                (command_seconds(tree, caches[0]), command_seconds(one, caches[1]), command_seconds(tree, caches[0]))
            )
        baseline = min(baselines)
        size_bytes = sum(file.stat().st_size for file in Path(caches[0]).rglob("*") if file.is_file())
        parts = parts_of(folders)
        judgments, records = judgments_of(tree)
    (all_s, all_mib), (one_s, _), (cached_s, cached_mib) = (min(run[index] for run in runs) for index in range(3))
    rows = {"all, cold": all_s, "one of them, cold": one_s, "all, cached": cached_s} | parts
    print(f"{records} records; baseline: ast.parse of their {len(scripts)} scripts, {baseline:.2f} CPU s")
    for name, seconds in rows.items():
        print(f"{name:<34} {seconds:6.2f} s  {seconds / baseline:6.2f}x")
    print(f"memory {all_mib:.0f} MiB cold, {cached_mib:.0f} MiB cached; cache {size_bytes / 1024:.0f} KiB")
    print(f"{judgments} judgments of {records} records")
    bounds = {
        f"{ALL_SECONDS} s for all": all_s <= ALL_SECONDS,
        f"{ONE_SECONDS} s for one": one_s <= ONE_SECONDS,
        "each judged once": judgments == records,
    }
    print("bounds: " + ", ".join(f"{name} {'ok' if is_kept else 'MISSED'}" for name, is_kept in bounds.items()))
    return int(not all(bounds.values()))


if __name__ == "__main__":
    sys.exit(main())
