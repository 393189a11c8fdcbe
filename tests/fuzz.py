"""Mutations of valid folders and artifacts, each read and judged in this process; `make fuzz` runs 20,000.

Usage: python tests/fuzz.py [--count N] [--seed S] [--out FILE]

No input may raise, take over LIMIT_SECONDS of CPU, or make the process grow over LIMIT_MB. Each input is made from the
seed and its number alone: `--seed S --first K --count 1` makes one of them again. The slowest are printed at the end,
and with --out every input's CPU seconds and the process's memory after it.
"""

import argparse
import io
import random
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import thread_time

sys.path.insert(0, str(Path(__file__).parents[1]))

from golfcheck.core.verdict import Verdict
from golfcheck.judging.verify import judge
from golfcheck.render.page import Page
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from golfcheck.untrusted import readprocess
from golfcheck.untrusted.readlimits import Limits
from tests.golfcheck import artifact_corpus, hostile_records
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.valid_record import Draft

LIMIT_SECONDS, LIMIT_MB = 5.0, 400
ARTIFACTS = 4  # one input in so many is an artifact
FORMATS = ("text", "concise", "json", "jsonl", "github", "markdown", "junit", "sarif", "csv")
PACKED = b"import zlib, base64\nexec(zlib.decompress(base64.b85decode('c$@')))\n"
LINES = [
    *(
        b"\n",
        b"\0",
        b"\r\n",
        b"\xff",
        b"=" * 100 + b"\n",
        b"step:1/2 val_loss:nan val_bpb:nan\n",
        b"Hyperparameters:\n",
    ),
    *(b"final_exact val_loss:1.8 val_bpb:0.1\n", b"seed:7\n", b"Total submission size: 99999999999999999 bytes\n"),
    *(b"import requests\n", b"exec(x)\n", b"for a in b: f(val_tokens).backward()\n", b"def f(a): f(a)\n", PACKED),
    *(b'"val_bpb": 1e999,', b'"golfcheck": {"ignore": {"x": "y"}},', b"{" * 40, b"[" * 40, b'"\\ud800"', b"9" * 30),
    *(b"eval_time:nanms\n", b"train_time:-1ms step_avg:infms\n", b"[rank0]: ", b"\x1b[31m", b"NaN", b"-0", b"1e-400"),
    *(text.encode("utf-8", "surrogatepass")[:2_000] for text in PAYLOADS.values()),
]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one input: CPU seconds, and the peak memory of the process so far."""

    number: int
    kind: str
    seconds: float
    memory_mb: int
    error: str = ""


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return data with a few pieces cut, repeated, moved or replaced, or with lines of ours inserted."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(result) + 1)
        size = rng.choice((1, 2, 8, 64, 500))
        piece = bytes(result[at : at + size])
        change: Callable[[], bytes] = rng.choice(
            (
                lambda: b"",
                lambda: rng.choice(LINES),
                lambda: rng.choice(LINES) * rng.choice((2, 20, 300)),
                lambda piece=piece: piece * rng.choice((2, 20, 300)),  # type: ignore[misc]
                lambda size=size: rng.randbytes(min(size, 16)),  # type: ignore[misc]
                lambda: str(rng.choice((0, -1, 10**9, 10**25, 0.5, 1e300, 16_000_001))).encode(),
            )
        )
        result[at : at + rng.choice((0, size))] = change()
    return bytes(result)


def _folder(rng: random.Random, root: Path) -> None:
    """Write a mutated record, read it, judge it, and show the verdict in one format."""
    draft = Draft(folder="2026-06-01_Fuzzed")
    files = dict(draft.files)
    for path in rng.sample(sorted(files), rng.choice((1, 1, 2, len(files)))):
        files[path] = mutated(files[path], rng)
        if rng.random() < 0.05:
            del files[path]
        elif rng.random() < 0.05:
            files[path] = files[path].decode("latin-1").encode(rng.choice(("utf-16", "utf-16-be", "utf-8-sig")))
    folder = root / "2026-06-01_Fuzzed"
    folder.mkdir()
    for path, data in files.items():
        (folder / path).write_bytes(data)
    verdict = judge(examine(load(folder)), [])
    assert isinstance(verdict, Verdict)
    text = import_module(f"golfcheck.render.verdict_{rng.choice(FORMATS)}").render([verdict], Page())
    assert not hostile_records.obeyed(text), hostile_records.obeyed(text)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _artifact(rng: random.Random, _: Path) -> None:
    """Read a mutated artifact as the confined process does: it is refused with a code, or it is whole."""
    body = mutated(artifact_corpus.archive(artifact_corpus.records()), rng)
    data = artifact_corpus.pack(body) if rng.random() < 0.8 else mutated(artifact_corpus.pack(body), rng)
    readprocess.answer(data, Limits(), True, io.BytesIO())


def run(count: int, seed: int, first: int = 0) -> Iterator[Cost]:
    """Try inputs first … first + count - 1, and yield the cost of each."""
    with tempfile.TemporaryDirectory(prefix="golfcheck-fuzz-") as temporary:
        for number in range(first, first + count):
            rng = random.Random(f"{seed} {number}")
            kind = "artifact" if number % ARTIFACTS == 0 else "folder"
            root = Path(temporary) / str(number)
            root.mkdir()
            started, error = thread_time(), ""
            try:
                (_artifact if kind == "artifact" else _folder)(rng, root)
            except Exception:
                error = traceback.format_exc()
            seconds = thread_time() - started
            memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            yield Cost(number, kind, seconds, memory_mb, error)


def main() -> int:
    """Run and print; return 1 if an input exceeded a limit or raised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    costs: list[Cost] = []
    with suppress(KeyboardInterrupt):  # what was tried so far counts
        costs.extend(run(args.count, args.seed, args.first))
    if args.out:
        rows = "".join(f"{cost.number},{cost.kind},{cost.seconds:.4f},{cost.memory_mb}\n" for cost in costs)
        args.out.write_text(f"number,kind,cpu_seconds,process_mb\n{rows}")
    failed = [cost for cost in costs if cost.error]
    over = [cost for cost in costs if cost.seconds > LIMIT_SECONDS or cost.memory_mb > LIMIT_MB]
    for cost in failed[:5]:
        print(f"--seed {args.seed} --first {cost.number} --count 1\n{cost.error}")
    for cost in sorted(costs, key=lambda cost: -cost.seconds)[:5]:
        print(f"input {cost.number} ({cost.kind}): {cost.seconds:.2f} s, process {cost.memory_mb} MB")
    total = sum(cost.seconds for cost in costs)
    print(f"{len(costs):,} inputs, seed {args.seed}, {total:.0f} CPU s: {len(failed)} crashes, {len(over)} over budget")
    return int(bool(failed or over))


if __name__ == "__main__":
    raise SystemExit(main())
