"""A record folder of one tiny model, with its data and log: everything that a rescoring needs, created in a second."""

import hashlib
import json
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.data.tokenizing import make_dataset
from golfcheck.reference import artifact, data
from golfcheck.reference.bpb import ByteTable, Score, evaluate
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.untrusted.artifacts import Array

VOCAB = 300
ONE_SEQUENCE = {"bf16": 64, "fp32": 64}  # a call, for tests that count calls
CONFIG = GPTConfig(
    vocab_size=VOCAB, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2, train_seq_len=64, rope_tables="bf16",
    rope_base=500.0,
)  # fmt: skip
KEEP = ["attn_scale", "mlp_scale", "resid_mix", "q_gain", "skip_weights"]


@dataclass(frozen=True)
class World:
    """Folders and facts of the tiny world."""

    root: Path
    shards: Path
    tokenizer: Path
    config: GPTConfig
    state: dict[str, torch.Tensor]
    score: Score  # of the artifact, bf16 activations

    @property
    def record(self) -> Path:
        return self.root / "records" / "2026-04-01_Tiny"

    @property
    def artifact(self) -> Path:
        """The artifact alone, outside the record."""
        return self.root / "final_model.int8.ptz"


def model(seed: int = 0, config: GPTConfig = CONFIG) -> GPT:
    """A model of random weights, none of them zero, so that every part of it affects the score."""
    torch.manual_seed(seed)
    gpt = GPT(config)
    with torch.no_grad():
        for parameter in gpt.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return gpt


def arrays(value: Any) -> Any:
    """A saved tree as the strict reader returns it: arrays instead of tensors."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        stored = value.view(torch.int16).numpy().view(np.uint16) if dtype == "bfloat16" else value.numpy()
        return Array(dtype, tuple(value.shape), stored)
    return {key: arrays(child) for key, child in value.items()} if isinstance(value, dict) else value


def trained(gpt: GPT, tokens: Any) -> GPT:
    """The model after a few steps: its weights fit the functions in it."""
    size = gpt.config.train_seq_len
    ids = torch.from_numpy(np.asarray(tokens)[: len(tokens) // (size + 1) * (size + 1)].astype(np.int64))
    rows = ids.view(-1, size + 1)[:32]  # [B, T + 1]
    optimizer = torch.optim.Adam(gpt.parameters(), lr=0.02)
    for _ in range(6):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = gpt(rows[:, :-1], rows[:, 1:])
        loss.backward()
        optimizer.step()
    return gpt


def packed(state: dict[str, torch.Tensor], **extra: object) -> bytes:
    return artifact.pack(artifact.quantize(state, KEEP, **extra))[0]


def make(root: Path) -> World:
    words = "the quick brown fox jumps over a lazy dog while some other words come and go now".split()
    documents = [" ".join(words[(i * j) % len(words)] for j in range(1, 60)) + f" {i}." for i in range(60)]
    model_file, tokens = make_dataset(documents, VOCAB, 0.3, 1)
    shards, tokenizer = root / "data/datasets/tiny_sp300", root / "data/tokenizers/tiny_300.model"
    for folder in (shards, tokenizer.parent):
        folder.mkdir(parents=True)
    tokenizer.write_bytes(model_file)
    for split, ids in tokens.items():
        (shards / f"fineweb_{split}_000000.bin").write_bytes(shard_bytes(ids))
    state = trained(model(), tokens["train"]).state_dict()
    world = World(root, shards, tokenizer, CONFIG, state, scored(state, shards, tokenizer, CONFIG))
    world.record.mkdir(parents=True)
    for folder in (world.root, world.record):
        (folder / world.artifact.name).write_bytes(packed(state))
    torch.save(state, root / "final_model.pt")
    (world.record / "train.log").write_text(log(world))
    claim = {"name": "Tiny", "author": "A", "github_id": "a", "date": "2026-04-01", "val_bpb": world.score.val_bpb}
    (world.record / "submission.json").write_text(json.dumps(claim))
    return world


def copy(world: World, root: Path) -> World:
    """A copy of the world below another root, which a test may change."""
    shutil.copytree(world.root, root)
    moved = {name: root / getattr(world, name).relative_to(world.root) for name in ("shards", "tokenizer")}
    return replace(world, root=root, **moved)


def scored(
    state: dict[str, torch.Tensor], shards: Path, tokenizer: Path, config: GPTConfig, precision: str = "bf16"
) -> Score:
    """The score of a state dict's artifact by the trainer's own evaluation."""
    gpt = GPT(config)
    gpt.load_state_dict(artifact.dequantize(artifact.quantize(state, KEEP)))
    if precision == "fp32":
        gpt.float()
    tokens = data.read_validation(data.shard_paths(shards, "val"), config.train_seq_len, config.vocab_size)
    table = ByteTable.load(tokenizer, config.vocab_size)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        return evaluate(
            gpt, tokens, table, seq_len=config.train_seq_len, batch_seqs=4, device=torch.device("cpu")
        )  # fmt: skip


def log(world: World, **changes: object) -> str:
    """A log of the run that wrote the artifact; `changes` replace values by name."""
    facts = {
        "seed": 1337, "tokens": world.score.tokens, "text_bytes": world.score.bytes, "bpb": world.score.val_bpb,
        "tokenizer_sha256": hashlib.sha256(world.tokenizer.read_bytes()).hexdigest(),
        "val_sha256": data.digest(data.shard_paths(world.shards, "val")), "rope_tables": world.config.rope_tables,
    } | changes  # fmt: skip
    nats = facts["bpb"] * math.log(2) * world.score.bytes / world.score.tokens
    tokens, text_bytes = facts["tokens"], facts["text_bytes"]
    return f"""\
val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={world.tokenizer}
train_loader:dataset:{world.shards.name} train_shards:1
val_loader:shards pattern={world.shards}/fineweb_val_*.bin tokens:{tokens}
data:val_text tokens:{tokens} bytes:{text_bytes}
data:tokenizer pieces:{VOCAB} sha256:{facts["tokenizer_sha256"]}
data:val_shards files:1 tokens:{tokens + 1} sha256:{facts["val_sha256"]}
world_size:1 grad_accum_steps:8
train_batch_tokens:512 train_seq_len:64 iterations:1 warmup_steps:0 max_wallclock_seconds:0.000
seed:{facts["seed"]}
settings:numerics rope_tables:{facts["rope_tables"]} activations:bf16 device:cpu x compiled:False
settings:changed {json.dumps({"ROPE_BASE": world.config.rope_base})}
step:1/1 train_loss:5.0000 train_time:1ms step_avg:1.00ms
final_int8_zlib_roundtrip_exact val_loss:{nats:.8f} val_bpb:{facts["bpb"]:.8f}
"""
