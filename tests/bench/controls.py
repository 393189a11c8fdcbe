"""Train controls for the public artifact, and score them: `python -m tests.bench.controls [FOLDER]`, one thread.

FOLDER/near.json and far.json are the reports of models of similar quality: `reference/train.py` goes on from the
artifact's own weights, with new optimizers, at rates that change every 20th or every 4th weight of its matrices by more
than int8 rounds away. FOLDER/scratch.json is that of a smaller model, which it makes from nothing: much worse, as
everything is that a laptop trains in minutes. All learn from the real training tokens beside the checkout, 0.3 to 1
million of them, and are scored as the artifact is.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from golfcheck.reference.artifact import dump
from golfcheck.reference.settings import parse
from golfcheck.rescore import weights
from golfcheck.untrusted.artifacts import load
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
ARTIFACT = SHARED / "golden" / "public_7L384.int8.ptz"
SEQ_LEN = 512
TABLES = "fp32"  # of the two kinds the one that the artifact scores better with
FOLDER = Path(tempfile.gettempdir(), "golfcheck-controls")
DATA = ("--data", str(SHARED / "fineweb"), "--seq-len", str(SEQ_LEN), "--rope-tables", TABLES, "--device", "cpu")

_SETTINGS: dict[str, object] = {
    "data-path": SHARED / "fineweb", "tokenizer-path": SHARED / "fineweb" / "fineweb_1024_bpe.model", "device": "cpu",
    "threads": 1, "train-seq-len": SEQ_LEN, "rope-tables": TABLES, "train-batch-tokens": 8192, "warmup-steps": 0,
    "max-wallclock-seconds": 0, "val-batch-size": 32_768, "val-loss-every": 0, "train-log-every": 10,
    "muon-momentum": 0.95, "muon-momentum-warmup-steps": 20,
}  # fmt: skip
_GO_ON: dict[str, object] = {"num-layers": 7, "model-dim": 384, "scalar-lr": 0.01}
_OF_EACH: dict[str, dict[str, object]] = {
    "near": {**_GO_ON, "iterations": 40, "warmdown-iters": 40, "matrix-lr": 0.005, "tied-embed-lr": 0.01},
    "far": {**_GO_ON, "iterations": 60, "warmdown-iters": 60, "matrix-lr": 0.01, "tied-embed-lr": 0.015},
    "scratch": {
        "iterations": 120, "warmdown-iters": 100, "num-layers": 4, "model-dim": 192, "num-heads": 4, "num-kv-heads": 2,
    },
}  # fmt: skip


def make(folder: Path) -> dict[str, Path]:
    """Return the report of each control by its name; each is trained and scored unless it is there."""
    reports = {name: folder / f"{name}.json" for name in _OF_EACH}
    for name, report in reports.items():
        if not report.exists():
            (folder / name).mkdir(parents=True, exist_ok=True)
            score(train(folder / name, continues=name != "scratch"), report)
    return reports


def train(out: Path, *, continues: bool) -> Path:
    """Train in a folder with the control's name, and return its artifact."""
    settings = _SETTINGS | _OF_EACH[out.name]
    options = [f"--{name}={value}" for name, value in settings.items()]
    if continues:
        _write_checkpoint(out / "start.pt", options)
        options.append(f"--resume={out / 'start.pt'}")
    command = [sys.executable, str(ROOT / "reference" / "train.py"), *options, f"--out={out}"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return out / "final_model.int8.ptz"


def _write_checkpoint(path: Path, options: list[str]) -> None:
    """Write the artifact's weights as a checkpoint, so that the trainer continues from them."""
    state = weights.state_of(load(ARTIFACT.read_bytes()))
    rank = dump({"muon": {}, "random": torch.get_rng_state()})
    begun = {"step": 1, "train_ms": 1.0, "position": (0, 0), "ranks": [rank], "model": state, "adam": {}}
    path.write_bytes(dump(begun | {"settings": asdict(parse(options, {}))}))


def score(artifact: Path, report: Path) -> None:
    """Write the report of a full rescoring."""
    command = [sys.executable, "-m", "golfcheck", "rescore", str(artifact), "--full", "--json", str(report), *DATA]
    subprocess.run(command, check=True, stdout=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    args = parser.parse_args()
    if not ARTIFACT.exists():
        print(f"needs the real data in {SHARED}")
        return
    for name, report in make(args.folder).items():
        print(f"{name}: {report}")


if __name__ == "__main__":
    main()
