"""The model from the names and shapes of its tensors: every size that they tell, or what is not this architecture."""

import re
from collections.abc import Mapping

from golfcheck.core.errors import Refused

Shapes = Mapping[str, tuple[int, ...]]

MAX_VOCAB = 1 << 16  # tokens are uint16
_BLOCK = re.compile(r"blocks\.(0|[1-9][0-9]{0,4})\.")
_SHOWN = 4


def infer(shapes: Shapes) -> dict[str, int | bool]:
    """Return the sizes of `GPTConfig` that the tensors of a state dict tell.

    Raises Refused: ART_KEYS where a tensor that they are read from is missing, ART_SHAPE where its shape tells none.
    """
    vocab_size, model_dim = _matrix(shapes, "tok_emb.weight")
    if vocab_size > MAX_VOCAB:
        raise Refused("ART_SHAPE", f"tok_emb.weight has {vocab_size} rows, but tokens of 16 bits name {MAX_VOCAB}")
    blocks = {int(match[1]) for name in shapes if (match := _BLOCK.match(name))}
    # A block that is missing is found here: a name alone must not make a model of many layers.
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
    if hidden < model_dim or hidden % model_dim:
        raise Refused("ART_SHAPE", f"blocks.0.mlp.fc.weight has {hidden} rows, not a multiple of the width {model_dim}")
    return {
        "vocab_size": vocab_size,
        "num_layers": len(blocks),
        "model_dim": model_dim,
        "num_heads": num_heads,
        "num_kv_heads": kv_dim // head_dim,
        "mlp_mult": hidden // model_dim,
        "tie_embeddings": "lm_head.weight" not in shapes,
    }


def check(found: Shapes, expected: Shapes) -> None:
    """Raise Refused (ART_KEYS, ART_SHAPE) unless the tensors are exactly those of the model."""
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or extra:
        parts = [f"{word} {_names(names)}" for word, names in (("missing", missing), ("not known", extra)) if names]
        raise Refused("ART_KEYS", f"not this architecture: {'; '.join(parts)}")
    for name, shape in expected.items():
        if tuple(found[name]) != tuple(shape):
            raise Refused("ART_SHAPE", f"{name}: expected {list(shape)}, found {list(found[name])}")


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
