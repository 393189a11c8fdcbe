"""What rescoring costs: `python -m tests.bench.bench_rescore [--rounds N] [--length N] [--precision P]`.

The baseline is `tests/bench/plain.py`: the evaluation written the obvious way, calls of VAL_BATCH_SIZE by eight
micro-batches (65,536 tokens; golden 4,096), all logits in fp32. Lengths 1024 and 4096 are of the 17M model, 256 is the
golden configuration. Each variant is measured in a process of its own, in turn with the others; shown are medians of
the rounds, and by how much the score of the same tokens moves. Where other work shares the machine, the ratio of CPU
seconds is the one to read. The share is of the machine's own matrix products of that precision, measured in the same
process by one thread, times the threads.
"""

import argparse
import contextlib
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from golfcheck.core.errors import Refused
from golfcheck.untrusted.artifacts import load
from tests.golfcheck import artifact_corpus

CALL_TOKENS = 65_536
TOKENS = 32_768  # of the variants that need no such call
LENGTHS = (256, 1024, 4096)
GOLDEN = {"num_layers": 4, "model_dim": 128, "num_heads": 4, "num_kv_heads": 2}  # the golden runs' model, at length 256
GOLDEN_CALL_TOKENS = 4096  # VAL_BATCH_SIZE 32,768 by eight micro-batches
GOLDEN_TOKENS = 262_144  # seconds of so small a model, beside which its first call is nothing
VARIANTS = {  # what each adds, and its threads or processes
    "plain": ("plain.py, one thread", 1),
    "short": ("plain.py, one sequence a call", 1),
    "ours": ("ours, torch's attention", 1),
    "compiled": ("+ compiled attention", 1),
    "plain-all": ("plain.py, a thread a core", 0),
    "all": ("all of it, a process a core", 0),
}


def matrix_rate(dtype: Any) -> float:
    """Measure the FLOP/s of one thread's matrix products."""
    import torch

    a, best = torch.ones(1024, 1024, dtype=dtype), 0.0
    for _ in range(20):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 1024**3 / (time.perf_counter() - start))
    return best


def chip() -> str:
    """Return the chip's name and which kinds of matrix instructions it has: ratios differ between kinds."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    kinds = [kind for kind in ("avx512_bf16", "amx_bf16") if kind in facts.get("flags", "").split()]
    return f"{facts.get('model name', 'unnamed')}: {', '.join(kinds) or 'no bf16 instructions'}"


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its workers that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def resident_mib() -> float:
    """Return the memory that this process and its workers use now, counting each shared page once."""
    total_kib = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if os.getpid() in (parent, int(stat.parent.name)):
                rollup = stat.with_name("smaps_rollup").read_text()
                total_kib += int(rollup.partition("\nPss:")[2].split()[0])
    return total_kib / 1024


def peak_mib() -> float:
    """Return the peak memory of this process; `ru_maxrss` would include that of its parent."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def measure(variant: str, seq_len: int, precision: str) -> dict[str, float]:
    """Score random tokens with the default model; return tokens/s, the share of the matrix rate, memory and loss."""
    import numpy as np
    import torch

    from golfcheck.reference.bpb import ByteTable
    from golfcheck.reference.model import GPT, GPTConfig
    from golfcheck.reference.ranks import Ranks
    from golfcheck.reference.settings import Settings
    from golfcheck.rescore.measure import Evaluation
    from tests.bench.plain import Plain

    is_plain = variant in ("plain", "short", "plain-all")
    threads = VARIANTS[variant][1] or torch.get_num_threads()
    shape = GOLDEN if seq_len == LENGTHS[0] else {}
    tokens = GOLDEN_TOKENS if shape else CALL_TOKENS if variant.startswith("plain") else TOKENS
    torch.set_num_threads(1)
    peak = matrix_rate(torch.bfloat16 if precision == "bf16" else torch.float32) * threads
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    config = GPTConfig(**shape, train_seq_len=seq_len)
    state = {name: value + 0.02 * torch.randn_like(value.float()) for name, value in GPT(config).state_dict().items()}
    text = np.random.default_rng(0).integers(0, 1024, tokens + 1).astype(np.uint16)
    table = ByteTable(np.full(1024, 2), np.zeros(1024, np.bool_), np.zeros(1024, np.bool_))
    mib: list[float] = []
    if is_plain:
        batch = 8 * (seq_len if variant == "short" else GOLDEN_CALL_TOKENS if shape else CALL_TOKENS)
        plain = Plain(Settings(**shape, train_seq_len=seq_len, val_batch_size=batch))
        plain.model.load_state_dict(state, strict=False)
        if precision == "fp32":
            plain.model.float()
        start, worked = time.perf_counter(), cpu_seconds()
        score = plain.evaluate(text, table, autocast=precision == "bf16")
    else:
        ranks = Ranks(0, 1, torch.device("cpu"))
        evaluation = Evaluation(state, config, precision, ranks, compiled=variant != "ours")

        def watch(done: int, total: int) -> None:
            if done == total // 2 and threads > 1:
                mib.append(resident_mib())

        start, worked = time.perf_counter(), cpu_seconds()
        score = evaluation.score(text, table.count(text), watch)
    rate, core_rate = tokens / (time.perf_counter() - start), tokens / (cpu_seconds() - worked)
    # Forward: every weight of a matrix, and attention to half of the sequence, as in docs/scaling.md.
    flop = 2 * sum(value.numel() for value in state.values() if value.ndim == 2)
    flop += 2 * config.num_layers * config.model_dim * seq_len
    mib.append(peak_mib())
    share = core_rate * threads * flop / peak  # by processor time, as the ratio: other work does not count
    return {"rate": rate, "core_rate": core_rate, "share": share, "mib": max(mib), "bpb": score.val_bpb}


def run(variant: str, seq_len: int, precision: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_rescore", "--one", variant, str(seq_len), precision]
    env = os.environ | ({"OMP_NUM_THREADS": "1"} if VARIANTS[variant][1] else {})
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, env=env | {"OMP_WAIT_POLICY": "PASSIVE"}
    )
    result: dict[str, float] = json.loads(output.stdout)
    return result


def evaluation(seq_len: int, precision: str, rounds: int, *, is_alone: bool) -> None:
    """Print each variant's medians, and the median over rounds of its ratio to plain.py with as many threads."""
    names = [name for name in VARIANTS if precision == "bf16" or name != "compiled"]
    names = [name for name in names if VARIANTS[name][1] or not is_alone]
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _, name in itertools.product(range(rounds), names):
        measured[name].append(run(name, seq_len, precision))
    for name in names:
        base = measured["plain" if VARIANTS[name][1] else "plain-all"]
        ratio, core_ratio = (
            statistics.median(one[key] / other[key] for one, other in zip(measured[name], base, strict=True))
            for key in ("rate", "core_rate")
        )
        rate, share, mib = (statistics.median(one[key] for one in measured[name]) for key in ("rate", "share", "mib"))
        moved = (
            "" if name.startswith("plain") else f"  {measured[name][0]['bpb'] - measured['short'][0]['bpb']:+.6f} bpb"
        )
        print(
            f"length {seq_len} {precision}  {VARIANTS[name][0]:<37} {ratio:5.2f}x (CPU {core_ratio:.2f}x)  "
            f"{rate:>6,.0f} tokens/s  "
            f"{share:4.0%} of the matrix rate  {mib:>6,.0f} MiB{moved}",
            flush=True,
        )


def loading() -> None:
    """Time the strict reader on an artifact of nearly 16 MB, against torch.load of the same bytes."""
    import io
    import zlib

    import torch

    from golfcheck.reference import artifact
    from golfcheck.reference.model import GPT, GPTConfig

    model = GPT(GPTConfig())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    data = artifact.pack(artifact.quantize(model.state_dict(), ["scale", "mix", "gain", "skip"]))[0]
    start = time.perf_counter()
    torch.load(io.BytesIO(zlib.decompress(data)), weights_only=True)
    theirs = time.perf_counter() - start
    start = time.perf_counter()
    load(data)
    ours = time.perf_counter() - start
    print(f"loading {len(data):,} bytes: torch.load {theirs:.2f} s, strict reader in its child {ours:.2f} s")


def hostile() -> None:
    """Time the refusal of every hostile file of the corpus, each in its child."""
    took = {}
    for case in artifact_corpus.cases():
        data = case.build()
        start = time.perf_counter()
        with contextlib.suppress(Refused):
            load(data)
        took[time.perf_counter() - start] = case.title
    print(f"refusing {len(took)} hostile files: {sum(took):.1f} s, the slowest {max(took):.2f} s ({took[max(took)]})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--length", type=int, action="append")
    parser.add_argument("--precision", action="append", choices=("bf16", "fp32"))
    parser.add_argument("--one-thread", action="store_true", help="only what computes in one thread")
    parser.add_argument("--one", nargs=3)
    args = parser.parse_args()
    if args.one:
        variant, seq_len, precision = args.one
        print(json.dumps(measure(variant, int(seq_len), precision)))
        return
    print(chip())
    if not args.one_thread:
        loading()
        hostile()
    for seq_len, precision in itertools.product(args.length or LENGTHS, args.precision or ("bf16", "fp32")):
        evaluation(seq_len, precision, args.rounds, is_alone=args.one_thread)


if __name__ == "__main__":
    main()
