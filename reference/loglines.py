"""The lines of a log: the trainer fills these templates by `str.format`, and golfcheck reads by them. Losses in nats.

A field's format says what it holds: `:d` a whole number, `:.4f` or `!r` any number, `!s` True or False, `:<` a word,
none a text.
"""

# The contest's lines, in the order of a log. Everybody's tools read them: not a character may change.
SEPARATOR = "=" * 100  # before and after the description of the machine
PYTHON_VERSION = "Running Python {version}"
TORCH_VERSION = "Running PyTorch {version}"
TOKENIZER = "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path={tokenizer_path}"
TRAIN_LOADER = "train_loader:dataset:{dataset} train_shards:{shards:d}"
VAL_LOADER = "val_loader:shards pattern={glob} tokens:{tokens:d}"
MODEL_PARAMS = "model_params:{params:d}"
WORLD = "world_size:{world_size:d} grad_accum_steps:{grad_accum_steps:d}"
SDP = "sdp_backends:cudnn={cudnn!s} flash={flash!s} mem_efficient={mem_efficient!s} math={math!s}"
ATTENTION = "attention_mode:gqa num_heads:{num_heads:d} num_kv_heads:{num_kv_heads:d}"
_RATES = "embed_lr:{embed_lr!r} head_lr:{head_lr!r} matrix_lr:{matrix_lr!r} scalar_lr:{scalar_lr!r}"
LEARNING_RATES = f"tie_embeddings:{{tie_embeddings!s}} {_RATES}"
_BATCH = "train_batch_tokens:{train_batch_tokens:d} train_seq_len:{train_seq_len:d}"
_STEPS = "iterations:{iterations:d} warmup_steps:{warmup_steps:d} max_wallclock_seconds:{max_wallclock_seconds:.3f}"
PLAN = f"{_BATCH} {_STEPS}"
SEED = "seed:{seed:d}"
WARMUP_STEP = "warmup_step:{step:d}/{steps:d}"
_CLOCK = "train_time:{train_ms:.0f}ms step_avg:{step_avg_ms:.2f}ms"
TRAIN_STEP = f"step:{{step:d}}/{{iterations:d}} train_loss:{{train_loss:.4f}} {_CLOCK}"
_SCORE = "val_loss:{val_loss:.4f} val_bpb:{val_bpb:.4f}"
VAL_STEP = f"step:{{step:d}}/{{iterations:d}} {_SCORE} {_CLOCK}"
STOPPING = "stopping_early: {reason} train_time:{train_ms:.0f}ms step:{step:d}/{iterations:d}"
PEAK_MEMORY = "peak memory allocated: {allocated_mib:d} MiB reserved: {reserved_mib:d} MiB"
MODEL_BYTES = "Serialized model: {size_bytes:d} bytes"  # the raw state dict
CODE_BYTES = "Code size: {size_bytes:d} bytes"
TOTAL_BYTES = "Total submission size: {size_bytes:d} bytes"
_PAYLOAD = "payload:{payload_bytes:d} raw_torch:{raw_torch_bytes:d} payload_ratio:{payload_ratio:.2f}x"
INT8_MODEL_BYTES = f"Serialized model int8+zlib: {{size_bytes:d}} bytes ({_PAYLOAD})"
INT8_TOTAL_BYTES = "Total submission size int8+zlib: {size_bytes:d} bytes"  # what is capped
FINAL = f"final_int8_zlib_roundtrip {_SCORE} eval_time:{{eval_ms:.0f}}ms"
FINAL_EXACT = "final_int8_zlib_roundtrip_exact val_loss:{val_loss:.8f} val_bpb:{val_bpb:.8f}"

# Our own. They begin with words that no line of the contest begins with, so that everybody's parsers still work.
SOURCE_FILE = "# file: {name}, {size_bytes:d} bytes"  # before each file of the source dump
GIT_COMMIT = "code:git commit:{commit} changed:{changed!s}"
ATTENTION_KERNEL = "settings:attention kernel:{kernel:<}"
_NUMERICS = "rope_tables:{rope_tables:<} activations:{activations:<} device:{device} compiled:{compiled!s}"
NUMERICS = f"settings:numerics {_NUMERICS}"
CHANGED_SETTINGS = "settings:changed {json}"  # by environment names
DATA_FILES = "data:{split:<}_shards files:{files:d} tokens:{tokens:d} sha256:{sha256:<}"
TOKENIZER_FILE = "data:tokenizer pieces:{pieces:d} sha256:{sha256}"
VAL_TEXT = "data:val_text tokens:{tokens:d} bytes:{size_bytes:d}"  # what bits per byte divides by
PHASE = "phase:{name} seconds:{seconds:.3f}"
ZLIB_SEARCH = "zlib:best saved_bytes:{saved_bytes:d}"  # of what level 9 makes of the artifact
# Of training, on all ranks; the share is of the rate that products of bf16 matrices were measured at.
SPEED = "speed:training tokens/s:{tokens:.0f} flop/s:{flops:.0f} matmul_share:{matmul_share:.3f}"
PROBLEM = "problem:{text}"  # what went wrong with the data or a checkpoint
RESUMED = "resumed_from_step:{step:d}"

# What is trained, and how.
ABOUT = (
    MODEL_PARAMS, WORLD, SDP, ATTENTION, LEARNING_RATES, PLAN, SEED, ATTENTION_KERNEL, NUMERICS, CHANGED_SETTINGS,
)  # fmt: skip
