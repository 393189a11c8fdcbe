"""Running the trainer as its users do: a process, a folder, a log."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golfcheck.data import dataset
from golfcheck.data.shardwriter import shard_bytes
from golfcheck.reference import data
from golfcheck.trainlog import linekinds
from golfcheck.trainlog.templates import parse
from tests.clock import HANG_SECONDS
from tests.reference.forks import Forks

REFERENCE = Path(data.__file__).parent
FORKS = Forks()
TINY = {
    "VAL_BATCH_SIZE": "4096", "VAL_LOSS_EVERY": "0", "TRAIN_LOG_EVERY": "1", "ITERATIONS": "6", "WARMDOWN_ITERS": "3",
    "WARMUP_STEPS": "1", "TRAIN_BATCH_TOKENS": "512", "TRAIN_SEQ_LEN": "32", "MAX_WALLCLOCK_SECONDS": "0",
    "NUM_LAYERS": "3", "MODEL_DIM": "32", "NUM_HEADS": "4", "NUM_KV_HEADS": "2", "MUON_MOMENTUM_WARMUP_STEPS": "4",
    "RUN_ID": "tiny", "THREADS": "1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset for the trainer."""

    data_path: Path
    tokenizer_path: Path

    @property
    def env(self) -> dict[str, str]:
        """The variables that name it."""
        return {"DATA_PATH": str(self.data_path), "TOKENIZER_PATH": str(self.tokenizer_path)}


@dataclass(frozen=True, slots=True)
class Finished:
    """A trainer that has ended."""

    code: int
    output: str
    out: Path

    def log(self, name: str = "tiny") -> str:
        """The text of a log."""
        return (self.out / "logs" / f"{name}.txt").read_text()

    def lines(self, kind: type[linekinds.LogLine], name: str = "tiny") -> list[linekinds.LogLine]:
        """The log's lines of one kind."""
        return [line for text in self.log(name).split("\n") if isinstance(line := parse(text), kind)]

    @property
    def losses(self) -> list[float]:
        """The training loss of every logged step."""
        return [line.train_loss for line in self.lines(linekinds.TrainStep)]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A clean environment with only these settings."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**inherited, "OMP_NUM_THREADS": "1", "GIT_CONFIG_GLOBAL": os.devnull, **settings}


def command(folder: Path = REFERENCE, ranks: int = 1) -> list[str]:
    """The command line that starts the trainer of a folder."""
    if ranks == 1:
        return [sys.executable, str(folder / "train.py")]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={ranks}"]
    return [*launcher, str(folder / "train.py")]


def train(
    out: Path, data_: Data, *flags: str, ranks: int = 1, folder: Path = REFERENCE, record: bool = False, **settings: str
) -> Finished:
    """Run the trainer to its end, on one rank or several; it makes a submission folder only with `record`."""
    env = environment({**TINY, **data_.env, **settings})
    argv = [str(folder / "train.py"), "--out", str(out), *flags]
    return Finished(*FORKS.run(argv, env, out, ranks=ranks, record=record, seconds=HANG_SECONDS), out)


def copy_of_reference(folder: Path, edit: tuple[str, str, str] | None = None) -> Path:
    """Copy the trainer, with one text in one of its files replaced."""
    shutil.copytree(REFERENCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    if edit:
        name, old, new = edit
        text = (folder / name).read_text()
        assert len(re.findall(re.escape(old), text)) == 1, f"{name} holds {old!r} once"
        (folder / name).write_text(text.replace(old, new))
    return folder


def make_data(folder: Path) -> Data:
    """A small slice of the demonstration data: enough tokens for tiny runs, scored in a moment."""
    demo = dataset.make_demo(folder)
    for split, count in (("train", 40_000), ("val", 2_049)):
        path = demo.data_path / f"fineweb_{split}_000000.bin"
        tokens = data.read_shard(path, 1024)[:count]
        path.write_bytes(shard_bytes(np.asarray(tokens)))
    return Data(demo.data_path, demo.tokenizer_path)
