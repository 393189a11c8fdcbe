"""What one GPU makes of the trainer, in at most eight minutes: `python tests/bench/gpu.py DATA_PATH TOKENIZER_PATH`.

One prepared script for a GPU that is lent for a quarter of an hour. Each part is a process of its own with a limit of
its own, so neither an error nor a hang of one costs another; every part prints figures as `name: value` and ends with
`part NAME: ok` or `failed`. In the order of what matters most:

tables     the rotary tables that the contest's way of making them gives when it is compiled here, next to our kinds
golden     five steps of the golden run, eager, against the losses of the contest's script on a CPU
step       the default configuration, compiled: compile time, milliseconds of a step and of its phases, memory
plain      the same by `plain.py`, the contract written the obvious way
attention  forward and backward of each kernel at the default shape
evaluation tokens a second of the trainer's evaluation and of the plain one, and how far their scores are apart
quantize   milliseconds of the artifact of the default model

`--toy` runs all of it in a minute or two on a CPU with a small model and demonstration text: a test of the script.
"""

import argparse
import contextlib
import gc
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]

TOTAL_SECONDS = 480.0
LIMIT_SECONDS = {  # of each part: more than it should take, less than would starve the others
    "tables": 60, "golden": 60, "step": 150, "plain": 120, "attention": 60, "evaluation": 120, "quantize": 40,
}  # fmt: skip
GOLDEN_LOSSES = (6.9323, 6.8545, 6.5299, 6.4020, 6.2252)  # nats; data/golden/one_rank.log of the shared data
GOLDEN_TOLERANCE = 0.02  # another device rounds otherwise
TOY = {"DEVICE": "cpu", "COMPILE": "on", "NUM_LAYERS": "1"}


def say(name: str, value: object) -> None:
    print(f"  {name}: {value}", flush=True)


def wait(device: torch.device) -> None:
    """Wait until the device has done all of its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed_ms(device: torch.device, act: Callable[[], Any], count: int, untimed: int = 2) -> tuple[float, float, float]:
    """Return the median, the least and the most of the milliseconds of `count` calls, each waited for."""
    for _ in range(untimed):
        act()
    took = []
    for _ in range(max(2, count)):
        wait(device)
        began = time.perf_counter()
        act()
        wait(device)
        took.append(1000.0 * (time.perf_counter() - began))
    return statistics.median(took), min(took), max(took)


def shown(ms: tuple[float, float, float]) -> str:
    return f"{ms[0]:,.2f} ms ({ms[1]:,.2f} to {ms[2]:,.2f})"


def run_of(settings: Mapping[str, str], out: str) -> Any:
    """Build a run of the trainer, with nothing on the terminal."""
    import train

    parsed = train.parse([], {"MAX_WALLCLOCK_SECONDS": "0", "VAL_LOSS_EVERY": "0", **settings, "OUT": out})
    with contextlib.redirect_stdout(io.StringIO()):  # its log is in its file
        return train.Run(parsed, train.model_config(parsed), train.Ranks.join(parsed.device), train.Signals(), {})


def memory_mib(device: torch.device) -> int:
    return torch.cuda.max_memory_allocated(device) >> 20 if device.type == "cuda" else 0


def tables(settings: Mapping[str, str], _out: str, _toy: bool) -> None:
    """Make the tables as the contest's script does, compiled for this device, and compare them with each of ours."""
    import model
    import train

    parsed = train.parse([], settings)
    device = train.Ranks.join(parsed.device).device
    length, width = 4096, 64

    def contests(inv_freq: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        t = torch.arange(length, device=inv_freq.device, dtype=inv_freq.dtype)
        angles = torch.outer(t, inv_freq)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        a, b = x.chunk(2, dim=-1)
        return torch.stack((cos, sin)), torch.cat((a * cos + b * sin, b * cos - a * sin), dim=-1)

    exponents = torch.arange(0, width, 2, dtype=torch.float32) / width
    inv_freq = (1.0 / 10000.0**exponents).bfloat16().to(device)
    x = torch.ones(length, width, dtype=torch.bfloat16, device=device)
    for title, act in (("eager", contests), ("compiled", torch.compile(contests, fullgraph=True))):
        tables_, turned = (y.float().cpu() for y in act(inv_freq, x))
        say(f"{title}, distinct positions of {length:,}", tables_.transpose(0, 1).flatten(1).unique(dim=0).size(0))
        for kind in model.ROPE_TABLES:
            config = model.GPTConfig(train_seq_len=length, rope_tables=kind)
            ours = model.rotary_tables(config, length).bfloat16()  # cast at use
            apart = (tables_ - ours.float()).abs().max()
            rotated = model.rotate(torch.ones(1, 1, length, width).bfloat16(), *ours)[0, 0].float()
            say(f"{title} to {kind}", f"{apart:.4f} at most, what they turn {(turned - rotated).abs().max():.4f}")


def golden(settings: Mapping[str, str], out: str, toy: bool) -> None:
    """Take five steps of the golden run."""
    from tests.reference.test_golden import SETTINGS

    run = run_of({**SETTINGS, **{name: settings[name] for name in DATA}, "DEVICE": settings["DEVICE"]}, out)
    losses = []
    for _ in range(2 if toy else 5):
        run._train_step()
        run.progress.step += 1
        losses.append(run.learner.losses[0].item())
    say("losses", " ".join(f"{loss:.4f}" for loss in losses))
    if run.val_tokens[run.settings.train_seq_len].size == 131_073:  # the shared slice of the contest's data
        apart = max(abs(a - b) for a, b in zip(losses, GOLDEN_LOSSES, strict=False))
        say("apart from the contest's", f"{apart:.4f} (at most {GOLDEN_TOLERANCE})")
        assert apart <= GOLDEN_TOLERANCE
    else:
        say("apart from the contest's", "other data: not compared")


def step(settings: Mapping[str, str], out: str, toy: bool) -> None:
    """Time steps of the trainer, and their phases."""
    run = run_of(settings, out)
    device = run.ranks.device
    began = time.perf_counter()
    run._train_step()
    wait(device)
    say("first step, with compiling", f"{time.perf_counter() - began:.1f} s")
    ms = timed_ms(device, run._train_step, 2 if toy else 10)
    flop = run.token_flop * run.settings.train_batch_tokens
    rate = flop / ms[0] * 1000.0
    say("tokens a step", f"{run.settings.train_batch_tokens:,}, compiled {run.compiled}")
    say("step", f"{shown(ms)}, {rate / 1e12:,.2f} TFLOP/s, {rate / run.matmul:.1%} of the measured matrix rate")
    ids = run.ahead.result()[0][0].to(device)
    length = run.settings.train_seq_len * run.learner.call_seqs
    x, y = (part[:length].view(-1, run.settings.train_seq_len) for part in (ids[:-1], ids[1:]))

    def forward() -> Any:
        with torch.autocast(device.type, torch.bfloat16):
            return run.learner.loss(x, y)

    passes = run.settings.train_batch_tokens // length
    say("forward of one pass", f"{shown(timed_ms(device, forward, 3))}, {passes} a step")
    say("forward and backward", shown(timed_ms(device, lambda: forward().backward(), 3)))
    say("Muon", shown(timed_ms(device, run.learner.muon.step, 5)))
    say("Adam", shown(timed_ms(device, run.learner.adam.step, 5)))
    say("peak memory", f"{memory_mib(device):,} MiB")


def plain(settings: Mapping[str, str], out: str, toy: bool) -> None:
    """Time steps of the plain version, compiled as the trainer is."""
    import train

    from tests.bench.plain import Plain

    del out
    parsed = train.parse([], {"MAX_WALLCLOCK_SECONDS": "0", **settings})
    device = train.Ranks.join(parsed.device).device
    other = Plain(parsed, str(device), compiled=device.type == "cuda" or parsed.compile == "on")
    say("step", shown(timed_ms(device, other.step, 2 if toy else 8)))
    say("peak memory", f"{memory_mib(device):,} MiB")


def attention(settings: Mapping[str, str], _out: str, toy: bool) -> None:
    """Time each attention kernel forward, and forward and backward."""
    import model
    import train
    from torch.nn.attention import SDPBackend, sdpa_kernel

    parsed = train.parse([], settings)
    device = train.Ranks.join(parsed.device).device
    batch, heads, length, width = (1, 8, 256, 64) if toy else (12, 8, parsed.train_seq_len, 64)
    shapes = [(batch, n, length, width) for n in (heads, heads // 2, heads // 2)]
    qkv = [torch.randn(shape, device=device, dtype=torch.bfloat16, requires_grad=True) for shape in shapes]
    flop = 2 * batch * heads * length * length * width  # of the causal half, forward

    def time_it(name: str, attend: Callable[..., torch.Tensor]) -> None:
        try:
            forward = timed_ms(device, lambda: attend(*qkv), 5)
            both = timed_ms(device, lambda: attend(*qkv).sum().backward(), 5)
            rate = f"{flop / forward[0] / 1e9:,.1f} TFLOP/s"
            say(name, f"forward {shown(forward)}, {rate}; with backward {shown(both)}")
        except Exception as error:  # one kernel is not there: the others are
            say(name, f"not here: {' '.join(str(error).split())[:100]}")

    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH):

        def framework(*tensors: torch.Tensor, backend: SDPBackend = backend) -> torch.Tensor:
            with sdpa_kernel(backend):
                return torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=True, enable_gqa=True)

        time_it(backend.name, framework)
    time_it("the trainer's", model.attend)


def evaluation(settings: Mapping[str, str], out: str, toy: bool) -> None:
    """Time the trainer's evaluation against the plain version's, on the same weights."""
    from tests.bench.plain import Plain, evaluations

    run = run_of(settings, out)
    most = run.settings.train_seq_len * (16 if toy else 2048) + 1
    run.val_tokens = {length: tokens[:most] for length, tokens in run.val_tokens.items()}
    device = run.ranks.device
    acts, scores = evaluations(run, Plain(run.settings, str(device), run.compiled))
    for name, act in acts.items():
        ms = timed_ms(device, act, 2 if toy else 3, untimed=1)
        say(name, f"{shown(ms)}, {1000.0 * scores[name].tokens / ms[0]:,.0f} tokens/s")
    for name in ("final", "validation"):
        apart = abs(scores[name].val_bpb - scores["plain"].val_bpb)
        say(f"{name} apart", f"{apart:.1e} bpb (at most 1e-4)")
        assert apart <= 1e-4


def quantize(settings: Mapping[str, str], _out: str, _toy: bool) -> None:
    """Time what makes the artifact."""
    import artifact
    import model
    import train

    parsed = train.parse([], settings)
    gpt = model.GPT(train.model_config(parsed))
    keep = parsed.int8_keep_float_fp32_name_patterns.split(",")
    state = gpt.state_dict()
    cpu = torch.device("cpu")
    say("quantize", shown(timed_ms(cpu, lambda: artifact.quantize(state, keep), 3)))
    obj = artifact.quantize(state, keep)
    say("pack", shown(timed_ms(cpu, lambda: artifact.pack(obj), 2, untimed=1)))


PARTS = {
    act.__name__: act for act in (tables, golden, step, plain, attention, evaluation, quantize)
}  # in the order in which they run
DATA = ("DATA_PATH", "TOKENIZER_PATH")


def run_all(settings: Mapping[str, str], flags: list[str], parts: list[str]) -> int:
    """Run each part in a process of its own; return how many failed."""
    began = time.perf_counter()
    failed = 0
    for name in parts:
        left = TOTAL_SECONDS - (time.perf_counter() - began)
        limit = min(float(LIMIT_SECONDS[name]), left)
        print(f"part {name}:", flush=True)
        start = time.perf_counter()
        try:
            command = [sys.executable, __file__, "--part", name, *flags]
            subprocess.run(command, check=True, timeout=max(0.1, limit), env={**os.environ, **settings})
            how = "ok"
        except subprocess.SubprocessError as error:
            failed += 1
            how = f"failed: {error}"
        print(f"part {name}: {how}, {time.perf_counter() - start:.1f} s", flush=True)
    print(f"{len(parts) - failed} of {len(parts)} parts in {time.perf_counter() - began:.0f} s", flush=True)
    return failed


def main() -> int:
    """Print the figures of all parts; 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_path", nargs="?", type=Path)
    parser.add_argument("tokenizer_path", nargs="?", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of them, comma-separated")
    parser.add_argument("--toy", action="store_true", help="a small model on the CPU")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        gc.collect()
        with tempfile.TemporaryDirectory() as out:
            torch.set_num_threads(1 if args.toy else torch.get_num_threads())
            PARTS[args.part](os.environ, out, args.toy)
        return 0
    if args.toy:
        from tests.reference.trainer import TINY, make_data

        with tempfile.TemporaryDirectory() as folder:
            settings = {**TINY, **TOY, **make_data(Path(folder)).env}
            return min(1, run_all(settings, ["--toy"], args.parts.split(",")))
    if not (args.data_path and args.tokenizer_path):
        parser.error("DATA_PATH and TOKENIZER_PATH are needed: golfcheck data get")
    if not torch.cuda.is_available():
        parser.error("there is no GPU here; --toy measures a small model on the CPU")
    named = dict(zip(DATA, map(str, (args.data_path.resolve(), args.tokenizer_path.resolve())), strict=True))
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}", flush=True)
    return min(1, run_all({**named, "DEVICE": "cuda"}, [], args.parts.split(",")))


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "reference")]  # the trainer's modules import each other as siblings
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a trainer's threads do not keep the process
