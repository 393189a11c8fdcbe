"""What Muon costs on several ranks: `python tests/bench/bench_ranks.py [--ranks 2,4] [--steps N]`, gloo on this CPU,
or NCCL where there is a GPU for each.

Every rank holds the matrices of the default model and steps, in turn, as the trainer does (the updates of a stack are
added up while the next is computed), as it would if it waited for each sum, and as `plain.py` does (matrices one by
one, one sum of all updates at the end). A step takes what its slowest rank takes, by the clock; the same weights must
come of the first two, and nearly of the third, which multiplies in another order. Ranks beyond the cores share them:
then there is little to hide a sum behind.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

os.environ["OMP_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402 - found by the line above
import torch.distributed as dist  # noqa: E402
from torch import Tensor  # noqa: E402

from golfcheck.reference.muon import Muon  # noqa: E402
from golfcheck.reference.settings import parse  # noqa: E402
from tests.bench.plain import Plain  # noqa: E402
from tests.reference.trainer import make_data  # noqa: E402

LR, MOMENTUM, STEPS = 0.02, 0.95, 5
APART = LR / 10  # a step: entries of an update are about 0.05, and bf16 and the iteration round a tenth of one
_all_reduce = dist.all_reduce


class Waited:
    """The answer of a sum that was waited for."""

    def wait(self) -> None:
        """Return at once."""


def waiting(tensor: Tensor, async_op: bool = False) -> Waited:
    """Sum over the ranks, and come back only when it is done."""
    _all_reduce(tensor)
    return Waited()


def slowest_ms(act: Callable[[], object]) -> float:
    """Return the milliseconds of the slowest rank."""
    _all_reduce(torch.zeros(1))  # all begin together
    began = time.perf_counter()
    act()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    took = torch.tensor(1000.0 * (time.perf_counter() - began), dtype=torch.float64)
    _all_reduce(took, dist.ReduceOp.MAX)
    return float(took)


def work(data_path: str, steps: int) -> None:
    """Measure on this rank, and print on the first."""
    on_gpus = torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"])
    device = f"cuda:{os.environ['LOCAL_RANK']}" if on_gpus else "cpu"
    if on_gpus:
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo")
    torch.set_num_threads(1)
    runs = [Plain(parse([], {"DATA_PATH": data_path}), device) for _ in range(3)]  # the same first weights
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(p.shape, generator=generator).to(device) for p in runs[0].matrices]
    for one in runs:
        for p, gradient in zip(one.matrices, gradients, strict=True):
            p.grad = gradient
    ours, waited = (Muon(one.matrices, LR, MOMENTUM, STEPS, 0.0, compile=False) for one in runs[:2])

    def without_overlap() -> None:
        with mock.patch.object(dist, "all_reduce", waiting):
            waited.step()

    acts = {"overlapped": ours.step, "waited for": without_overlap, "plain": lambda: runs[2]._muon(LR, MOMENTUM)}
    took: dict[str, list[float]] = {name: [] for name in acts}
    for count in range(steps + 1):
        for name, act in acts.items():
            ms = slowest_ms(act)
            if count:
                took[name].append(ms)
    pairs = [list(zip(runs[0].matrices, other.matrices, strict=True)) for other in runs[1:]]
    assert all(torch.equal(a, b) for a, b in pairs[0]), "waiting for a sum changed the weights"
    apart = max(float((a - b).detach().abs().max()) for a, b in pairs[1])
    assert apart < APART * (steps + 1), f"plain.py's weights are {apart:.1e} off"
    if dist.get_rank() == 0:
        flat_mib = sum(p.numel() for p in runs[0].matrices) * 2 / 2**20
        medians = "   ".join(f"{name} {statistics.median(ms):,.0f} ms" for name, ms in took.items())
        gains = [statistics.median(a / b for a, b in zip(took[name], took["overlapped"], strict=True)) for name in acts]
        print(
            f"{dist.get_world_size()} ranks: {medians}   overlap {gains[1]:.2f}x, plain {gains[2]:.2f}x   "
            f"{flat_mib:.0f} MiB of updates, weights equal, and plain's within {apart:.1e}",
            flush=True,
        )
    dist.destroy_process_group()


def main() -> None:
    """Print the figures for each number of ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", default="2,4", help="numbers of ranks")
    parser.add_argument("--steps", type=int, default=5, help="that count")
    parser.add_argument("--data", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.data:
        return work(args.data, args.steps)
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder))
        for ranks in args.ranks.split(","):
            own = [__file__, "--data", str(data.data_path), "--steps", str(args.steps)]
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", ranks, *own]
            subprocess.run(command, check=True)
    return None


if __name__ == "__main__":
    main()
