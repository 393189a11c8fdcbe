"""How often a true claim is refuted, and a false one confirmed: `python -m tests.bench.bench_calibration [--runs N]`.

Each row is a population of losses, rescored in N random orders and looked at after every eight sequences, up to 500
(the real one: until all are seen). Losses of the public artifact are there when the real data lies beside the checkout;
the others are drawn. "Equalized": a model trained until the first hundred sequences of one order have one loss, 0.5
nats below the mean, which is what it claims; the orders are drawn by the system.
"""

import argparse
from collections.abc import Callable

import numpy as np

from golfcheck.rescore import early, ngram, sequence
from golfcheck.rescore.sequence import Array

POPULATION, MOST, EVERY = 4000, 500, 8
TOLERANCE_NATS = 5e-4 * 1.69  # 0.0005 bpb of the contest's 1024-piece tokenizer
WITHIN_NATS = 0.002 * 1.69
MEAN, SPREAD = 3.6, 0.22  # of the public artifact's losses


def populations() -> dict[str, Callable[[np.random.Generator], Array]]:
    """Return how the losses of each row are drawn."""

    def outliers(rng: np.random.Generator, share: float, deviations: float) -> Array:
        losses = rng.normal(MEAN, SPREAD, POPULATION)
        losses[rng.random(POPULATION) < share] += deviations * SPREAD
        return losses

    return {
        "normal": lambda rng: rng.normal(MEAN, SPREAD, POPULATION),
        "t with 3 degrees": lambda rng: MEAN + SPREAD / np.sqrt(3) * rng.standard_t(3, POPULATION),
        "1% outliers at 6 sd": lambda rng: outliers(rng, 0.01, 6.0),
        "2% outliers at 12 sd": lambda rng: outliers(rng, 0.02, 12.0),
        "log-normal (skewness 6)": lambda rng: 3 + rng.lognormal(-1.5, 1.0, POPULATION),
    }


def rescored(
    losses: Array, covariates: Array, claim: float, *, runs: int, least_variance: float, seed: int
) -> tuple[float, float, float]:
    """Return the shares of runs that end refuted and confirmed, and the median number of sequences that it took."""
    rng, population = np.random.default_rng(seed), len(losses)
    rows = sequence.rows(covariates, losses)
    order = np.argsort(rng.random((runs, population)), axis=1)[:, :MOST]  # [runs, MOST]
    verdict, needed = np.zeros(runs), np.full(runs, min(MOST, population))
    for n in range(sequence.MIN_SEQUENCES + EVERY, min(MOST, population), EVERY):
        is_open = np.flatnonzero(verdict == 0)
        if not is_open.size:
            break
        interval = sequence.interval(rows[order[is_open, :n]], population, least_variance=least_variance)
        low, high = interval.mean - interval.below, interval.mean + interval.above
        refuted = (low > claim + TOLERANCE_NATS) | (high < claim - TOLERANCE_NATS)
        confirmed = ~refuted & (low >= claim - WITHIN_NATS) & (high <= claim + WITHIN_NATS)
        verdict[is_open] = np.where(refuted, -1, np.where(confirmed, 1, 0))
        needed[is_open[refuted | confirmed]] = n
    return float((verdict < 0).mean()), float((verdict > 0).mean()), float(np.median(needed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--losses", help="an .npz with y [seqs], g [seqs, 3], b [seqs] of a real artifact")
    runs = (args := parser.parse_args()).runs
    rng = np.random.default_rng(0)
    tokens = (rng.zipf(1.3, POPULATION * 64 + 1) % 1024).astype(np.uint16)
    grams = ngram.losses(tokens, 64)
    text = sequence.design(grams)
    least = float(early.LEAST_SPREAD * 0.42) ** 2  # by the 3-gram losses of the real text, of which the sd is 0.42
    print(f"{'losses':<28} {'claim':<24} refuted  confirmed  sequences (median)")
    if args.losses:
        real = np.load(args.losses)
        covariates = sequence.design(np.column_stack([real["b"], real["g"]]))
        least_real = float(early.LEAST_SPREAD * real["g"][:, -1].std()) ** 2
        for name, claim in (("true", real["y"].mean()), ("0.05 nats too low", real["y"].mean() - 0.05)):
            row = rescored(real["y"], covariates, claim, runs=runs, least_variance=least_real, seed=1)
            print(f"{'real':<28} {name:<24} {row[0]:>7.1%}  {row[1]:>9.1%}  {row[2]:>8.0f}", flush=True)
    for name, draw in populations().items():
        losses = draw(np.random.default_rng(1)) + 0.15 * text[:, -1]
        row = rescored(losses, text, losses.mean(), runs=runs, least_variance=least, seed=2)
        print(f"{name:<28} {'true':<24} {row[0]:>7.1%}  {row[1]:>9.1%}  {row[2]:>8.0f}", flush=True)
    losses = np.random.default_rng(3).normal(MEAN, SPREAD, POPULATION)
    losses[:100] = MEAN - 0.5 + np.random.default_rng(4).normal(0, 1e-4, 100)
    for name, claim in (("true", losses.mean()), ("its first hundred's", MEAN - 0.5)):
        row = rescored(losses, text, claim, runs=runs, least_variance=least, seed=5)
        print(f"{'equalized first hundred':<28} {name:<24} {row[0]:>7.1%}  {row[1]:>9.1%}  {row[2]:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
