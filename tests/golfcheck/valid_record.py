"""A complete, consistent record of 3 seeds on 8×H100, as text: edit it in one line, write it, judge it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golfcheck.core.verdict import Verdict
from golfcheck.judging.verify import judge
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.history import Branch, Change
from golfcheck.submission.record import Record, load

LN2 = 0.6931471805599453
BYTES_PER_TOKEN = 2.43592
VAL_TOKENS = 62_021_632
BPB = {1337: 1.11508120, 42: 1.11437394, 2025: 1.11475014}
FOLDER = "2026-06-01_Valid"
SCRIPT = b'''"""Train a model."""

import torch


def main():
    """Run."""
    torch.manual_seed(1337)


main()
'''
GPU = "|   {i}  NVIDIA H100 80GB HBM3          On  |   00000000:19:00.0 Off |                    0 |"


@dataclass
class Draft:
    """The facts of a record; every file is derived from them, and may then be edited in `files`."""

    seeds: tuple[int, ...] = (1337, 42, 2025)
    script: bytes = SCRIPT
    model_bytes: int = 15_800_000
    packed_code: int | None = None  # bytes of code, where the log counts it packed
    val_tokens: int = VAL_TOKENS
    bytes_per_token: float = BYTES_PER_TOKEN
    train_ms: int = 599_920
    eval_ms: int = 77_000
    bpb_shift: float = 0.0
    spread: float = 1.0  # how far the seeds lie apart, against BPB
    folder: str = FOLDER
    track: str = "10min_16mb"
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = {
            "README.md": b"# Valid\n\nA record that breaks no rule.\n",
            "train_gpt.py": self.script,
            **{f"train_seed{seed}.log": self.log(seed) for seed in self.seeds},
        }
        self.set(**self.submission())

    @property
    def code_bytes(self) -> int:
        return len(self.script) if self.packed_code is None else self.packed_code

    def bpb(self, seed: int) -> float:
        mean = sum(BPB.values()) / len(BPB)
        return round(mean + (BPB[seed] - mean) * self.spread + self.bpb_shift, 8)

    def loss(self, seed: int) -> float:
        return round(self.bpb(seed) * LN2 * self.bytes_per_token, 8)

    def total(self, seed: int) -> int:
        return self.code_bytes + self.model_bytes - 1_000 * self.seeds.index(seed)

    def submission(self) -> dict[str, object]:
        """Return the canonical submission.json."""
        count = len(self.seeds)
        return {
            "author": "A. Golfer",
            "github_id": "golfer",
            "name": "Valid",
            "date": self.folder[:10],
            "track": self.track,
            "val_loss": round(sum(map(self.loss, self.seeds)) / count, 8),
            "val_bpb": round(sum(map(self.bpb, self.seeds)) / count, 8),
            "bytes_total": max(map(self.total, self.seeds)),
            "bytes_code": self.code_bytes,
            "seeds": list(self.seeds),
            "seed_results": {
                str(s): {"val_loss": self.loss(s), "val_bpb": self.bpb(s), "bytes_total": self.total(s)}
                for s in self.seeds
            },
        }

    def set(self, **values: object) -> None:
        """Set keys of submission.json (None removes one)."""
        current = json.loads(self.files.get("submission.json", b"{}")) | values
        remaining = {key: value for key, value in current.items() if value is not None}
        self.files["submission.json"] = (json.dumps(remaining, indent=2) + "\n").encode()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the first `old` in a file; it must be there."""
        assert old.encode() in self.files[path], (path, old)
        self.files[path] = self.files[path].replace(old.encode(), new.encode(), 1)

    def edit_logs(self, old: str, new: str) -> None:
        """Replace the first `old` in every log."""
        for path in self.files:
            if path.endswith(".log"):
                self.edit(path, old, new)

    def log(self, seed: int) -> bytes:
        """Return the log of a run, in the lines of the contest's trainer."""
        loss, bpb = self.loss(seed), self.bpb(seed)
        steps = 7_000
        code = "Code size (compressed)" if self.packed_code is not None else "Code size"
        model, total = self.total(seed) - self.code_bytes, self.total(seed)

        average = self.train_ms / steps

        def clock(step: int) -> str:
            return f"train_time:{step * average:.0f}ms step_avg:{average:.2f}ms"

        rule = "=" * 100
        lines = [
            rule,
            "Running Python 3.12.3",
            "Running PyTorch 2.8.0+cu128",
            *(GPU.format(i=i) for i in range(8)),
            rule,
            "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=./data/tokenizers/fineweb_1024_bpe.model",
            f"val_loader:shards pattern=./data/fineweb_val_*.bin tokens:{self.val_tokens}",
            "model_params:17059912",
            "world_size:8 grad_accum_steps:1",
            f"seed:{seed}",
            *(f"step:{s}/20000 train_loss:{6.9 - 0.1 * s - seed * 1e-4:.4f} {clock(s)}" for s in (1, 2, 3, 4, 5, 1000)),
            f"step:1000/20000 val_loss:2.1000 val_bpb:1.2437 {clock(1000)}",
            f"step:{steps}/20000 train_loss:1.9000 {clock(steps)}",
            f"step:{steps}/20000 val_loss:{loss - 0.01:.4f} val_bpb:{bpb - 0.006:.4f} {clock(steps)}",
            f"stopping_early: wallclock_cap train_time:{self.train_ms}ms step:{steps}/20000",
            "Serialized model: 67224983 bytes",
            f"{code}: {self.code_bytes} bytes",
            f"Total submission size: {67_224_983 + self.code_bytes} bytes",
            f"Serialized model int8+zlib: {model} bytes (payload:17178912 raw_torch:17224025 payload_ratio:3.91x)",
            f"Total submission size int8+zlib: {total} bytes",
            f"final_int8_zlib_roundtrip val_loss:{loss:.4f} val_bpb:{bpb:.4f} eval_time:{self.eval_ms}ms",
            f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}",
        ]
        return self.script + b"\n" + "".join(f"{line}\n" for line in lines).encode()

    def write(self, root: Path) -> Path:
        """Write the record into a records tree, and return its folder."""
        folder = root / f"track_{self.track}" / self.folder
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def load(self, root: Path) -> Record:
        """Write the record, and read it as golfcheck does."""
        return load(self.write(root))


def earlier(root: Path, shift: float = 0.04) -> Entry:
    """Return the entry of a record that is a month older and worse by `shift` bits per byte."""
    entry = examine(Draft(folder="2026-05-01_Earlier", bpb_shift=shift).load(root)).entry()
    assert entry
    return entry


def verdict_of(
    draft: Draft, root: Path, *, shift: float = 0.04, ruleset: str = "written", changes: tuple[Change, ...] = ()
) -> Verdict:
    """Judge a draft against that older record; `changes` are those of the branch that adds it."""
    branch = Branch("main", root.resolve(), changes)
    return judge(examine(draft.load(root)), [earlier(root, shift)], ruleset=ruleset, branch=branch)


def write(tree: Path, folder: str, shift: float, **changes: Any) -> Path:
    """Write a record that is named like its folder, without the date, and whose scores are moved by `shift` bpb."""
    draft = Draft(folder=folder, bpb_shift=shift, **changes)
    draft.set(name=folder[11:])
    return draft.write(tree)
