"""Small record folders on disk for the tests of commands: three seeds, one script, consistent numbers."""

import json
from pathlib import Path
from typing import Any

SEEDS = (1337, 42, 2025)
BYTES_PER_TOKEN = 2.43592  # sp1024
LN2 = 0.6931471805599453
TOKENS = 62_021_632  # 151,080,000 bytes of text
SCRIPT = "print('train')\n"
MODEL_BYTES = 15_900_000


def bpb_of(seed: int) -> float:
    return round(1.2 + SEEDS.index(seed) * 1e-4, 8)


def log(seed: int) -> str:
    """Return a log in the contest's own dialect."""
    bpb = bpb_of(seed)
    loss = bpb * LN2 * BYTES_PER_TOKEN
    code = len(SCRIPT.encode())
    steps = [
        f"step:{step}/20000 train_loss:{6 - step / 2000 + seed / 1e5:.4f} train_time:{step * 60}ms step_avg:60.00ms"
        for step in range(1000, 10_000, 1000)
    ]
    return "\n".join(
        [
            "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=fineweb_1024_bpe.model",
            "train_loader:dataset:fineweb10B_sp1024 train_shards:80",
            f"val_loader:shards pattern=fineweb_val_*.bin tokens:{TOKENS}",
            "model_params:17059912",
            "world_size:8 grad_accum_steps:1",
            "train_batch_tokens:524288 train_seq_len:1024 iterations:20000 warmup_steps:20 "
            "max_wallclock_seconds:600.000",
            f"seed:{seed}",
            *steps,
            f"step:10000/20000 val_loss:{loss:.4f} val_bpb:{bpb:.4f} train_time:600000ms step_avg:60.00ms",
            "stopping_early: wallclock_cap train_time:600000ms step:10000/20000",
            "Serialized model: 67224983 bytes",
            f"Code size: {code} bytes",
            f"Total submission size: {67224983 + code} bytes",
            f"Serialized model int8+zlib: {MODEL_BYTES} bytes "
            "(payload:17178912 raw_torch:17224025 payload_ratio:3.91x)",
            f"Total submission size int8+zlib: {MODEL_BYTES + code} bytes",
            f"final_int8_zlib_roundtrip val_loss:{loss:.4f} val_bpb:{bpb:.4f} eval_time:1500ms",
            f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}",
            "",
        ]
    )


def submission(**changes: Any) -> dict[str, Any]:
    """Return a complete submission object."""
    mean = sum(map(bpb_of, SEEDS)) / len(SEEDS)
    total = MODEL_BYTES + len(SCRIPT.encode())
    document = {
        "author": "Ada",
        "github_id": "ada",
        "name": "A small record",
        "date": "2026-04-01",
        "track": "10min_16mb",
        "val_loss": round(mean * LN2 * BYTES_PER_TOKEN, 8),
        "val_bpb": round(mean, 8),
        "bytes_total": total,
        "bytes_code": len(SCRIPT.encode()),
        "seeds": list(SEEDS),
        "seed_results": {
            str(seed): {
                "val_loss": round(bpb_of(seed) * LN2 * BYTES_PER_TOKEN, 8),
                "val_bpb": bpb_of(seed),
                "bytes_total": total,
            }
            for seed in SEEDS
        },
    }
    return {key: value for key, value in (document | changes).items() if value is not None}


def make(tree: Path, named: str = "2026-04-01_Small", /, **changes: Any) -> Path:
    """Write a record into `tree`/records/track_10min_16mb; `changes` are of its submission, None leaves a key out."""
    folder = tree / "records" / "track_10min_16mb" / named
    folder.mkdir(parents=True)
    (folder / "submission.json").write_text(json.dumps(submission(**changes), indent=2) + "\n")
    (folder / "README.md").write_text("# A small record\n")
    (folder / "train_gpt.py").write_text(SCRIPT)
    for seed in SEEDS:
        (folder / f"train_seed{seed}.log").write_text(log(seed))
    return folder
