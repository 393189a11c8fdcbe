"""How much text it takes to refute a claim: `python -m tests.bench.bench_estimate [--controls FOLDER]`.

The real artifact and validation tokens beside the checkout are scored once. Then random orders are replayed, each until
a claim that is too low is refuted: with the 256 sequences that there are, and with as many as the whole split has,
drawn from these with replacement. Seconds are sequences times what one took here on one thread; the n-gram model's are
printed apart. Last, the command itself is run for each claim, in as many processes as there are cores. The controls
are those of `tests/bench/controls.py`, which trains them for minutes where FOLDER does not have their reports.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.data import read_validation, sha256, shard_paths
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import control, early, measure, ngram, sequence, shape, sound, weights
from golfcheck.rescore.judge import DEVICES_BPB
from golfcheck.rescore.report import FileDigest
from golfcheck.untrusted.artifacts import load
from tests.bench import controls as trained
from tests.bench.controls import ARTIFACT, DATA, SEQ_LEN, SHARED, TABLES

VOCAB = 1024
SPLIT_TOKENS = 62_021_632
TOO_LOW_BPB = (0.02, 0.005)
ORDERS = 200


def needed(rows: sequence.Array, drawn: list[early.Order], population: int, nats: float) -> list[int]:
    """Return for each order how many sequences refute a claim that is `nats` too low, with no tolerance."""
    mean, counts = rows[:, -1].mean(), []
    for order in drawn:
        n, end = 24, len(order)
        while n < end:
            interval = sequence.interval(rows[order[:n]], population)
            if interval.mean - interval.below > mean - nats:
                break
            n = max(n + 1, int(n * 1.01))  # fewer looks than after every sequence: at most 1% late
        counts.append(min(n, end))
    return counts


def refutation_of(bpb: float, report: Path | None) -> str:
    """Run the command on a claim, and print the time and tokens that it needed."""
    with tempfile.TemporaryDirectory() as folder:
        out, control_options = Path(folder, "out.json"), ["--control", str(report)] if report else []
        command = [sys.executable, "-m", "golfcheck", "rescore", str(ARTIFACT), *DATA, "--json", str(out), "--estimate"]
        start = time.perf_counter()
        subprocess.run([*command, "--claim", f"{bpb:.8f}", *control_options], stdout=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - start
        (rescore,) = json.loads(out.read_text())["rescores"]
    measured = rescore["measured"]
    seen = sum(measured["rank_sequences"]) * SEQ_LEN
    return f"{rescore['outcome']:<9} {seen:>11,} tokens {seconds:>7,.1f} s   (evaluation {measured['seconds']:.1f} s)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--controls", type=Path, default=trained.FOLDER, metavar="FOLDER")
    args = parser.parse_args()
    folder = SHARED / "fineweb"
    if not folder.is_dir():
        print(f"needs the real data in {SHARED}")
        return
    reports = trained.make(args.controls)
    torch.set_num_threads(1)
    shards = shard_paths(folder, "val")
    tokens = read_validation(shards, SEQ_LEN, VOCAB)
    num_bytes = ByteTable.load(folder / "fineweb_1024_bpe.model", VOCAB).count(tokens)
    tree = load(ARTIFACT.read_bytes())
    sizes, state = shape.infer(sound.shapes_of(tree)), weights.state_of(tree)
    config = weights.config_of(sizes, {"train_seq_len": SEQ_LEN, "rope_tables": TABLES})
    evaluation = measure.Evaluation(state, config, "bf16", Ranks(0, 1, torch.device("cpu")))
    score = evaluation.score(tokens, num_bytes, lambda _done, _total: None)
    losses, population = np.array(score.sequence_losses), len(score.sequence_losses)
    start = time.perf_counter()
    of_each = num_bytes.reshape(-1, SEQ_LEN).sum(axis=1).astype(float)
    grams = np.column_stack([of_each, ngram.losses(tokens, SEQ_LEN)])
    ngram_seconds = time.perf_counter() - start
    digests = tuple(FileDigest(str(path), 0, sha256(path)) for path in shards)
    controls = {name: control.read(path, digests, SEQ_LEN, population)[1][:, 0] for name, path in reports.items()}
    for name, other_losses in controls.items():
        correlation = np.corrcoef(other_losses, losses)[0, 1]
        print(f"{name}: correlation {correlation:.4f}, {(other_losses - losses).mean():+.3f} nats")
    per_byte = losses.mean() / of_each.mean()
    variants = {
        "sampled loss over sampled bytes": (np.empty((population, 0)), losses - per_byte * (of_each - of_each.mean())),
        "mean loss, bytes and tokens known": (np.empty((population, 0)), losses),
        "+ bytes and n-grams": (grams, losses),
    } | {
        f"+ control: {name}": (np.column_stack([grams, other_losses]), losses)
        for name, other_losses in controls.items()
    }
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
    for low in TOO_LOW_BPB:
        for name, report in {"no control": None, **reports}.items():
            print(f"the command     {low:.3f} too low  {name:<36} {refutation_of(score.val_bpb - low, report)}")


if __name__ == "__main__":
    main()
