"""Every setting of the trainer, once: its name, type, default and meaning. Flags and environment come from here.

A flag (`--train-seq-len 1024`) wins over the environment (`TRAIN_SEQ_LEN=1024`), which wins over the preset.
"""

import argparse
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

CONTROL_TENSORS = "attn_scale,attn_scales,mlp_scale,mlp_scales,resid_mix,resid_mixes,q_gain,skip_weight,skip_weights"
MICRO_BATCHES = 8  # per step, whatever the number of ranks: the mathematics is that of eight ranks
_TABLES = ("bf16", "bf16_frequencies", "fp32")
_BOOLS = {"1": True, "true": True, "0": False, "false": False}


def _setting(default: Any, help_: str, low: float = -math.inf, below: float = math.inf, choices: Any = ()) -> Any:
    return field(default=default, metadata={"help": help_, "low": low, "below": below, "choices": choices})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run; the names in capitals are the contest's environment variables."""

    data_path: str = _setting("./data/datasets/fineweb10B_sp1024", "folder of fineweb_{train,val}_*.bin")
    tokenizer_path: str = _setting("./data/tokenizers/fineweb_1024_bpe.model", "SentencePiece model of the shards")
    run_id: str = _setting("training_opt_seq4096_v1", "name of the log, and of the record folder")
    seed: int = _setting(1337, "seed of every random number", 0, 2**63)
    val_batch_size: int = _setting(524_288, "validation tokens in one call, all ranks and micro-batches together", 1)
    val_loss_every: int = _setting(1000, "steps between validations (0: only at the end)", 0)
    train_log_every: int = _setting(200, "steps between train lines after the first ten", 1)
    # A run is some 10,000 steps in 600 s; the cap, and not the number of iterations, is meant to end it.
    iterations: int = _setting(20_000, "steps, unless the cap comes first", 1)
    warmdown_iters: int = _setting(3000, "steps over which the learning rates fall to 0 at the end", 0)
    warmup_steps: int = _setting(20, "steps before the clock starts; they are undone", 0)
    train_batch_tokens: int = _setting(393_216, "tokens a step, all ranks together", 1)
    train_seq_len: int = _setting(4096, "tokens a sequence, in training and validation", 1, 2**17)
    max_wallclock_seconds: float = _setting(600.0, "cap on training time (0: none)", 0)
    # The shape. Its parameters cost about a byte each in the artifact, of 16,000,000 with the code.
    vocab_size: int = _setting(1024, "pieces of the tokenizer; a shard has 16 bits a token", 1, 2**16 + 1)
    num_layers: int = _setting(9, "blocks", 1, 1000)
    model_dim: int = _setting(512, "width", 1)
    num_heads: int = _setting(8, "query heads", 1)
    num_kv_heads: int = _setting(4, "key/value heads", 1)
    mlp_mult: int = _setting(2, "width of the MLP over the model's", 1)
    tie_embeddings: bool = _setting(True, "use the embedding as the head")
    rope_base: float = _setting(10_000.0, "base of the rotary frequencies", 1)
    rope_tables: str = _setting("bf16_frequencies", "what of the rotary tables is rounded", choices=_TABLES)
    logit_softcap: float = _setting(30.0, "bound of the logits")
    qk_gain_init: float = _setting(1.5, "first gain of the queries")
    # Learning rates. A tied embedding is the head as well: it learns as the head does, more slowly than a mere lookup.
    embed_lr: float = _setting(0.6, "learning rate of an untied embedding", 0)
    head_lr: float = _setting(0.008, "learning rate of an untied head", 0)
    tied_embed_lr: float = _setting(0.03, "learning rate of a tied embedding", 0)
    tied_embed_init_std: float = _setting(0.005, "first standard deviation of a tied embedding", 0)
    matrix_lr: float = _setting(0.02, "Muon's learning rate", 0)
    scalar_lr: float = _setting(0.02, "learning rate of scales, gains, mixes and skips", 0)
    # Muon: its rate is that of a step whose length does not depend on the gradient's.
    muon_momentum: float = _setting(0.99, "Muon's momentum", 0, 1)
    muon_backend_steps: int = _setting(5, "Newton-Schulz iterations", 1)
    muon_momentum_warmup_start: float = _setting(0.92, "Muon's momentum at the first step", 0, 1)
    muon_momentum_warmup_steps: int = _setting(1500, "steps over which the momentum rises", 0)
    # Adam: how long it remembers the mean and the size of gradients; 0.95 is some 20 steps.
    beta1: float = _setting(0.9, "Adam's first decay", 0, 1)
    beta2: float = _setting(0.95, "Adam's second decay", 0, 1)
    adam_eps: float = _setting(1e-8, "Adam's epsilon", 0)
    grad_clip_norm: float = _setting(0.0, "bound of the gradient's norm (0: none)", 0)
    control_tensor_name_patterns: str = _setting(CONTROL_TENSORS, "parts of the names that Adam takes from Muon")
    int8_keep_float_fp32_name_patterns: str = _setting(CONTROL_TENSORS, "parts of the names that are stored in fp32")
    # Ours, and off: what the contest's next records did.
    muon_weight_decay: float = _setting(0.0, "share of its learning rate by which Muon shrinks weights", 0)
    ema_decay: float = _setting(0.0, "of an average of the weights, which is exported (0: none)", 0, 1)
    eval_seq_len: int = _setting(0, "tokens a sequence in the final evaluation (0: as in training)", 0, 2**17)
    eval_stride: int = _setting(0, "tokens from one window to the next in the final evaluation (0: no overlap)", 0)
    # Ours: where and how to run, not what to compute.
    preset: str = _setting("seq4096", "defaults of other settings", choices=("seq4096", "baseline", "smoke"))
    device: str = _setting("auto", "where to run", choices=("auto", "cuda", "mps", "cpu"))
    compile: str = _setting("auto", "torch.compile (auto: on CUDA)", choices=("auto", "on", "off"))
    hub_kernels: bool = _setting(False, "on Hopper, download FlashAttention-3 from huggingface.co and run it")
    threads: int = _setting(0, "CPU threads a rank (0: what torch chooses)", 0)
    out: str = _setting(".", "folder for logs/, final_model.*, checkpoint.pt and the record")
    seeds: str = _setting("", "several seeds, 1,2,3: one run after another, one record")
    zlib: str = _setting("9", "the artifact's level, or a search for its smallest stream", choices=("9", "best"))
    profile: bool = _setting(False, "trace the last warm-up step, in OUT/trace.json")
    save_every: int = _setting(0, "steps between checkpoints (0: only on a signal)", 0)
    resume: str = _setting("", "checkpoint to continue")

    @property
    def final_seq_len(self) -> int:
        """The length of sequences in the final evaluation."""
        return self.eval_seq_len or self.train_seq_len

    @property
    def embedding_lr(self) -> float:
        """The learning rate of the embedding."""
        return self.tied_embed_lr if self.tie_embeddings else self.embed_lr

    @property
    def lm_head_lr(self) -> float:
        """The learning rate of a head of its own; 0 where the embedding is the head."""
        return 0.0 if self.tie_embeddings else self.head_lr

    def of_seeds(self) -> "Iterator[Settings]":
        """Yield the settings of each seed's own run."""
        for seed in map(int, self.seeds.split(",")) if self.seeds else ():
            yield replace(self, seed=seed, run_id=f"{self.run_id}_seed{seed}")
        if not self.seeds:
            yield self

    def compiles(self, device_type: str) -> bool:
        """Whether the model is compiled on such a device."""
        return self.compile == "on" or (self.compile == "auto" and device_type == "cuda")

    def accumulation(self, world_size: int) -> int:
        """Return how many micro-batches a rank takes in a step."""
        # One GPU that takes eight in turn computes what eight GPUs do that take one each: results carry over.
        return MICRO_BATCHES // world_size

    def step_shape(self, world_size: int) -> tuple[int, int, int]:
        """Return the shape of a step's tokens: micro-batches, ranks, and the tokens of each with the last target."""
        return self.accumulation(world_size), world_size, self.train_batch_tokens // MICRO_BATCHES + 1

    def call_seqs(self, world_size: int, limit_tokens: int | None = None) -> int:
        """Return how many sequences a pass has: the most that divide a rank's part of a step, and fit the limit."""
        tokens = self.train_batch_tokens // MICRO_BATCHES  # of a micro-batch
        most = max(1, min(tokens, limit_tokens or tokens) // self.train_seq_len)
        seqs = tokens * self.accumulation(world_size) // self.train_seq_len
        return max(n for n in range(1, most + 1) if seqs % n == 0)

    def changed(self) -> dict[str, Any]:
        """Return the settings that differ from their defaults, by their environment names."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {f.name.upper(): values[f.name] for f in fields(self) if values[f.name] != f.default}

    def check(self, world_size: int) -> None:
        """Raise ValueError, naming the variable, for settings that do not fit together."""
        if MICRO_BATCHES % world_size:
            raise ValueError(f"WORLD_SIZE must divide {MICRO_BATCHES}, and {world_size} does not")
        need = f"{(least := MICRO_BATCHES * self.train_seq_len)}: {MICRO_BATCHES} micro-batches of TRAIN_SEQ_LEN"
        if self.train_batch_tokens % least:
            raise ValueError(f"TRAIN_BATCH_TOKENS must be a multiple of {need}, not {self.train_batch_tokens}")
        if self.val_batch_size < least:
            raise ValueError(f"VAL_BATCH_SIZE must be at least {need}, not {self.val_batch_size}")
        if self.eval_stride > self.final_seq_len:
            raise ValueError(f"EVAL_STRIDE must be at most the window's {self.final_seq_len}, not {self.eval_stride}")
        cores = os.cpu_count() or 1
        if self.threads > cores:
            raise ValueError(f"THREADS must be at most {cores}, the cores of this machine, not {self.threads}")
        if self.profile and not self.warmup_steps:
            raise ValueError("PROFILE traces the last warm-up step: WARMUP_STEPS must be at least 1 with it, not 0")
        if not re.fullmatch(r"[\w.+-]{1,100}", self.run_id):
            raise ValueError(f"RUN_ID must be 1 to 100 letters, digits, '.', '_', '+' or '-', not {self.run_id!r}")
        seeds = re.fullmatch(r"(\d{1,9}(,\d{1,9})*)?", self.seeds) and self.seeds.split(",")
        if not seeds or len(set(seeds)) < len(seeds) or (self.seeds and self.resume):
            raise ValueError(f"SEEDS must be different numbers like 42,1337, without RESUME, not {self.seeds!r}")


PRESETS: dict[str, dict[str, Any]] = {
    "seq4096": {},
    "baseline": dict(
        run_id="baseline_sp1024", train_seq_len=1024, train_batch_tokens=524_288, warmdown_iters=1200, matrix_lr=0.04,
        scalar_lr=0.04, tied_embed_lr=0.05, muon_momentum=0.95, muon_momentum_warmup_start=0.85,
        muon_momentum_warmup_steps=500,
    ),
    "smoke": dict(
        run_id="smoke", data_path="./data/datasets/demo_sp1024", tokenizer_path="./data/tokenizers/demo_1024_bpe.model",
        val_batch_size=16_384, val_loss_every=0, train_log_every=20, iterations=60, warmdown_iters=20, warmup_steps=2,
        train_batch_tokens=2048, train_seq_len=128, num_layers=3, model_dim=64, num_heads=4, num_kv_heads=2,
        muon_momentum_warmup_steps=20, compile="off", threads=1,
    ),
}  # fmt: skip


def parse(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings of a command line and an environment; ValueError names the variable that is wrong."""
    parser = argparse.ArgumentParser(prog="train.py", allow_abbrev=False)
    parser.add_argument("--smoke", action="store_const", dest="preset", const="smoke", help="seconds, on any machine")
    for f in fields(Settings):
        choices = f" [{'|'.join(f.metadata['choices'])}]" if f.metadata["choices"] else ""
        help_ = f"{f.metadata['help']}{choices}; {f.name.upper()}, default {f.default!r}"
        bare: Any = {"nargs": "?", "const": "1"} if isinstance(f.default, bool) else {}  # --profile is --profile 1
        parser.add_argument(f"--{f.name.replace('_', '-')}", metavar=type(f.default).__name__, help=help_, **bare)
    flags = vars(parser.parse_args(argv))
    texts = {f: flags[f.name] if flags[f.name] is not None else environ.get(f.name.upper()) for f in fields(Settings)}
    names = [f.name.upper() for f in fields(Settings)]
    for name in [name for name in environ if "_" in name and name not in names and environ.get("RANK", "0") == "0"]:
        for close in get_close_matches(name, names, 1, 0.85):
            print(f"train.py: {name} is not a setting; did you mean {close}?", file=sys.stderr)
    given = {f.name: _read(f, text) for f, text in texts.items() if text is not None}
    return Settings(**PRESETS[given.get("preset", "seq4096")] | given)


def _read(f: Any, text: str) -> Any:
    """Return the value of a setting from text."""
    kind, (low, below, choices) = type(f.default), (f.metadata[key] for key in ("low", "below", "choices"))
    words = {int: "a whole number", float: "a number", bool: "0 or 1", str: "text without control characters"}
    expected = f"one of {', '.join(choices)}" if choices else words[kind]
    expected += f" of at least {low:g}" if low > -math.inf else ""
    expected += f" and below {below:g}" if below < math.inf else ""
    try:
        value = _BOOLS[text.lower()] if kind is bool else kind(text)
        is_in_range = text.isprintable() if kind is str else low <= value < below and value > -math.inf
        is_fit = value in choices if choices else is_in_range
    except (KeyError, ValueError):
        is_fit = False
    if not is_fit:
        raise ValueError(f"{f.name.upper()} must be {expected}, not {text!r}")
    return value
