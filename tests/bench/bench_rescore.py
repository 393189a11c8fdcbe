"""What rescoring costs: `python -m tests.bench.bench_rescore [--tokens N]`, one thread.

The baseline is the evaluation written the obvious way: the module's forward in bf16 autocast, all logits in fp32, the
contest's 65,536 tokens a call (or --tokens). Each variant runs in a process of its own, for its peak memory; the share
is of the machine's own bf16 matrix product, measured in the same process.
"""

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import time

from golfcheck.errors import Refused
from golfcheck.untrusted.load import load
from tests.golfcheck import artifact_corpus

CALL_TOKENS = 65_536
FLOP_PER_TOKEN = 34.1e6  # of the 17M model's matrices, forward
ATTENTION_FLOP = 9.2e3  # per token and per position of the sequence: half of all pairs, 9 layers, width 512


def measure(variant: str, seq_len: int, tokens: int) -> dict[str, float]:
    """Score random tokens with random weights of the default model; return tokens/s, bf16 FLOP/s and memory."""
    import numpy as np
    import torch

    from golfcheck.rescore.measure import Evaluation
    from reference.bpb import ByteTable, evaluate
    from reference.model import GPT, GPTConfig
    from reference.ranks import Ranks

    torch.set_num_threads(1)
    config = GPTConfig(train_seq_len=seq_len)
    state = GPT(config).state_dict()
    text = np.random.default_rng(0).integers(0, 1024, tokens + 1).astype(np.uint16)
    table = ByteTable(np.full(1024, 2), np.zeros(1024, np.bool_), np.zeros(1024, np.bool_))
    device = torch.device("cpu")
    a = torch.ones(1024, 1024, dtype=torch.bfloat16)
    peak = 0.0
    for _ in range(20):
        start = time.perf_counter()
        a @ a
        peak = max(peak, 2 * 1024**3 / (time.perf_counter() - start))
    start = time.perf_counter()
    if variant == "plain":
        model = GPT(config)
        model.load_state_dict(state)
        batch_seqs = min(CALL_TOKENS, tokens) // seq_len
        with torch.autocast("cpu", torch.bfloat16):
            evaluate(model, text, table, seq_len=seq_len, batch_seqs=batch_seqs, device=device)
    else:
        evaluation = Evaluation(state, config, variant, Ranks(0, 1, device))
        evaluation.score(text, table, lambda _done, _total: None)
    rate = tokens / (time.perf_counter() - start)
    flop = FLOP_PER_TOKEN + ATTENTION_FLOP * seq_len
    return {"rate": rate, "share": rate * flop / peak, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(variant: str, seq_len: int, tokens: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.bench_rescore", "--one", variant, str(seq_len), str(tokens)]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    result: dict[str, float] = json.loads(output.stdout)
    return result


def loading() -> None:
    """Time the strict reader on an artifact of nearly 16 MB, against torch.load of the same bytes."""
    import io
    import zlib

    import torch

    from reference import artifact
    from reference.model import GPT, GPTConfig

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
    parser.add_argument("--tokens", type=int, default=CALL_TOKENS)
    parser.add_argument("--one", nargs=3)
    args = parser.parse_args()
    if args.one:
        variant, seq_len, tokens = args.one
        print(json.dumps(measure(variant, int(seq_len), int(tokens))))
        return
    loading()
    hostile()
    for seq_len in (1024, 4096):
        base = run("plain", seq_len, args.tokens)
        for variant, found in (
            ("plain", base),
            *((name, run(name, seq_len, args.tokens)) for name in ("bf16", "fp32")),
        ):
            print(
                f"length {seq_len}  {variant:<5}  {found['rate'] / base['rate']:.2f}x  {found['rate']:,.0f} tokens/s  "
                f"{found['share']:.0%} of the bf16 matrix rate  {found['mib']:,.0f} MiB"
            )


if __name__ == "__main__":
    main()
