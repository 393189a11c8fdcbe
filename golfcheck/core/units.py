"""Conversion between loss in nats per token and score in bits per byte."""

import math

LN2 = math.log(2)  # nats per bit


def bytes_per_token(loss_nats: float, bpb: float) -> float:
    """Return the bytes per token that a loss in nats per token and a score in bits per byte imply."""
    return loss_nats / (bpb * LN2)
