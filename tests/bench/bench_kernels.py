"""The evaluation with each attention kernel against the contest's, interleaved in one process on one thread:
`python -m tests.bench.bench_kernels [--rounds N] [--length N]`.

Random tokens, the 17M model in bf16. The base is `tests/bench/plain.py` with one sequence a call, which needs 1.3 to
1.5 times less than the contest's call of 65,536 tokens (`bench_rescore`). Times are CPU seconds of this process; shown
are medians over the rounds of ratios within a round, and the share of the rate of bf16 matrix products in that round.
"""

import argparse
import statistics
import time

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

TOKENS = 4096  # a call
PRODUCTS = 20


def matrix_rate() -> float:
    """Return the FLOP/s of bf16 matrix products, by CPU seconds."""
    a = torch.ones(1024, 1024, dtype=torch.bfloat16)
    start = time.process_time()
    for _ in range(PRODUCTS):
        a @ a
    return PRODUCTS * 2 * 1024**3 / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, action="append")
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(chip(), flush=True)
    for length in args.length or (1024, 4096):
        torch.manual_seed(0)
        config = GPTConfig(train_seq_len=length)
        state = {k: v + 0.02 * torch.randn_like(v.float()) for k, v in GPT(config).state_dict().items()}
        text = np.random.default_rng(0).integers(0, 1024, TOKENS + 1).astype(np.uint16)
        table = ByteTable(np.full(1024, 2), np.zeros(1024, np.bool_), np.zeros(1024, np.bool_))
        plain = Plain(Settings(train_seq_len=length, val_batch_size=8 * length))
        plain.model.load_state_dict(state, strict=False)
        alone = Ranks(0, 1, torch.device("cpu"))
        ours, compiled = (Evaluation(state, config, "bf16", alone, compiled=which) for which in (False, True))
        ids = torch.from_numpy(text[: TOKENS // length * length + 1].astype(np.int64))
        rows = ids[torch.arange(TOKENS // length)[:, None] * length + torch.arange(length + 1)]  # [B, T + 1]
        calls = {
            "plain.py, one sequence a call": lambda: plain.evaluate(text, table, autocast=True),  # noqa: B023
            "ours, torch's attention": lambda: ours.losses(rows),  # noqa: B023
            "ours, compiled attention": lambda: compiled.losses(rows),  # noqa: B023
        }
        flop = 2 * sum(v.numel() for v in state.values() if v.ndim == 2) + 2 * config.num_layers * 512 * length
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        rates = []
        for round_number in range(-1, args.rounds):  # the first one warms up
            rates.append(matrix_rate())
            for name, call in calls.items():
                start = time.process_time()
                call()
                seconds[name].append(time.process_time() - start)
            print(f"length {length} round {round_number + 1} of {args.rounds}", flush=True)
        base = seconds["plain.py, one sequence a call"]
        for name, times in seconds.items():
            ratio = statistics.median(b / t for b, t in zip(base[1:], times[1:], strict=True))
            rate = statistics.median(TOKENS / t for t in times[1:])
            share = statistics.median(TOKENS * flop / t / r for t, r in zip(times[1:], rates[1:], strict=True))
            print(f"length {length}  {name:<30} {ratio:5.2f}x  {rate:>6,.0f} tokens/s  {share:4.0%} of the matrix rate")
        print(f"length {length}  {compiled.describe()}; the trial: {attention.faster(8, 4, 64, length)[1]}", flush=True)


if __name__ == "__main__":
    main()
