"""How much text it takes to refute a claim: `python -m tests.bench.bench_estimate [--control NAME=REPORT]`, one thread.

The real artifact and validation tokens beside the checkout are scored once, and so is a copy of the artifact with noise
in its weights: a control of similar quality, whose losses correlate with the artifact's like those of two runs of one
author (0.9945, performance.md). Then random orders are replayed, each until a claim that is too low is refuted: with
the 256 sequences that there are, and with as many as the whole split has, drawn from these with replacement. Seconds
are sequences times what one took here; the n-gram model's are printed apart.
"""

import argparse
import math
import statistics
import time
from pathlib import Path

import numpy as np
import torch

from golfcheck.rescore import control, measure, ngram, sequence, weights
from golfcheck.rescore.judge import DEVICES_BPB
from golfcheck.rescore.report import FileDigest
from golfcheck.untrusted.load import load
from reference.artifact import dequantize, quantize
from reference.bpb import ByteTable
from reference.data import read_validation, sha256, shard_paths
from reference.ranks import Ranks
from reference.settings import CONTROL_TENSORS

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SEQ_LEN, VOCAB = 512, 1024
NOISE = 0.3  # of each matrix's standard deviation
SPLIT_TOKENS = 62_021_632
TOO_LOW_BPB = (0.02, 0.005)
ORDERS = 200


def noisy(state: weights.State) -> weights.State:
    """Return weights with noise in the blocks' matrices, rounded as artifacts are."""
    torch.manual_seed(0)
    out = {}
    for name, tensor in state.items():
        is_matrix = name.startswith("blocks.") and tensor.ndim == 2 and min(tensor.shape) > 8
        noise = NOISE * tensor.float().std() * torch.randn(tensor.shape) if is_matrix else torch.zeros(())
        out[name] = (tensor.float() + noise).to(tensor.dtype)
    return dequantize(quantize(out, CONTROL_TENSORS.split(",")))


def needed(rows: sequence.Array, drawn: list[sequence.Array], population: int, nats: float) -> list[int]:
    """Return for each order how many sequences refute a claim that is `nats` too low, tolerance left aside."""
    mean, counts = rows[:, -1].mean(), []
    for order in drawn:
        n, end = 24, len(order)
        while n < end:
            found = sequence.interval(rows[order[:n]], population)
            if found.mean - found.half_width > mean - nats:
                break
            n = max(n + 1, int(n * 1.01))  # fewer looks than after every sequence: at most 1 % late
        counts.append(min(n, end))
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--control", action="append", default=[], metavar="NAME=REPORT", help="of rescore --json")
    args = parser.parse_args()
    place = SHARED / "fineweb"
    if not place.is_dir():
        print(f"needs the real data in {SHARED}")
        return
    torch.set_num_threads(1)
    shards = shard_paths(place, "val")
    tokens = read_validation(shards, SEQ_LEN, VOCAB)
    table = ByteTable.load(place / "fineweb_1024_bpe.model", VOCAB)
    state = weights.state_of(load((SHARED / "golden" / "public_7L384.int8.ptz").read_bytes()))
    config = weights.config_of(state, {"train_seq_len": SEQ_LEN})
    ranks = Ranks(0, 1, torch.device("cpu"))
    score, other = (
        measure.Evaluation(weights, config, "bf16", ranks).score(tokens, table, lambda _done, _total: None)
        for weights in (state, noisy(state))
    )
    losses, population = np.array(score.sequence_losses), len(score.sequence_losses)
    start = time.perf_counter()
    worth = table.count(tokens).reshape(-1, SEQ_LEN).sum(axis=1).astype(float)
    grams = np.column_stack([worth, ngram.losses(tokens, SEQ_LEN)])
    ngram_seconds = time.perf_counter() - start
    controls = {"a noisy copy's report": np.float16(other.sequence_losses).astype(float)}
    digests = tuple(FileDigest(str(path), 0, sha256(path)) for path in shards)
    for name, _, path in (given.partition("=") for given in args.control):
        controls[name] = control.read(Path(path), digests, SEQ_LEN, population)[1][:, 0]
    for name, known in controls.items():
        print(f"{name}: correlation {np.corrcoef(known, losses)[0, 1]:.4f}, {(known - losses).mean():+.3f} nats")
    per_byte = losses.mean() / worth.mean()
    variants = {
        "sampled loss over sampled bytes": (np.empty((population, 0)), losses - per_byte * (worth - worth.mean())),
        "mean loss, bytes and tokens known": (np.empty((population, 0)), losses),
        "+ bytes and n-grams": (grams, losses),
    } | {f"+ {name}": (np.column_stack([grams, known]), losses) for name, known in controls.items()}
    bpb = score.tokens / score.text_bytes / math.log(2)
    each = score.seconds / population
    print(f"{score.val_bpb:.5f} bpb, {population} sequences, {each * 1000:.0f} ms each, n-grams {ngram_seconds:.2f} s")
    rng = np.random.default_rng(0)
    here = [rng.permutation(population) for _ in range(ORDERS)]
    for title, size in (
        ("the tokens that are here", population),
        ("as many as the split has", SPLIT_TOKENS // SEQ_LEN),
    ):
        for name, (covariates, y) in variants.items():
            rows = sequence.rows(sequence.design(covariates), y)
            for low in TOO_LOW_BPB:
                drawn = (
                    here if size == population else [rng.integers(0, population, 20_000) for _ in range(ORDERS // 8)]
                )
                counts = needed(rows, drawn, size, (low - DEVICES_BPB) / bpb)
                median, late = statistics.median(counts), sorted(counts)[int(0.9 * len(counts))]
                shown = f"{'>' if median >= len(drawn[0]) else ''}{median * SEQ_LEN:,.0f}"
                print(
                    f"{title}  {low:.3f} too low  {name:<36} {shown:>11} tokens "
                    f"{median * each:>7,.1f} s   (in 9 of 10 orders {late * SEQ_LEN:,} or fewer)"
                )


if __name__ == "__main__":
    main()
