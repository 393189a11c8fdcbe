"""Train, quantize and score a small language model: `python train.py --smoke`, or under `torchrun`.

The modules are imported as siblings, so a copied folder trains its own code. Read model.py, muon.py, then run.py first.
"""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: threads that spin starve their neighbors
import machine
import torch
from files import lock, say, sweep_partial
from learner import model_config
from model import GPT
from ranks import Ranks, Signals, variable
from run import Run
from settings import Settings, parse

USERS_ERRORS = (
    ValueError, OSError, FloatingPointError, torch.OutOfMemoryError, subprocess.CalledProcessError,
    torch._dynamo.exc.TorchDynamoException,
)  # fmt: skip


def run_seeds(settings: Settings, ranks: Ranks, sources: dict[str, bytes]) -> None:
    """Run the seeds one after another, and make their record."""
    signals = Signals()
    out = Path(settings.out)
    if ranks.rank == 0:
        _held = lock(out)  # until this process ends
        sweep_partial(out)
        if settings.preset == "smoke" and not Path(settings.data_path).exists():
            machine.golfcheck("data", "demo")
    ranks.agree()  # the others wait for the data
    logs = list[str]()
    artifacts = list[str]()
    # A record needs several seeds: only their spread tells a gain from luck.
    for seed in settings.seeds.split(",") if settings.seeds else [""]:
        own = replace(settings, seed=int(seed), run_id=f"{settings.run_id}_seed{seed}") if seed else settings
        signals.phase = "starting"
        run = None  # frees the one before
        run = Run(own, ranks, signals, sources)
        run.train()
        run.export()
        logs.append(str(run.log))
        artifacts.append(str(run.artifact_file))
        if ranks.agree(bool(signals), bool(run.problem)) != [0.0, 0.0]:
            break
    if ranks.rank == 0:
        target = ("--into", str(out / "record"), "--name", settings.run_id)
        machine.golfcheck("new", *target, "--from", *logs, "--artifact", *artifacts)
    ranks.agree()  # no rank leaves while another still works
    if run and run.problem:
        raise OSError(f"{run.problem}: what was trained before it is exported and scored")


def main(argv: list[str]) -> int:
    """Train as the command line and the environment say, and return the exit code."""
    files = sorted(Path(__file__).resolve().parent.glob("*.py"))
    sources = {path.name: path.read_bytes() for path in files if path.stat().st_size}  # now: they may be edited later
    rank = 0
    try:
        world_size = variable("WORLD_SIZE", 1)
        rank = variable("RANK", 0)
        settings = parse(argv, os.environ)
        settings.check(world_size)
        with torch.device("meta"):  # shapes without numbers
            parameters = sum(p.numel() for p in GPT(model_config(settings)).parameters())
        ranks = Ranks.join(settings.device)
        rank = 0  # errors that all ranks share are behind us: from here on each speaks for itself
        machine.check_memory(12 * parameters, ranks.device)  # at least: weights, gradients and momentum in fp32
        torch.set_num_threads(settings.threads or torch.get_num_threads())
        run_seeds(settings, ranks, sources)
    # What a user can do something about is one line. Other errors are ours: a traceback says where they come from.
    except USERS_ERRORS as error:
        problem = str(error)
        if isinstance(error, torch._dynamo.exc.TorchDynamoException):
            problem = f"torch.compile does not work here, use --compile off: {problem.splitlines()[0]}"
        if rank > 0:
            time.sleep(60.0)  # rank 0 says it, and its launcher ends the others
        say(f"train.py: {' '.join(problem.split())}", sys.stderr)
        return 2 if isinstance(error, ValueError) else 1  # 2: of the settings or the data
    return 0


if __name__ == "__main__":
    # An interpreter that takes its time to end aborts where the thread that watches the ranks is inside the store.
    os._exit(main(sys.argv[1:]))
