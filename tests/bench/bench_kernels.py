"""The evaluation with each attention kernel against the contest's, interleaved in one process on one thread:
`python -m tests.bench.bench_kernels [--rounds N] [--length N] [--precision P]`; two minutes for all of it.

Random tokens, the 17M model. The base is `tests/bench/plain.py` with one sequence a call, which needs 1.3 to 1.5 times
less than the contest's call of 65,536 tokens (`bench_rescore`, which has a process for each: the small golden model
gains by how ours keeps its memory, and in one process the base would as well). Times are CPU seconds of this process;
shown are medians over the rounds of ratios within a round, and the share of the rate of matrix products of that
precision in the same round.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.reference.settings import Settings
from golfcheck.rescore import attention
from golfcheck.rescore.measure import Evaluation
from tests.bench.bench_rescore import chip
from tests.bench.plain import Plain

TOKENS = 4096  # of a round
PRODUCTS = 20
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
ALONE = Ranks(0, 1, torch.device("cpu"))


def matrix_rate(dtype: torch.dtype) -> float:
    """Return the FLOP/s of matrix products, by CPU seconds."""
    a = torch.ones(1024, 1024, dtype=dtype)
    start = time.process_time()
    for _ in range(PRODUCTS):
        a @ a
    return PRODUCTS * 2 * 1024**3 / (time.process_time() - start)


def measure(length: int, precision: str, rounds: int) -> None:
    """Print the table of one length and precision."""
    torch.manual_seed(0)
    config = GPTConfig(train_seq_len=length)
    state = {name: value + 0.02 * torch.randn_like(value.float()) for name, value in GPT(config).state_dict().items()}
    text = np.random.default_rng(0).integers(0, config.vocab_size, TOKENS + 1).astype(np.uint16)
    table = ByteTable(np.full(1024, 2), np.zeros(1024, np.bool_), np.zeros(1024, np.bool_))
    num_bytes = table.count(text)

    def plain() -> Callable[[], object]:
        plain = Plain(Settings(train_seq_len=length, val_batch_size=8 * length))
        plain.model.load_state_dict(state, strict=False)
        if precision == "fp32":
            plain.model.float()
        return lambda: plain.evaluate(text, table, autocast=precision == "bf16")

    def ours(compiled: bool) -> Callable[[], object]:
        evaluation = Evaluation(state, config, precision, ALONE, compiled=compiled)
        return lambda: evaluation.score(text, num_bytes, lambda *_: None)

    calls = {"plain.py, one sequence a call": plain(), "ours, torch's attention": ours(compiled=False)}
    if precision == "bf16":
        calls["ours, compiled attention"] = ours(compiled=True)
    # Forward: every weight of a matrix, and attention to half of the sequence, as in docs/scaling.md.
    flop = 2 * sum(value.numel() for value in state.values() if value.ndim == 2)
    flop += 2 * config.num_layers * config.model_dim * length
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    rates = []
    for _ in range(1 + rounds):  # the first one warms up
        rates.append(matrix_rate(DTYPES[precision]))
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name].append(time.process_time() - start)
    base = next(iter(seconds.values()))
    for name, times in seconds.items():
        ratio = statistics.median(b / t for b, t in zip(base[1:], times[1:], strict=True))
        rate = statistics.median(TOKENS / t for t in times[1:])
        share = statistics.median(TOKENS * flop / t / r for t, r in zip(times[1:], rates[1:], strict=True))
        print(
            f"length {length:>4} {precision}  {name:<32} {ratio:5.2f}x  {rate:>6,.0f} tokens/s  "
            f"{share:4.0%} of the matrix rate",
            flush=True,
        )
    if precision == "bf16":
        taken = attention.faster(config.num_heads, config.num_kv_heads, config.head_dim, length)[1]
        print(f"length {length:>4} {precision}  the trial: {taken}", flush=True)


def main() -> None:
    """Print the requested tables, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, action="append")
    parser.add_argument("--precision", action="append", choices=tuple(DTYPES))
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(chip(), flush=True)
    for precision, length in itertools.product(args.precision or DTYPES, args.length or (1024, 4096)):
        measure(length, precision, args.rounds)


if __name__ == "__main__":
    main()
