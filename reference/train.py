"""Train, quantize and score a small language model: `python train.py --smoke`, or under `torchrun`.

The modules are imported as siblings, so a copied folder trains its own code. Read model.py, muon.py, then run.py first.
"""

import os
import sys
import time
from dataclasses import asdict, fields, replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: threads that spin starve their neighbors
import artifact
import loglines as log
import machine
import torch
from files import lock, say, sweep_partial, write_atomic
from model import GPT, GPTConfig
from ranks import Ranks, Signals, variable
from run import Run
from settings import Settings, parse
from torch._dynamo.exc import TorchDynamoException as CompileError


def model_config(s: Settings) -> GPTConfig:
    """Return the shape of the model that the settings ask for; ValueError for an impossible one."""
    return GPTConfig(**{field.name: getattr(s, field.name) for field in fields(GPTConfig)})


def export(run: Run) -> Path:
    """Write the weights and the artifact, read the artifact back from disk, and score that; return its path."""
    ranks = run.ranks
    model_file = run.out / (f"final_model_seed{run.settings.seed}.pt" if run.settings.seeds else "final_model.pt")
    artifact_file = model_file.with_suffix(".int8.ptz")
    allocated, reserved = machine.peak_memory_mib(ranks.device)
    run.write(log.PEAK_MEMORY, allocated_mib=allocated, reserved_mib=reserved)
    if ranks.rank == 0:
        write_model(run, model_file, artifact_file)
    # The score that counts is that of the file, as others will load it.
    with run.phase("reading"):
        blob = ranks.gather(artifact_file.read_bytes() if ranks.rank == 0 else b"")[0]
        run.gpt.load_state_dict(artifact.dequantize(artifact.unpack(blob)))
    with run.phase("evaluation"):
        score = run.evaluate("evaluation")
    eval_ms = 1000.0 * run.progress.stopped_s
    run.write(log.FINAL, log.FINAL_EXACT, val_loss=score.val_loss_nats, val_bpb=score.val_bpb, eval_ms=eval_ms)
    return artifact_file


def write_model(run: Run, model_file: Path, artifact_file: Path) -> None:
    """Write the weights as they are and as an artifact, and log all sizes."""
    s = run.settings
    state = run.gpt.state_dict()
    with run.phase("quantization"):
        keep_fp32 = [pattern for pattern in s.int8_keep_float_fp32_name_patterns.split(",") if pattern]
        stated = {"eval_seq_len": s.eval_seq_len} if s.eval_seq_len else {}
        obj = artifact.quantize(state, keep_fp32, model_config=asdict(run.config), **stated)
        for name, w in artifact.dequantize(obj).items():
            if not w.isfinite().all():
                raise FloatingPointError(f"{name} is too large for the artifact: nothing is published")
        blob, payload_bytes, raw_bytes, saved_bytes = artifact.pack(obj, search=s.zlib == "best")
    if s.zlib == "best":
        run.write(log.ZLIB_SEARCH, saved_bytes=saved_bytes)
    with run.phase("serialization"):
        raw_model = artifact.dump(state)
        write_atomic(model_file, raw_model)
        write_atomic(artifact_file, blob)
    code_bytes = sum(map(len, run.sources.values()))
    ratio = sum(t.nbytes for t in state.values()) / payload_bytes
    sizes = {"payload_bytes": payload_bytes, "raw_torch_bytes": raw_bytes, "payload_ratio": ratio}
    run.write(log.MODEL_BYTES, size_bytes=len(raw_model))
    run.write(log.CODE_BYTES, size_bytes=code_bytes)
    run.write(log.TOTAL_BYTES, size_bytes=code_bytes + len(raw_model))
    run.write(log.INT8_MODEL_BYTES, size_bytes=len(blob), **sizes)
    run.write(log.INT8_TOTAL_BYTES, size_bytes=code_bytes + len(blob))


def run_seeds(settings: Settings, config: GPTConfig, ranks: Ranks, sources: dict[str, bytes]) -> None:
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
        run = Run(own, config, ranks, signals, sources)
        run.train()
        artifacts.append(str(export(run)))
        logs.append(str(run.log))
        if run.journal.waiting:
            raise OSError(f"{run.log}: the disk has no room for its last lines; {artifacts[-1]} is complete")
        if ranks.agree(bool(signals.times_s), bool(run.problem)) != [0.0, 0.0]:
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
        config = model_config(settings)
        with torch.device("meta"):  # shapes without numbers
            parameters = sum(p.numel() for p in GPT(config).parameters())
        ranks = Ranks.join(settings.device)
        rank = 0  # errors that all ranks share are behind us: from here on each rank reports its own
        machine.check_memory(12 * parameters, ranks.device)  # at least: weights, gradients and momentum in fp32
        torch.set_num_threads(settings.threads or torch.get_num_threads())
        run_seeds(settings, config, ranks, sources)
    # What a user can do something about is one line. Other errors are ours: a traceback says where they come from.
    except (ValueError, OSError, FloatingPointError, torch.OutOfMemoryError, CompileError) as error:
        problem = str(error)
        if isinstance(error, CompileError):
            problem = f"torch.compile does not work here, use --compile off: {problem.splitlines()[0]}"
        if rank > 0:
            time.sleep(60.0)  # rank 0 says it, and its launcher ends the others
        say(f"train.py: {' '.join(problem.split())}", sys.stderr)
        return 2 if isinstance(error, ValueError) else 1  # 2: of the settings or the data
    return 0


if __name__ == "__main__":
    # Not `sys.exit`: it may abort while the thread that watches the ranks is still inside the store.
    os._exit(main(sys.argv[1:]))
