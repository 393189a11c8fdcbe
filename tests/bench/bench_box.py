"""What a box costs, and what the twin test catches: `python -m tests.bench.bench_box [--rounds N] [--cheats]`.

Cost: the default model of 17M parameters on random tokens at length 1024, one thread, the built-in evaluation and the
same model through `reference/predictor.py` in a box, in turn with each other. CPU seconds of the judge and of all
processes in the box, without loading; shown are the medians of the rounds, and the memory of a box. Then what a cut of
the twin test costs.

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

LENGTH, SEQUENCES, CALL_SEQS = 1024, 12, 4
SPLIT_TOKENS = 62_021_632  # of the contest's validation text, sp1024, at that length
_TICKS = os.sysconf("SC_CLK_TCK")


def files(precision: str) -> tuple[list[tuple[str, bytes]], dict[str, torch.Tensor], GPTConfig]:
    """The submission of the default model with random weights, and its weights as they are read back."""
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
            ours = built_in.score(tokens, num_bytes, lambda *done: None)
            plain_seconds = time.process_time() - start
            boxes: list[Box] = []

            def begin(made: list[Box] = boxes, files: Any = submission, library: Path | None = library) -> Box:
                made.append(Box(files, attention=library))
                return made[-1]

            boxed = BoxedEvaluation(begin, ranks, None, strict=False)
            pids = _tree(boxes[0]._process.child.pid)
            start = time.process_time() + seconds_of(pids)
            theirs = boxed.score(tokens, num_bytes, lambda *done: None)
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


def twin_cost() -> None:
    """Print how many scored sequences a cut of the twin test costs, and what the default number is of the whole split.

    The answers to the cuts are asked of a box that has loaded already: a second load is a few seconds more.
    """
    tokens = np.random.default_rng(0).integers(0, 1024, LENGTH * SEQUENCES + 1).astype(np.uint16)
    submission, _, config = files("bf16")
    library, cpu = attention.library(), torch.device("cpu")
    sample = twin.Sample(tokens, LENGTH, 4 * SEQUENCES, sequences=SEQUENCES, call_seqs=CALL_SEQS, seed=0)
    with Box(submission, attention=library) as box:
        box.load()
        box.open(CALL_SEQS * LENGTH)
        pids = _tree(box._process.child.pid)
        start = time.process_time() + seconds_of(pids)
        for first in range(0, SEQUENCES, CALL_SEQS):
            begins = np.arange(first, first + CALL_SEQS) * LENGTH
            spans = twin.spans_of(tokens, begins, LENGTH)
            logits = box.logits(spans[:, :-1])
            sample.offer(begins, [LENGTH] * CALL_SEQS, twin.nats_of(logits, spans[:, 1:], cpu), logits)
        scored = (time.process_time() + seconds_of(pids) - start) / SEQUENCES
        start = time.process_time() + seconds_of(pids)
        kept = sample.calls()[:8]  # of eight calls one is asked more
        answers = [twin.ask(box, tokens, asked, twin.asks_more(index)) for index, asked in enumerate(kept)]
        a_cut = (time.process_time() + seconds_of(pids) - start) / sum(len(answer.moved) for answer in answers)
    found = twin.verdict(answers, 0, may_vary=False)
    share = twin.DEFAULT_CUTS * a_cut / scored / (SPLIT_TOKENS // config.train_seq_len)
    print(
        f"a cut costs as much as scoring {a_cut / scored:.2f} sequences of {LENGTH}; {twin.DEFAULT_CUTS} of them are "
        f"{share:.1%} of scoring the whole split ({found.differ} of {found.cuts} differ)",
        flush=True,
    )


def table() -> None:
    """Print what every predictor scores, and what the twin says of it."""
    from golfcheck.core.errors import Refused
    from golfcheck.reference import data
    from golfcheck.rescore import submitted
    from golfcheck.rescore.predicted import BoxRequest, rescore
    from golfcheck.rescore.run import Request
    from tests.golfcheck import predictors
    from tests.golfcheck import rescore_fixture as tiny

    with tempfile.TemporaryDirectory() as folder:
        world = tiny.make(Path(folder, "world"))
        shards = data.shard_paths(world.shards, "train")
        counts = predictors.table_of(data.read_validation(shards, 64, tiny.VOCAB), tiny.VOCAB)
        answers: list[twin.Answers] = []
        ask = twin.ask
        twin.ask = lambda *args: answers.append(ask(*args)) or answers[-1]  # type: ignore[func-returns-value]
        honest, kinds = 0.0, {**predictors.HONEST, **{name: body for name, (_, body) in predictors.CAUGHT.items()}}
        kinds |= {name: body for name, body in predictors.HARMLESS.items() if "PORT" not in body}
        for number, (name, body) in enumerate(kinds.items()):
            path = predictors.write(Path(folder, f"p{number}"), body, counts)
            (seed,) = submitted.find(path, path, None, None, 16_000_000)
            answers.clear()
            request = Request(data=world.shards, tokenizer=world.tokenizer)
            try:
                found = rescore(seed, request, BoxRequest(), join("cpu"), lambda name: lambda *done: None)
            except Refused as error:
                print(f"{name:<50} {error}")
                continue
            honest = honest or found.measured.val_bpb
            moved = [item > twin.TOLERANCE_NATS for answer in answers for item in answer.moved]
            first = f"after {moved.index(True) + 1} cuts" if any(moved) else ""
            said = found.reason if "differ" in found.reason or "ahead" in found.reason else "its twin answers alike"
            print(
                f"{name:<50} {found.measured.val_bpb:8.4f}  {found.measured.val_bpb - honest:+8.4f}  {first:<16} {said}"
            )


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cheats", action="store_true", help="the table alone")
    args = parser.parse_args()
    if not args.cheats:
        cost(args.rounds)
        twin_cost()
    table()


if __name__ == "__main__":
    main()
