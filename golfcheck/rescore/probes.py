"""Test on the loaded model what a valid score requires: it predicts from the past alone, with probabilities."""

from collections.abc import Callable

import torch
from torch import Tensor

from golfcheck.core.errors import Refused
from golfcheck.core.numbers import measured_text
from golfcheck.rescore.report import Probe

MAX_TOKENS = 512
MAX_LOGITS = 1 << 22  # of all positions together: several float64 copies exist at once
_TOLERANCE_NATS = 1e-5


def probe(
    logits: Callable[[Tensor], Tensor], losses: Callable[[Tensor], Tensor], ids: Tensor, vocab_size: int
) -> tuple[Probe, ...]:
    """Test a model's `logits`, [1, T] -> [1, T, V], and `losses`, [1, T + 1] -> [1], on token `ids` [1, T + 1].

    Raises Refused (EVAL_NONFINITE) if a logit is not finite.
    """
    inputs, at = ids[:, :-1], ids.size(1) // 2
    changed = inputs.clone()
    changed[0, at:] = (changed[0, at:] + 1) % vocab_size
    # On the CPU from here on: MPS has no float64.
    answer, other, reported = logits(inputs).float().cpu(), logits(changed).float().cpu(), float(losses(ids))
    if not bool(torch.isfinite(answer).all()):
        raise Refused("EVAL_NONFINITE", "the model's logits are not finite numbers: it has no score")
    moved = float((answer - other)[0, :at].abs().max()) if at else 0.0
    total = float((answer[0].softmax(-1).double().sum(-1) - 1).abs().max())
    log_probs = answer[0].double().log_softmax(-1)  # [T, V]
    loss = -float(log_probs.gather(-1, ids[0, 1:, None].cpu()).mean())
    return (
        Probe("causal", moved == 0.0, f"tokens from {at} on changed: earlier logits moved by {moved:g}"),
        Probe("normalized", total < _TOLERANCE_NATS, f"probabilities sum to 1 within {total:.1g}"),
        Probe(
            "loss from logits",
            abs(loss - reported) < _TOLERANCE_NATS,
            f"{measured_text(loss)} in float64, {measured_text(reported)} reported",
        ),
    )
