"""Every setting of the trainer, once: its name, type, default and meaning. Flags and environment come from here."""

import argparse
import contextlib
import math
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

CONTROL_TENSORS = "attn_scale,attn_scales,mlp_scale,mlp_scales,resid_mix,resid_mixes,q_gain,skip_weight,skip_weights"
MICRO_BATCHES = 8  # per step, whatever the number of ranks: the mathematics is that of eight ranks
_GROUPS = {  # of the help, by the first setting of each
    "data_path": "data and names", "val_batch_size": "length and batches", "vocab_size": "shape of the model",
    "embed_lr": "learning rates and optimizers", "muon_weight_decay": "ours: what the contest's next records did",
    "preset": "ours: where and how to run",
}  # fmt: skip
_EXAMPLES = """examples:
  python train.py --smoke                            a tiny run on demo data
  torchrun --standalone --nproc-per-node 8 train.py  the contest's run
  ITERATIONS=1000 python train.py --seeds 1,2,3      three runs, one record
  python train.py --resume checkpoint.pt             continue where a run ended"""


def _setting(default: Any, metavar: str, help_: str, low: float = -math.inf, below: float = math.inf) -> Any:
    return field(default=default, metadata={"metavar": metavar, "help": help_, "low": low, "below": below})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run; the names in capitals are the contest's environment variables."""

    data_path: str = _setting("./data/datasets/fineweb10B_sp1024", "DIR", "with fineweb_{train,val}_*.bin")
    tokenizer_path: str = _setting("./data/tokenizers/fineweb_1024_bpe.model", "FILE", "SentencePiece model")
    run_id: str = _setting("training_opt_seq4096_v1", "NAME", "of the log and of the record folder")
    seed: int = _setting(1337, "N", "of all random numbers", 0, 2**63)
    val_batch_size: int = _setting(524_288, "TOKENS", "in a validation call, all ranks and micro-batches together", 1)
    val_loss_every: int = _setting(1000, "STEPS", "between validations (0: only at the end)", 0)
    train_log_every: int = _setting(200, "STEPS", "between lines of the log, after the first ten", 1)
    # A run takes some 10,000 steps in 600 s: the cap is meant to end it, not the number of iterations.
    iterations: int = _setting(20_000, "STEPS", "unless the cap comes first", 1)
    warmdown_iters: int = _setting(3000, "STEPS", "over which the learning rates fall to 0 at the end", 0)
    warmup_steps: int = _setting(20, "STEPS", "before the clock starts; they are undone", 0)
    train_batch_tokens: int = _setting(393_216, "TOKENS", "in a step, all ranks together", 1)
    train_seq_len: int = _setting(4096, "TOKENS", "in a sequence, in training and validation", 1, 2**17)
    max_wallclock_seconds: float = _setting(600.0, "S", "cap on training time (0: none)", 0)
    # Each parameter takes about a byte of the artifact; with the code, 16,000,000 are allowed.
    vocab_size: int = _setting(1024, "N", "pieces of the tokenizer; a shard has 16 bits a token", 1, 2**16 + 1)
    num_layers: int = _setting(9, "N", "blocks", 1, 1000)
    model_dim: int = _setting(512, "N", "width", 1)
    num_heads: int = _setting(8, "N", "query heads", 1)
    num_kv_heads: int = _setting(4, "N", "key/value heads", 1)
    mlp_mult: int = _setting(2, "N", "width of the MLP over the model's", 1)
    tie_embeddings: bool = _setting(True, "0|1", "use the embedding as the head")
    rope_base: float = _setting(10_000.0, "X", "base of the rotary frequencies", 1)
    rope_tables: str = _setting("bf16_frequencies", "bf16|bf16_frequencies|fp32", "what the rotary tables round")
    logit_softcap: float = _setting(30.0, "X", "bound of the logits")
    qk_gain_init: float = _setting(1.5, "X", "initial gain of the queries")
    # A tied embedding is also the head, and learns at the pace of a head: more slowly than a mere lookup table.
    embed_lr: float = _setting(0.6, "LR", "of an untied embedding", 0)
    head_lr: float = _setting(0.008, "LR", "of an untied head", 0)
    tied_embed_lr: float = _setting(0.03, "LR", "of a tied embedding", 0)
    tied_embed_init_std: float = _setting(0.005, "X", "initial standard deviation of a tied embedding", 0)
    # Muon's updates have singular values near 1, Adam's have entries near 1: their rates cannot be compared.
    matrix_lr: float = _setting(0.02, "LR", "of the matrices in blocks, by Muon", 0)
    scalar_lr: float = _setting(0.02, "LR", "of scales, gains, mixes and skips", 0)
    muon_momentum: float = _setting(0.99, "X", "momentum of Muon", 0, 1)
    muon_backend_steps: int = _setting(5, "N", "Newton-Schulz iterations", 1)
    muon_momentum_warmup_start: float = _setting(0.92, "X", "momentum of Muon at the first step", 0, 1)
    muon_momentum_warmup_steps: int = _setting(1500, "STEPS", "over which the momentum rises", 0)
    # How long Adam remembers the mean and the size of gradients: 0.95 means some 20 steps.
    beta1: float = _setting(0.9, "X", "Adam's first decay", 0, 1)
    beta2: float = _setting(0.95, "X", "Adam's second decay", 0, 1)
    adam_eps: float = _setting(1e-8, "X", "Adam's epsilon", 0)
    grad_clip_norm: float = _setting(0.0, "X", "bound of the gradient's norm (0: none)", 0)
    control_tensor_name_patterns: str = _setting(CONTROL_TENSORS, "A,B", "parts of names of tensors that are Adam's")
    int8_keep_float_fp32_name_patterns: str = _setting(CONTROL_TENSORS, "A,B", "parts of names of tensors kept in fp32")
    # Off by default. docs/training.md says what each gave in a small run.
    muon_weight_decay: float = _setting(0.0, "X", "share of its learning rate by which Muon shrinks weights", 0)
    ema_decay: float = _setting(0.0, "X", "of an average of the weights, which is exported (0: none)", 0, 1)
    eval_seq_len: int = _setting(0, "TOKENS", "in a sequence of the final evaluation (0: as in training)", 0, 2**17)
    eval_stride: int = _setting(0, "TOKENS", "between windows of the final evaluation (0: no overlap)", 0)
    # These change where and how a run computes, not what.
    preset: str = _setting("seq4096", "seq4096|baseline|smoke", "defaults of other settings")
    device: str = _setting("auto", "auto|cuda|mps|cpu", "where to compute")
    compile: str = _setting("auto", "auto|on|off", "torch.compile (auto: on CUDA)")
    flash_attention: str = _setting("2", "2|3|4", "on CUDA; 3 (for Hopper) and 4 are separate packages")
    threads: int = _setting(0, "N", "CPU threads of a rank (0: what torch chooses)", 0, (os.cpu_count() or 1) + 1)
    out: str = _setting(".", "DIR", "for logs/, final_model.*, checkpoint.pt and the record")
    seeds: str = _setting("", "N,N", "several seeds: one run after another, one record")
    zlib: str = _setting("9", "9|best", "level of the artifact, or a search for its smallest stream")
    profile: bool = _setting(False, "0|1", "trace one more warm-up step to OUT/trace.json")
    save_every: int = _setting(0, "STEPS", "between checkpoints (0: only on a signal)", 0)
    resume: str = _setting("", "FILE", "checkpoint to continue from")

    def call_seqs(self, world_size: int, limit_tokens: int | None = None) -> int:
        """Return how many sequences a pass has: the most that divide a rank's part of a step and fit the limit."""
        # One GPU that takes eight micro-batches in turn computes what eight GPUs do that take one each.
        tokens = self.train_batch_tokens // MICRO_BATCHES  # of a micro-batch
        most = max(1, min(tokens, limit_tokens or tokens) // self.train_seq_len)
        seqs = tokens * (MICRO_BATCHES // world_size) // self.train_seq_len
        return max(n for n in range(1, most + 1) if seqs % n == 0)

    def check(self, world_size: int) -> None:
        """Raise ValueError, naming the variable, for settings that do not fit together."""
        batch = self.train_batch_tokens
        least = MICRO_BATCHES * self.train_seq_len
        need = f"{least}: {MICRO_BATCHES} micro-batches of TRAIN_SEQ_LEN"
        window = self.eval_seq_len or self.train_seq_len
        seeds = self.seeds.split(",") if re.fullmatch(r"(\d{1,9}(,\d{1,9})*)?", self.seeds) else []
        are_seeds = 0 < len(seeds) == len(set(seeds)) and not (self.seeds and self.resume)
        run_id = re.fullmatch(r"[\w.+-]{1,100}", self.run_id)
        for is_fit, problem in (
            (MICRO_BATCHES % world_size == 0, f"WORLD_SIZE must divide {MICRO_BATCHES}, and {world_size} does not"),
            (batch % least == 0, f"TRAIN_BATCH_TOKENS must be a multiple of {need}, not {batch}"),
            (self.val_batch_size >= least, f"VAL_BATCH_SIZE must be at least {need}, not {self.val_batch_size}"),
            (self.eval_stride <= window, f"EVAL_STRIDE must be at most the window's {window}, not {self.eval_stride}"),
            (run_id, f"RUN_ID must be 1 to 100 letters, digits, '.', '_', '+' or '-', not {self.run_id!r}"),
            (are_seeds, f"SEEDS must be different numbers like 42,1337, without RESUME, not {self.seeds!r}"),
        ):
            if not is_fit:
                raise ValueError(problem)


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
    parser = argparse.ArgumentParser(
        prog="train.py", usage="train.py [--smoke] [--SETTING VALUE ...]", allow_abbrev=False, epilog=_EXAMPLES,
        description="Train, quantize and score a small language model. Flags win over variables, these over presets.",
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=32),
    )  # fmt: skip
    group: Any = parser
    flags = {f.name.upper(): f"--{f.name.replace('_', '-')}" for f in fields(Settings)}
    for f in fields(Settings):
        group = parser.add_argument_group(_GROUPS[f.name]) if f.name in _GROUPS else group
        options: dict[str, Any] = {"metavar": f.metadata["metavar"], "default": environ.get(f.name.upper())}
        if isinstance(f.default, bool):
            options |= {"nargs": "?", "const": "1"}  # --tie-embeddings is --tie-embeddings 1
        default = {True: 1, False: 0, "": "none", CONTROL_TENSORS: "attn_scale,..."}.get(f.default, f.default)
        group.add_argument(flags[f.name.upper()], help=f"{f.metadata['help']}; default: {default}", **options)
    group.add_argument("--smoke", action="store_const", dest="preset", const="smoke", help="short for --preset smoke")
    values, unknown = parser.parse_known_args(argv)
    for text in unknown:
        close = get_close_matches(text.partition("=")[0], [*flags.values(), "--smoke"], 1)
        raise ValueError(f"{text} is not a flag: {f'did you mean {close[0]}?' if close else '--help lists all'}")
    # A misspelled variable would be ignored silently. COMPILER belongs to other programs.
    names = [name for name in environ if name not in flags and len(name) > 4 and name != "COMPILER"]
    for name in names if environ.get("RANK", "0") == "0" else ():
        for close in get_close_matches(name, flags, 1, 0.85):
            print(f"train.py: {name} is not a setting; did you mean {close}?", file=sys.stderr)
    given = {f.name: _read(f, text) for f in fields(Settings) if (text := getattr(values, f.name)) is not None}
    return Settings(**PRESETS[given.get("preset", "seq4096")] | given)


def _read(f: Any, text: str) -> Any:
    """Return the value of a setting from text."""
    kind = type(f.default)
    low, below, metavar = (f.metadata[key] for key in ("low", "below", "metavar"))
    choices = metavar.split("|") if kind is str and "|" in metavar else []
    words = {int: "a whole number", float: "a number", bool: "0 or 1", str: "text without control characters"}
    expected = f"one of {', '.join(choices)}" if choices else words[kind]
    expected += f" of at least {low:g}" if low > -math.inf else ""
    expected += f" and below {below:g}" if below < math.inf else ""
    with contextlib.suppress(KeyError, ValueError):
        value = {"1": True, "true": True, "0": False, "false": False}[text.lower()] if kind is bool else kind(text)
        is_in_range = kind is str or (low <= value < below and value > -math.inf)
        if is_in_range and text.isprintable() and (text in choices or not choices):
            return value
    raise ValueError(f"{f.name.upper()} must be {expected}, not {text!r}")
