"""An artifact made to be confirmed falsely: `python -m tests.bench.bench_attack [--steps N] [--sequences N]`.

The golden artifact beside the checkout is trained on until the first sequences of one order all have one loss, 0.5 nats
below what the model has on them; what they have in the end is its claim. Then a rescoring with `--estimate` is repeated
in as many orders of the system's as asked for, and in the order that the artifact was made for, with and without the
least spread.
"""

import argparse
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from golfcheck.reference import artifact
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.data import read_validation, shard_paths
from golfcheck.reference.model import GPT
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import early, judge, measure, shape, sound, weights
from golfcheck.rescore.report import Claim, Measured
from golfcheck.untrusted.load import load
from tests.bench.controls import SHARED

SEQ_LEN, COUNT, SEED, BELOW_NATS = 128, 100, 1234, 0.5
KEEP = ["attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weights"]
ALONE = Ranks(0, 1, torch.device("cpu"))


def equalize(model: GPT, rows: torch.Tensor, steps: int) -> None:
    """Train until each of the rows [COUNT, T + 1] has the same loss."""
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    target = None
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 3e-3 * (1 - step / steps) + 1e-5
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            hidden, weight = model.hidden(rows[:, :-1])
            logits = model.logits(hidden, weight).float()  # [COUNT, T, V]
        losses = torch.nn.functional.cross_entropy(logits.mT, rows[:, 1:], reduction="none").mean(1)  # [COUNT]
        mean = float(losses.detach().mean())
        target = mean - BELOW_NATS if target is None else target
        ((losses - target) ** 2).mean().backward()
        optimizer.step()
        print(f"step {step + 1}: {mean:.4f} ± {float(losses.detach().std()):.4f}, wanted {target:.4f}", flush=True)
        if float((losses.detach() - target).abs().max()) < 0.003:
            break


class Replayed:
    """An evaluation whose losses are known."""

    ranks = ALONE

    def __init__(self, losses: Any, config: Any) -> None:
        self.losses, self.config = losses, config

    def draw(self, _tokens: object, order: Any) -> Any:
        for first in range(0, order.size, 8):
            yield self.losses[order[first : first + 8]]

    def measured(self, score: Any, losses: Any, _start: float) -> Measured:
        known = tuple(loss for part in losses for loss in part)
        facts = score.val_loss_nats, score.val_bpb, score.tokens, score.bytes
        return Measured(*facts, "bf16", "bf16", SEQ_LEN, None, 0.0, (len(known),), known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--sequences", type=int, default=COUNT)
    parser.add_argument("--orders", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tree = load((SHARED / "golden" / "one_rank.int8.ptz").read_bytes())
    config = weights.config_of(shape.infer(sound.shapes_of(tree)), {"train_seq_len": SEQ_LEN})
    tokens = read_validation(shard_paths(SHARED / "fineweb", "val"), SEQ_LEN, config.vocab_size)
    num_bytes = ByteTable.load(SHARED / "fineweb" / "fineweb_1024_bpe.model", config.vocab_size).count(tokens)
    population = (tokens.size - 1) // SEQ_LEN
    order = np.random.default_rng(SEED).permutation(population)
    spans = tokens[order[: args.sequences, None] * SEQ_LEN + np.arange(SEQ_LEN + 1)].astype(np.int64)
    model = GPT(config)
    model.load_state_dict(weights.state_of(tree))
    equalize(model, torch.from_numpy(spans), args.steps)
    made, _ = artifact.pack(artifact.quantize(model.state_dict(), KEEP))
    evaluation = measure.Evaluation(weights.state_of(load(made)), config, "bf16", ALONE)
    whole = evaluation.score(tokens, num_bytes, lambda *_: None)
    losses = np.array(whole.sequence_losses)
    first = losses[order[: args.sequences]]
    claim_bpb = float(first.mean()) / math.log(2) * num_bytes.size / int(num_bytes.sum())
    print(
        f"claim {claim_bpb:.5f}, whole text {whole.val_bpb:.5f}; the first {args.sequences}: sd {first.std():.5f} nats"
    )
    plan = early.plan(tokens, num_bytes, SEQ_LEN, None, order_seed=SEED, within_bpb=0.002)
    claim, tolerance_bpb = Claim(claim_bpb, 4, "--claim"), judge.DEVICES_BPB + 5e-5

    def verdict(plan: early.Plan) -> str:
        measured = early.score(
            Replayed(losses, config), tokens, plan,  # type: ignore[arg-type]
            lambda so_far: judge.settled(claim, so_far, tolerance_bpb), lambda *_: None,
        )  # fmt: skip
        return str(judge.decide(claim, measured, None, tolerance_bpb, True)[0])

    print(
        f"in the order it was made for, as before: {verdict(replace(plan, least_variance=0.0))}; now: {verdict(plan)}"
    )
    orders = (replace(plan, order_seed=early.draw_seed(None, ALONE)[0]) for _ in range(args.orders))
    print(f"in {args.orders} orders of the system's: {dict(Counter(map(verdict, orders)))}")


if __name__ == "__main__":
    main()
