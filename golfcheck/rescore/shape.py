"""Read a model's sizes from the names and shapes of its tensors, or name those that are not this architecture's."""

import re
from collections.abc import Mapping

from golfcheck.core.errors import Refused
from golfcheck.core.numbers import memory_text

Shapes = Mapping[str, tuple[int, ...]]
Sizes = Mapping[str, int | float | bool]

# What one process may take for a call, weights aside; the contest's models take 0.1 GiB at 4,096 tokens.
MAX_CALL_BYTES = 1 << 30
CALL_TOKENS = 4096  # of a call on a CPU, or one sequence where that is longer
MAX_VOCAB = 1 << 16  # tokens are uint16
_BLOCK = re.compile(r"blocks\.(0|[1-9][0-9]{0,4})\.")
_SHOWN = 4


def infer(shapes: Shapes) -> dict[str, int | float | bool]:
    """Return the sizes of `GPTConfig` that follow from the tensors of a state dict.

    Raises Refused: ART_KEYS if a tensor that they are read from is missing, ART_SHAPE if its shape implies no size.
    """
    vocab_size, model_dim = _matrix(shapes, "tok_emb.weight")
    if vocab_size > MAX_VOCAB:
        raise Refused("ART_SHAPE", f"tok_emb.weight has {vocab_size} rows, but tokens of 16 bits name {MAX_VOCAB}")
    blocks = {int(match[1]) for name in shapes if (match := _BLOCK.match(name))}
    # Detect missing blocks here: a single name must not produce a model of many layers.
    if (gap := next(i for i in range(len(blocks) + 1) if i not in blocks)) == 0 or gap < len(blocks):
        raise Refused("ART_KEYS", f"not this architecture: no tensor blocks.{gap}.*{_which(shapes)}")
    gains = _shape(shapes, "blocks.0.attn.q_gain")
    kv_dim, _ = _matrix(shapes, "blocks.0.attn.c_k.weight")
    hidden, _ = _matrix(shapes, "blocks.0.mlp.fc.weight")
    num_heads = gains[0] if len(gains) == 1 else 0
    if num_heads < 1 or model_dim % num_heads:
        raise Refused(
            "ART_SHAPE", f"blocks.0.attn.q_gain is {list(gains)}: one gain a head, and heads divide {model_dim}"
        )
    head_dim = model_dim // num_heads
    if kv_dim < head_dim or kv_dim % head_dim:
        raise Refused("ART_SHAPE", f"blocks.0.attn.c_k.weight has {kv_dim} rows, not a multiple of a head's {head_dim}")
    num_kv_heads = kv_dim // head_dim
    if num_heads % num_kv_heads:
        raise Refused("ART_SHAPE", f"{num_heads} heads cannot share {num_kv_heads} key and value heads evenly")
    if head_dim % 2:
        raise Refused("ART_SHAPE", f"rotary positions need an even head width: {model_dim}/{num_heads} is odd")
    return {
        "vocab_size": vocab_size,
        "num_layers": len(blocks),
        "model_dim": model_dim,
        "num_heads": num_heads,
        "num_kv_heads": num_kv_heads,
        "mlp_mult": hidden / model_dim if hidden % model_dim else hidden // model_dim,
        "tie_embeddings": "lm_head.weight" not in shapes,
    }


def expected(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in the state dict of a model of these sizes (a test asks the model itself)."""
    vocab_size, model_dim, num_layers = (int(sizes[name]) for name in ("vocab_size", "model_dim", "num_layers"))
    num_heads, hidden = int(sizes["num_heads"]), round(sizes["mlp_mult"] * model_dim)
    kv_dim = model_dim // num_heads * int(sizes["num_kv_heads"])
    shapes: dict[str, tuple[int, ...]] = {
        "tok_emb.weight": (vocab_size, model_dim),
        "skip_weights": (num_layers // 2, model_dim),
    }
    for block in range(num_layers):
        shapes |= {
            f"blocks.{block}.{name}": shape
            for name, shape in (
                ("attn.c_q.weight", (model_dim, model_dim)),
                ("attn.c_k.weight", (kv_dim, model_dim)),
                ("attn.c_v.weight", (kv_dim, model_dim)),
                ("attn.proj.weight", (model_dim, model_dim)),
                ("attn.q_gain", (num_heads,)),
                ("mlp.fc.weight", (hidden, model_dim)),
                ("mlp.proj.weight", (model_dim, hidden)),
                ("attn_scale", (model_dim,)),
                ("mlp_scale", (model_dim,)),
                ("resid_mix", (2, model_dim)),
            )
        }
    return shapes if sizes["tie_embeddings"] else shapes | {"lm_head.weight": (vocab_size, model_dim)}


def call_bytes(sizes: Sizes, seq_len: int) -> float:
    """Return about how many bytes one call of an evaluation takes on a CPU, weights aside.

    All as fp32 (bf16 takes half): two copies of the MLP's hidden activations exist at once, and some 20 tensors of the
    model's width (skipped layers, queries, keys, values, residuals). Heads of width 2 are an exception: torch's
    attention does not accept the strides of their halves, and its fallback stores the scores of all pairs of tokens, at
    10 bytes each (measured).
    """
    num_heads, model_dim = int(sizes["num_heads"]), int(sizes["model_dim"])
    tokens = max(seq_len, CALL_TOKENS // seq_len * seq_len)
    width = 2 * sizes["mlp_mult"] * model_dim + (20 + int(sizes["num_layers"]) // 2) * model_dim
    pairs = 10.0 * num_heads * tokens * seq_len if model_dim // num_heads <= 2 else 0.0
    return 4.0 * tokens * width + pairs


def check_memory(sizes: Sizes, seq_len: int) -> None:
    """Raise Refused (EVAL_MEMORY) if an evaluation would take more memory than any model of the contest."""
    if (needed := call_bytes(sizes, seq_len)) > MAX_CALL_BYTES:
        hidden = round(sizes["mlp_mult"] * sizes["model_dim"])
        model = f"{sizes['num_heads']} heads, width {sizes['model_dim']}, MLP {hidden}, sequences of {seq_len}"
        limit = f"more than the {memory_text(MAX_CALL_BYTES)} that it may"
        raise Refused("EVAL_MEMORY", f"evaluating it takes about {memory_text(needed)}, {limit}: {model}")


def check(shapes: Shapes, wanted: Shapes) -> None:
    """Raise Refused (ART_KEYS, ART_SHAPE) unless the tensors are exactly those of the model."""
    missing, extra = sorted(wanted.keys() - shapes.keys()), sorted(shapes.keys() - wanted.keys())
    if missing or extra:
        parts = [f"{word} {_names(names)}" for word, names in (("missing", missing), ("not known", extra)) if names]
        raise Refused("ART_KEYS", f"not this architecture: {'; '.join(parts)}")
    for name, shape in wanted.items():
        if tuple(shapes[name]) != tuple(shape):
            raise Refused("ART_SHAPE", f"{name}: expected {list(shape)}, found {list(shapes[name])}")


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    if name not in shapes:
        raise Refused("ART_KEYS", f"not this architecture: no tensor {name}{_which(shapes)}")
    return shapes[name]


def _matrix(shapes: Shapes, name: str) -> tuple[int, int]:
    shape = _shape(shapes, name)
    if len(shape) != 2 or 0 in shape:
        raise Refused("ART_SHAPE", f"{name}: expected a matrix, found {list(shape)}")
    return shape[0], shape[1]


def _which(shapes: Shapes) -> str:
    return f"; it has {_names(sorted(shapes))}" if shapes else "; it has no tensors"


def _names(names: list[str]) -> str:
    shown = ", ".join(f"{name[:80]!a}" for name in names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
