"""What training costs: `python tests/bench/bench_train.py [--steps N] [--compiled]`, one thread, in CPU seconds.

The baseline is `plain.py`, the contract written the obvious way. Both train on the same demonstration text, a step of
one and a step of the other in turn; each figure is a median. The share is of the bf16 matrix product's rate, measured
afterwards. Then each choice of the trainer is undone alone; memory is what the kernel counts. `--compiled` does the
same for `--compile on`, against the plain version eager and compiled: compiling takes minutes, which it prints.
"""

import argparse
import contextlib
import ctypes
import io
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "reference")]  # the trainer's modules import each other as siblings

import artifact  # noqa: E402 - found by the line above
import model  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
import train  # noqa: E402
from torch import Tensor  # noqa: E402

from golfcheck.trainlog import linekinds, templates  # noqa: E402
from tests.bench import plain  # noqa: E402
from tests.bench.plain import Plain  # noqa: E402
from tests.reference import trainer  # noqa: E402
from tests.reference.test_golden import SETTINGS as GOLDEN  # noqa: E402
from tests.reference.trainer import Data, make_data  # noqa: E402

DEFAULT = {"TRAIN_BATCH_TOKENS": "8192", "TRAIN_SEQ_LEN": "1024", "ITERATIONS": "1000", "MAX_WALLCLOCK_SECONDS": "0"}
LOSS_TOKENS = 16_384
EVAL_TOKENS = 65_536
TRIM = ctypes.CDLL(None).malloc_trim


def start(data: Data, out: str, settings: Mapping[str, str]) -> Any:
    """Build a run of the trainer, with nothing on the terminal."""
    parsed = train.parse([], {**settings, **data.env, "OUT": out, "DEVICE": "cpu"})
    with contextlib.redirect_stdout(io.StringIO()):
        return train.Run(parsed, train.model_config(parsed), train.Ranks.join("cpu"), train.Signals(), {})


def cpu_seconds(act: Callable[[], object]) -> float:
    """Return what one call takes."""
    began = time.process_time()
    act()
    return time.process_time() - began


def in_turn(acts: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each act once a round, after a round that does not count; each round begins with another."""
    took: dict[str, list[float]] = {name: [] for name in acts}
    order = list(acts)
    for count in range(rounds + 1):
        for name in order:
            seconds = cpu_seconds(acts[name])
            if count:
                took[name].append(seconds)
        order.append(order.pop(0))
    return took


def ratio(base: list[float], ours: list[float]) -> float:
    """Return the median of how many times faster a round was."""
    return statistics.median(a / b for a, b in zip(base, ours, strict=True))


def spread(took: list[float]) -> str:
    """Return the least and the most of some seconds."""
    return f"({min(took):.2f} to {max(took):.2f} s)"


def steps(title: str, run: Any, rounds: int) -> None:
    """Time whole steps against the plain version's."""
    reset_peak()
    took = in_turn({"plain": Plain(run.settings).step, "ours": run._train_step}, rounds)
    peak_mib = memory_kib("VmHWM") >> 10
    peak = train.machine.matmul_flops(torch.device("cpu"))
    flop = run.token_flop * run.settings.train_batch_tokens
    plain_s, ours_s = (statistics.median(took[name]) for name in ("plain", "ours"))
    print(
        f"{title:<28} plain {plain_s:6.2f} s ({flop / plain_s / peak:.0%} of the matrix rate)   "
        f"ours {ours_s:6.2f} s ({flop / ours_s / peak:.0%})   {ratio(took['plain'], took['ours']):.2f}x (target 1.3x) "
        f"{spread(took['plain'])} and {spread(took['ours'])}",
        flush=True,
    )
    tokens = run.settings.train_batch_tokens
    print(
        f"    tokens/s {tokens / plain_s:,.0f} and {tokens / ours_s:,.0f}   "
        f"GFLOP/s {flop / plain_s / 1e9:.0f} and {flop / ours_s / 1e9:.0f}   both at most {peak_mib:,} MiB",
        flush=True,
    )


def evaluations(title: str, run: Any, rounds: int) -> None:
    """Time the trainer's evaluations against the plain version's, on the same weights and as many tokens as a call of
    the contest's has: with fewer, the plain version's calls are as small as the trainer's, and there is no difference.
    """
    run.val_tokens = {length: np.resize(tokens, EVAL_TOKENS + 1) for length, tokens in run.val_tokens.items()}
    acts, scores = plain.evaluations(run, Plain(run.settings))
    took = in_turn(acts, rounds)
    rates = {name: scores[name].tokens / statistics.median(took[name]) for name in acts}
    print(f"{title:<28} plain {rates['plain']:,.0f} tokens/s {spread(took['plain'])}")
    for name in ("final", "validation"):
        print(
            f"    {name:<24} {rates[name]:,.0f} tokens/s {spread(took[name])} {ratio(took['plain'], took[name]):.2f}x "
            f"{abs(scores[name].val_bpb - scores['plain'].val_bpb):.1e} bpb apart (1e-4 allowed)",
            flush=True,
        )


def compiled_steps(title: str, data: Data, out: str, settings: Mapping[str, str], rounds: int) -> None:
    """Time whole compiled steps against the plain version's, and say what compiling took."""
    run = start(data, out, {**settings, "COMPILE": "on"})
    eager, compiled = Plain(run.settings), Plain(run.settings, compiled=True)
    first_s = [cpu_seconds(act) for act in (run._train_step, compiled.step)]
    acts = {"plain": eager.step, "plain compiled": compiled.step, "ours": run._train_step}
    took = in_turn(acts, rounds)
    plain_s, compiled_s, ours_s = (statistics.median(took[name]) for name in acts)
    print(
        f"{title:<28} plain {plain_s:6.2f} s, compiled {compiled_s:.2f} s   ours compiled {ours_s:.2f} s   "
        f"{ratio(took['plain'], took['ours']):.2f}x and {ratio(took['plain compiled'], took['ours']):.2f}x   "
        f"{spread(took['plain compiled'])} and {spread(took['ours'])}   "
        f"first step {first_s[0]:.0f} s of CPU (plain's {first_s[1]:.0f} s)",
        flush=True,
    )


def compiled_losses(out: str) -> None:
    """Print how far the compiled trainer's losses are from the golden ones, where the shared data is there."""
    shared = ROOT.parent / "shared" / "data"
    if not shared.is_dir():
        print("golden losses                not compared: no ../shared/data")
        return
    tokens = Data(shared / "fineweb", shared / "fineweb" / "fineweb_1024_bpe.model")
    completed = trainer.train(Path(out), tokens, COMPILE="on", **GOLDEN)
    text = (shared / "golden" / "one_rank.log").read_text(encoding="utf-8")
    golden = [
        line.train_loss for line in map(templates.parse, text.split("\n")) if isinstance(line, linekinds.TrainStep)
    ]
    apart = max(abs(ours - theirs) for ours, theirs in zip(completed.losses, golden, strict=True))
    print(f"golden losses                {len(golden)} of the compiled trainer within {apart:.4f} (0.005 allowed)")


def framework_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=q.size(1) != k.size(1))


def framework_rms(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.size(-1),), eps=model.RMS_EPS)


def separate_products(u: Tensor, count: int) -> Tensor:
    """The iteration of Newton–Schulz with an operation for each sign."""
    a, b, c = 3.4445, -4.7750, 2.0315
    X = u.bfloat16()
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    tall = X.size(-2) > X.size(-1)
    X = X.mT if tall else X
    for _ in range(count):
        A = X @ X.mT
        X = a * X + (b * A + c * A @ A) @ X
    return X.mT if tall else X


@contextlib.contextmanager
def uncached_casts() -> Iterator[None]:
    torch.set_autocast_cache_enabled(False)
    yield
    torch.set_autocast_cache_enabled(True)


def choices(run: Any, rounds: int) -> None:
    """Undo each choice alone."""
    undone: dict[str, Callable[[], Any]] = {
        "nothing": contextlib.nullcontext,
        "attention as products": lambda: mock.patch.object(model, "attend", framework_attention),
        "RMS norm written out": lambda: mock.patch.object(model, "rms", framework_rms),
        "loss by chunks of 512": lambda: mock.patch.dict(model.LOSS_TOKENS, cpu=10**9),
        "weights cast once a step": uncached_casts,
        "fused Newton-Schulz": lambda: mock.patch.object(run.learner.muon, "orthogonalize", separate_products),
    }

    def without(patch: Callable[[], Any]) -> Callable[[], None]:
        def act() -> None:
            with patch():
                run._train_step()

        return act

    took = in_turn({name: without(patch) for name, patch in undone.items()}, rounds)
    for name in list(undone)[1:]:
        print(f"    {name:<26} {ratio(took[name], took['nothing']):.3f}x of a step's time without it", flush=True)


def memory_kib(name: str) -> int:
    """Return VmRSS, what this process has in memory, or VmHWM, the most since that mark was put back."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def reset_peak() -> None:
    """Put the mark of the most memory back to what is in use."""
    TRIM(0)  # what was freed and kept would be taken again unseen
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def loss_memory() -> None:
    """Compare the peak memory of a loss and its gradients, beyond inputs [16384, 512] and a weight [1024, 512]."""
    gpt = model.GPT(model.GPTConfig(num_layers=1))
    x = torch.randn(LOSS_TOKENS, 512, dtype=torch.bfloat16, requires_grad=True)
    weight, targets = gpt.tok_emb.weight, torch.randint(0, 1024, (LOSS_TOKENS,))

    def plain() -> Tensor:
        logits = 30.0 * torch.tanh(F.linear(x, weight) / 30.0)
        return F.cross_entropy(logits.float(), targets)

    def ours() -> Tensor:
        return model._Loss.apply(x, weight, targets, 30.0) / LOSS_TOKENS  # type: ignore[no-any-return]

    def peak_mib(loss: Callable[[], Tensor]) -> float:
        reset_peak()
        before = memory_kib("VmRSS")
        _grads = torch.autograd.grad(loss(), (x, weight))
        return (memory_kib("VmHWM") - before) / 1024

    peaks = [(peak_mib(ours), peak_mib(plain)) for _ in range(5)]
    took = {"ours": statistics.median(f[0] for f in peaks), "plain": statistics.median(f[1] for f in peaks)}
    print(
        f"loss of {LOSS_TOKENS:,} tokens        plain {took['plain']:.0f} MiB   ours {took['ours']:.0f} MiB   "
        f"{took['ours'] / took['plain']:.2f} of it (target 0.25)"
    )


def general_quantile(magnitude: Tensor) -> Tensor:
    return torch.quantile(magnitude, artifact.CLIP_QUANTILE, dim=1)


def quantizing(state: dict[str, Tensor]) -> None:
    """Compare quantizing with the general quantile, and the two ways to pack."""
    keep = train.Settings().int8_keep_float_fp32_name_patterns.split(",")
    objects: dict[str, Any] = {}

    def quantize(name: str) -> None:
        objects[name] = artifact.quantize(state, keep)

    def general() -> None:
        with mock.patch.object(artifact, "_row_clip", general_quantile):
            quantize("plain")

    took = in_turn({"plain": general, "ours": lambda: quantize("ours")}, 3)
    plain, ours = (artifact.dump(objects[name]) for name in ("plain", "ours"))
    print(
        f"quantize                     plain {1000 * statistics.median(took['plain']):.0f} ms   "
        f"ours {1000 * statistics.median(took['ours']):.0f} ms   {ratio(took['plain'], took['ours']):.1f}x (target 10x)"
        f"   bytes {'identical' if plain == ours else 'DIFFERENT'}"
    )
    usual, best = artifact.pack(objects["ours"])[0], artifact.pack(objects["ours"], search=True)[0]
    assert zlib.decompress(best) == ours
    print(f"--zlib best                  {len(usual):,} -> {len(best):,} bytes: {len(usual) - len(best):,} saved")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5, help="of the default configuration; twice as many golden ones")
    parser.add_argument("--compiled", action="store_true", help="compile, instead")
    args = parser.parse_args()
    rounds = args.steps
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder))
        if args.compiled:
            compiled_losses(folder)
            compiled_steps("golden configuration", data, folder, GOLDEN, 2 * rounds)
            compiled_steps("default, 8,192 tokens a step", data, folder, DEFAULT, rounds)
            return
        loss_memory()
        golden = start(data, folder, GOLDEN)
        steps("golden configuration", golden, 2 * rounds)
        choices(golden, rounds)
        default = start(data, folder, DEFAULT)
        quantizing(default.gpt.state_dict())  # before a step moves the weights
        steps("default, 8,192 tokens a step", default, rounds)
        evaluations("evaluation, golden", golden, 3)
        evaluations("evaluation, default", default, 3)  # minutes, mostly the plain version's


if __name__ == "__main__":
    main()
