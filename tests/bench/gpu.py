"""What one GPU makes of the default configuration: `python tests/bench/gpu.py DATA_PATH TOKENIZER_PATH [--steps N]`.

The trainer and `plain.py`, compiled the same way, each train on the same tokens: as many a step as eight GPUs, by
accumulation. Printed are milliseconds a step, the share of the measured bf16 matrix rate (MFU against what this device
does, not against its data sheet), tokens per second of evaluation, peak memory, and how far the two loss curves part,
beside how far they may (0.01 nats, bf16's rounding over some hundred steps). `--toy` does the same in seconds on a CPU,
with a small model and demonstration text, so that the measurement itself is tested where there is no GPU.
"""

import argparse
import contextlib
import gc
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "reference")]  # the trainer's modules import each other as siblings

import torch  # noqa: E402 - found by the line above
import train  # noqa: E402

from tests.bench.plain import Plain  # noqa: E402
from tests.reference.trainer import TINY, Data, make_data  # noqa: E402

CURVES_NATS = 0.01
TOY = {"DEVICE": "cpu", "COMPILE": "on", "NUM_LAYERS": "1"}  # compiled as on a GPU, and in seconds
UNTIMED_STEPS = 10  # they compile, and fill the caches; a toy has fewer


@dataclass(frozen=True, slots=True)
class Measured:
    """One trainer: its losses in nats, its pace, its evaluation, and the most memory it took."""

    losses: list[float]
    step_ms: float
    eval_tokens_per_second: float
    val_bpb: float
    peak_mib: int


def wait(device: torch.device) -> None:
    """Wait until the device has done all of its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(device: torch.device, step: Callable[[], Any], count: int) -> tuple[list[Any], float]:
    """Take steps, and return what each gives, and the mean milliseconds of those after the untimed ones."""
    untimed = min(UNTIMED_STEPS, count // 2)
    given = [step() for _ in range(untimed)]
    wait(device)
    start = time.perf_counter()
    given += [step() for _ in range(count - untimed)]
    wait(device)
    return given, 1000.0 * (time.perf_counter() - start) / (count - untimed)


def peak_mib(device: torch.device) -> int:
    """Return the most memory that tensors took on a GPU since it was last asked; 0 on a CPU."""
    if device.type != "cuda":
        return 0
    peak = torch.cuda.max_memory_allocated(device)
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return peak >> 20


def measure_ours(run: Any, steps: int) -> Measured:
    """Measure the trainer."""
    device = run.ranks.device

    def step() -> torch.Tensor:
        run._train_step()
        run.progress.step += 1
        loss: torch.Tensor = run.learner.losses[0].clone()  # read after the last step: nothing waits for the device
        return loss

    losses, step_ms = timed(device, step, steps)
    run.evaluate("validation")  # compiles
    wait(device)
    score, seconds = run.evaluate("validation")
    rate = score.tokens / seconds
    return Measured(torch.stack(losses).tolist(), step_ms, rate, score.val_bpb, peak_mib(device))


def measure_plain(plain: Plain, tokens: Any, table: Any, steps: int) -> Measured:
    """Measure the plain version, on the validation tokens [seqs * seq_len + 1] that the trainer scores."""
    losses, step_ms = timed(plain.device, plain.step, steps)
    plain.evaluate(tokens, table)  # compiles
    wait(plain.device)
    start = time.perf_counter()
    score = plain.evaluate(tokens, table)
    wait(plain.device)
    rate = score.tokens / (time.perf_counter() - start)
    return Measured(losses, step_ms, rate, score.val_bpb, peak_mib(plain.device))


def compare(data: Data, out: str, settings: dict[str, str], steps: int) -> bool:
    """Measure both, print the figures, and return whether the curves stay together."""
    environment = {**settings, **data.env, "OUT": out, "ITERATIONS": str(steps), "WARMDOWN_ITERS": "0"}
    environment |= {"MAX_WALLCLOCK_SECONDS": "0", "VAL_LOSS_EVERY": "0"}
    parsed = train.parse([], environment)
    ranks = train.Ranks.join(parsed.device)
    parsed.check(ranks.world_size)
    with contextlib.redirect_stdout(io.StringIO()):  # its log is in its file
        run = train.Run(parsed, ranks, [], {})
    tokens, table, compiled = run.val_tokens, run.table, run.compiled
    flop, matmul = run.token_flop * parsed.train_batch_tokens, run.matmul
    name = torch.cuda.get_device_name(ranks.device) if ranks.device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, compiled: {compiled}, {parsed.train_batch_tokens:,} tokens a step")
    print(f"bf16 matrix rate measured here: {matmul / 1e12:,.2f} TFLOP/s; work of a step: {flop / 1e12:,.3f} TFLOP")
    peak_mib(ranks.device)  # what measuring the matrix rate took
    ours = measure_ours(run, steps)
    del run  # its memory, before the other takes its own
    peak_mib(ranks.device)
    plain = measure_plain(Plain(parsed, str(ranks.device), compiled), tokens, table, steps)
    for title, found in (("plain", plain), ("ours", ours)):
        share = flop / found.step_ms * 1000.0 / matmul
        print(
            f"{title:<5}  {found.step_ms:,.1f} ms a step  {share:.1%} of the matrix rate  "
            f"evaluation {found.eval_tokens_per_second:,.0f} tokens/s  {found.val_bpb:.4f} bpb  {found.peak_mib:,} MiB"
        )
    apart = [abs(a - b) for a, b in zip(ours.losses, plain.losses, strict=True)]
    print(
        f"ours   {plain.step_ms / ours.step_ms:.2f}x a step, "
        f"{ours.eval_tokens_per_second / plain.eval_tokens_per_second:.2f}x in evaluation"
    )
    print(
        f"losses of {steps} steps: {max(apart):.4f} nats apart at most, {statistics.fmean(apart):.4f} on average "
        f"(at most {CURVES_NATS} allowed)"
    )
    return max(apart) <= CURVES_NATS


def main() -> int:
    """Print the figures; 1 where the two do not compute the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_path", nargs="?", type=Path)
    parser.add_argument("tokenizer_path", nargs="?", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--toy", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.toy:
            torch.set_num_threads(1)
            return not compare(make_data(Path(folder)), folder, {**TINY, **TOY}, 6)
        if not (args.data_path and args.tokenizer_path):
            parser.error("DATA_PATH and TOKENIZER_PATH are needed: golfcheck data get")
        if not torch.cuda.is_available():
            parser.error("there is no GPU here; --toy measures a small model on the CPU")
        data = Data(args.data_path.resolve(), args.tokenizer_path.resolve())
        return not compare(data, folder, {"DEVICE": "cuda"}, args.steps)


if __name__ == "__main__":
    sys.exit(main())
