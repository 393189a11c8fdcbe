"""The grammar of our own trainer's log: one dataclass per kind of line, made from its template. Losses are in nats.

The trainer writes these lines in `reference/run.py`; a test reads every line of a run with them.
"""

from dataclasses import make_dataclass
from string import Formatter
from typing import Any, ClassVar

# By a field's format; all others are floats. `{word:<}` has no spaces, `{text}` may have some.
_TYPES = {"d": int, "s": bool, "": str, "<": str}


class LogLine:
    """One line of the log; each kind is a frozen dataclass made from its template."""

    template: ClassVar[str]
    types: ClassVar[dict[str, type]]

    def __str__(self) -> str:
        text = self.template.format(**{name: getattr(self, name) for name in self.types})
        if "\n" in text or "\r" in text:
            raise ValueError(f"a log line must stay one line: {text!r}")
        return text


KINDS: list[type[LogLine]] = []


def _kind(name: str, template: str) -> Any:
    """Make a kind of line from its template, which reads it as well (`templates`)."""
    parts = [(field, conversion or spec or "") for _, field, spec, conversion in Formatter().parse(template) if field]
    types = {field: _TYPES.get(form, float) for field, form in parts}
    own = {"template": template, "types": types}
    kind = make_dataclass(name, types.items(), bases=(LogLine,), namespace=own, frozen=True)
    kind.__module__ = __name__
    KINDS.append(kind)
    return kind


# The contest's lines, in the order of a log.
Separator = _kind("Separator", "=" * 100)  # before and after the description of the machine
PythonVersion = _kind("PythonVersion", "Running Python {version}")
TorchVersion = _kind("TorchVersion", "Running PyTorch {version}")
Tokenizer = _kind("Tokenizer", "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={tokenizer_path}")
TrainLoader = _kind("TrainLoader", "train_loader:dataset:{dataset} train_shards:{shards:d}")
ValLoader = _kind("ValLoader", "val_loader:shards pattern={glob} tokens:{tokens:d}")
ModelParams = _kind("ModelParams", "model_params:{params:d}")
World = _kind("World", "world_size:{world_size:d} grad_accum_steps:{grad_accum_steps:d}")
Sdp = _kind("Sdp", "sdp_backends:cudnn={cudnn!s} flash={flash!s} mem_efficient={mem_efficient!s} math={math!s}")
Attention = _kind("Attention", "attention_mode:gqa num_heads:{num_heads:d} num_kv_heads:{num_kv_heads:d}")
_RATES = "embed_lr:{embed_lr!r} head_lr:{head_lr!r} matrix_lr:{matrix_lr!r} scalar_lr:{scalar_lr!r}"
LearningRates = _kind("LearningRates", f"tie_embeddings:{{tie_embeddings!s}} {_RATES}")
_BATCH = "train_batch_tokens:{train_batch_tokens:d} train_seq_len:{train_seq_len:d}"
_STEPS = "iterations:{iterations:d} warmup_steps:{warmup_steps:d} max_wallclock_seconds:{max_wallclock_seconds:.3f}"
Plan = _kind("Plan", f"{_BATCH} {_STEPS}")
Seed = _kind("Seed", "seed:{seed:d}")
WarmupStep = _kind("WarmupStep", "warmup_step:{step:d}/{steps:d}")
_CLOCK = "train_time:{train_ms:.0f}ms step_avg:{step_avg_ms:.2f}ms"
TrainStep = _kind("TrainStep", f"step:{{step:d}}/{{iterations:d}} train_loss:{{train_loss:.4f}} {_CLOCK}")
_SCORE = "val_loss:{val_loss:.4f} val_bpb:{val_bpb:.4f}"
ValStep = _kind("ValStep", f"step:{{step:d}}/{{iterations:d}} {_SCORE} {_CLOCK}")
Stopping = _kind("Stopping", "stopping_early: {reason} train_time:{train_ms:.0f}ms step:{step:d}/{iterations:d}")
PeakMemory = _kind("PeakMemory", "peak memory allocated: {allocated_mib:d} MiB reserved: {reserved_mib:d} MiB")
ModelBytes = _kind("ModelBytes", "Serialized model: {size_bytes:d} bytes")  # the raw state dict
CodeBytes = _kind("CodeBytes", "Code size: {size_bytes:d} bytes")
TotalBytes = _kind("TotalBytes", "Total submission size: {size_bytes:d} bytes")
_PAYLOAD = "payload:{payload_bytes:d} raw_torch:{raw_torch_bytes:d} payload_ratio:{payload_ratio:.2f}x"
Int8ModelBytes = _kind("Int8ModelBytes", f"Serialized model int8+zlib: {{size_bytes:d}} bytes ({_PAYLOAD})")
Int8TotalBytes = _kind("Int8TotalBytes", "Total submission size int8+zlib: {size_bytes:d} bytes")  # what is capped
Final = _kind("Final", f"final_int8_zlib_roundtrip {_SCORE} eval_time:{{eval_ms:.0f}}ms")
FinalExact = _kind("FinalExact", "final_int8_zlib_roundtrip_exact val_loss:{val_loss:.8f} val_bpb:{val_bpb:.8f}")

# Our own. They begin with words that no line of the contest begins with, so that everybody's parsers still work.
SourceFile = _kind("SourceFile", "# file: {name}, {size_bytes:d} bytes")  # before each file of the source dump
GitCommit = _kind("GitCommit", "code:git commit:{commit} changed:{changed!s}")
AttentionKernel = _kind("AttentionKernel", "settings:attention kernel:{kernel:<}")
_NUMERICS = "rope_tables:{rope_tables:<} activations:{activations:<} device:{device} compiled:{compiled!s}"
Numerics = _kind("Numerics", f"settings:numerics {_NUMERICS}")
ChangedSettings = _kind("ChangedSettings", "settings:changed {json}")  # by environment names
DataFiles = _kind("DataFiles", "data:{split:<}_shards files:{files:d} tokens:{tokens:d} sha256:{sha256:<}")
TokenizerFile = _kind("TokenizerFile", "data:tokenizer pieces:{pieces:d} sha256:{sha256}")
ValText = _kind("ValText", "data:val_text tokens:{tokens:d} bytes:{size_bytes:d}")  # what bits per byte divides by
Phase = _kind("Phase", "phase:{name} seconds:{seconds:.3f}")
ZlibSearch = _kind("ZlibSearch", "zlib:best saved_bytes:{saved_bytes:d}")  # of what level 9 makes of the artifact
# Of training, on all ranks; the share is of the rate that products of bf16 matrices were measured at.
Speed = _kind("Speed", "speed:training tokens/s:{tokens:.0f} flop/s:{flops:.0f} matmul_share:{matmul_share:.3f}")
Problem = _kind("Problem", "problem:{text}")  # why training stopped early, if it is neither the cap nor a signal
Resumed = _kind("Resumed", "resumed_from_step:{step:d}")
