"""What a box costs, and what the twin test catches: `python -m tests.bench.bench_box [--rounds N] [--twin | --cheats]`.

Cost: the default model of 17M parameters on random tokens at length 1024, one thread, the built-in evaluation and the
same model through `reference/predictor.py` in a box, in turn with each other. CPU seconds of the judge and of all
processes in the box, without loading; shown are the medians of the rounds, and the memory of a box. Then the whole of
it, loading included, with the default number of cuts, on a text of a million tokens; about ten minutes.

Table: predictors of every kind (`tests/golfcheck/predictors.py`) on the tiny world of the tests: what each scores, by
how much less than the honest table of bigrams, and what the twin says of it and after how many cuts.
"""

import argparse
import dataclasses
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import torch

from golfcheck.box.client import Box
from golfcheck.box.process import _tree
from golfcheck.reference import artifact
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.rescore import attention, twin
from golfcheck.rescore.boxed import BoxedEvaluation
from golfcheck.rescore.devices import join
from golfcheck.rescore.measure import Evaluation
from tests.conftest import ROOT

LENGTH, SEQUENCES = 1024, 12
TWIN_SEQUENCES = 1024  # of the text that the default number of cuts is measured on
SPLIT_TOKENS = 62_021_632  # of the contest's validation text, sp1024, at that length
_TICKS = os.sysconf("SC_CLK_TCK")


def files(precision: str) -> tuple[list[tuple[str, bytes]], dict[str, torch.Tensor], GPTConfig]:
    """A submission of the default model with random weights, and the weights as they are read back."""
    torch.manual_seed(0)
    config = GPTConfig(train_seq_len=LENGTH)
    state = {name: value + 0.02 * torch.randn_like(value.float()) for name, value in GPT(config).state_dict().items()}
    state = {name: value.to(GPT(config).state_dict()[name].dtype) for name, value in state.items()}
    obj = artifact.quantize(state, ["gain", "scale", "mix", "weights"], model_config=dataclasses.asdict(config))
    sources = {path.name: path.read_bytes() for path in (ROOT / "reference").glob("*.py")}
    sources["predictor.py"] = sources["predictor.py"].replace(
        b'ACTIVATIONS = "bf16"', f'ACTIVATIONS = "{precision}"'.encode()
    )
    return [*sources.items(), ("model.int8.ptz", artifact.pack(obj)[0])], artifact.dequantize(obj), config


def seconds_of(pids: list[int]) -> float:
    """The CPU seconds of processes so far."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def cost(rounds: int) -> None:
    """Print the ratio of CPU seconds, for each precision."""
    tokens = np.random.default_rng(0).integers(0, 1024, LENGTH * SEQUENCES + 1).astype(np.uint16)
    num_bytes = np.full(LENGTH * SEQUENCES, 2)
    ranks = join("cpu")
    ways = (("fp32", False, False), ("bf16", False, False), ("bf16", True, True), ("bf16", True, False))
    for precision, compiled, is_in_box in ways:
        submission, state, config = files(precision)
        library = attention.library() if is_in_box else None
        ratios, seconds, difference, memory = list[float](), list[float](), 0.0, 0
        for _ in range(rounds):
            built_in = Evaluation(state, config, precision, ranks, compiled=compiled)
            start = time.process_time()
            ours = built_in.score(tokens, num_bytes, lambda *_: None)
            plain_seconds = time.process_time() - start
            boxes: list[Box] = []

            def begin(boxes_begun: list[Box] = boxes, files: Any = submission, library: Path | None = library) -> Box:
                boxes_begun.append(Box(files, attention=library))
                return boxes_begun[-1]

            boxed = BoxedEvaluation(begin, ranks, None, strict=False)
            pids = _tree(boxes[0]._process.child.pid)
            start = time.process_time() + seconds_of(pids)
            theirs = boxed.score(tokens, num_bytes, lambda *_: None)
            ratios.append((time.process_time() + seconds_of(pids) - start) / plain_seconds)
            difference = max(difference, abs(ours.val_loss_nats - theirs.val_loss_nats))
            boxed.close()
            memory = max(memory, *(box.peak_bytes for box in boxes))
            seconds.append(plain_seconds)
        how, in_box = ("compiled" if is_compiled else "torch's" for is_compiled in (compiled, is_in_box))
        print(
            f"{precision}, attention built in {how}, in the box {in_box}   "
            f"box / built-in {statistics.median(ratios):5.2f} CPU seconds   "
            f"{LENGTH * SEQUENCES / statistics.median(seconds):7,.0f} tokens/s built in   "
            f"losses differ by {difference:.1e}   a box of {memory >> 20} MiB",
            flush=True,
        )


class Metered(Box):
    """A box that remembers the CPU seconds of all its processes when it is closed."""

    total_seconds = 0.0

    def close(self) -> None:
        """Close the box."""
        if self._process.child.poll() is None:
            Metered.total_seconds += seconds_of(_tree(self._process.child.pid))
        super().close()


def twin_cost() -> None:
    """Print what the default number of cuts costs, against the built-in evaluation of the same text."""
    tokens = np.random.default_rng(0).integers(0, 1024, LENGTH * TWIN_SEQUENCES + 1).astype(np.uint16)
    num_bytes = np.full(LENGTH * TWIN_SEQUENCES, 2)
    ranks, library = join("cpu"), attention.library()
    submission, state, config = files("bf16")
    seconds, challenges = dict[str, float](), None
    for name, cuts in (("built-in", 0), ("box", 0), ("box and twin", twin.DEFAULT_CUTS)):
        start, Metered.total_seconds = time.process_time(), 0.0
        if name == "built-in":
            Evaluation(state, config, "bf16", ranks).score(tokens, num_bytes, lambda *_: None)
        else:
            with BoxedEvaluation(lambda: Metered(submission, attention=library), ranks, None, strict=False) as boxed:
                if cuts:
                    boxed.challenge(tokens, cuts, seed=0)
                boxed.score(tokens, num_bytes, lambda *_: None)
                challenges = boxed.twin_test(lambda *_: None)
                boxed.boxes.retire()
                peak_bytes = boxed.boxes.costs()[3]
        seconds[name] = time.process_time() - start + Metered.total_seconds
        print(f"{name:<14} {seconds[name]:7.1f} CPU seconds   {seconds[name] / seconds['built-in']:.2f}", flush=True)
    assert challenges is not None
    a_cut = (seconds["box and twin"] - seconds["box"]) / challenges.cuts * TWIN_SEQUENCES / seconds["box"]
    share = challenges.cuts * a_cut / (SPLIT_TOKENS // LENGTH)
    print(
        f"{challenges.cuts} cuts ({challenges.differ} differ) in {TWIN_SEQUENCES:,} sequences of {LENGTH}: each costs "
        f"as much as scoring {a_cut:.2f} sequences; {share:.2%} of the whole split; a box of {peak_bytes >> 20} MiB",
        flush=True,
    )


def table() -> None:
    """Print the score of every predictor, and the result of its twin test."""
    from golfcheck.core.errors import Refused
    from golfcheck.reference import data
    from golfcheck.rescore import boxed, submitted
    from golfcheck.rescore.predicted import BoxRequest, rescore
    from golfcheck.rescore.rescoring import Request
    from tests.golfcheck import predictors
    from tests.golfcheck import rescore_fixture as tiny

    with tempfile.TemporaryDirectory() as folder:
        world = tiny.make(Path(folder, "world"))
        shards = data.shard_paths(world.shards, "train")
        counts = predictors.table_of(data.read_validation(shards, 64, tiny.VOCAB), tiny.VOCAB)
        answers: list[twin.Answers] = []
        ask = twin.ask
        twin.ask = lambda *args: answers.append(ask(*args)) or answers[-1]  # type: ignore[func-returns-value]
        kinds = {**predictors.HONEST, **{name: body for name, (_, body) in predictors.CAUGHT.items()}}
        kinds |= {name: body for name, body in predictors.HARMLESS.items() if "PORT" not in body}
        kinds["a bigram table, stride 16"] = predictors.HONEST["a bigram table"]
        kinds["looks for its next tokens in other windows of a call, stride 16"] = predictors.OVERLAPPING
        print(
            f"{'':<64} {'bpb':>8} {'honest':>8} {'cuts':>9} {'first':>5} {'gained, nats':>14}  differ when asked again"
        )
        honest_bpb: dict[int | None, float] = {}
        for number, (name, body) in enumerate(kinds.items()):
            path = predictors.write(Path(folder, f"p{number}"), body, counts)
            (seed,) = submitted.find(path, path, None, None, 16_000_000)
            stride = 16 if "stride" in name else None
            boxed._LEAST_CALLS = 8 if "neighbors" in name or stride else 64  # several sequences a call
            request = Request(data=world.shards, tokenizer=world.tokenizer, order_seed=1, stride=stride)
            answers.clear()
            try:
                result = rescore(seed, request, BoxRequest(), join("cpu"), lambda name: lambda *_: None)
            except Refused as error:
                print(f"{name:<64} {error}", flush=True)
                continue
            honest_bpb.setdefault(stride, result.measured.val_bpb)
            moved = [item > twin.TOLERANCE_NATS for answer in answers for item in answer.moved]
            first = str(moved.index(True) + 1) if any(moved) else "-"
            assert result.predictor is not None
            tested = result.predictor.challenges
            assert tested is not None
            gained = f"{tested.gained_nats:.2f} +- {tested.gained_half_width_nats or 0:.2f}"
            pairs = ("uncut", "repeated", "reordered", "unrelated")
            others = "  ".join(f"{getattr(tested, f'{pair}_differ')}/{getattr(tested, pair)}" for pair in pairs)
            print(
                f"{name:<64} {result.measured.val_bpb:8.4f} {honest_bpb[stride]:8.4f} {tested.differ:>4}/{tested.cuts} "
                f"{first:>5} {gained:>14}  {others}  {result.outcome}",
                flush=True,
            )


def main() -> None:
    """Print the requested figures, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--twin", action="store_true", help="the cost of the default number of cuts alone")
    parts.add_argument("--cheats", action="store_true", help="the table alone")
    args = parser.parse_args()
    if not (args.twin or args.cheats):
        cost(args.rounds)
    if not args.cheats:
        twin_cost()
    if not args.twin:
        table()


if __name__ == "__main__":
    main()
