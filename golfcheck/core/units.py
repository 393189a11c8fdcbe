"""Conversion between loss in nats per token and score in bits per byte."""

import math

LN2 = math.log(2)  # nats per bit


def nats_per_bpb(bytes_per_token: float) -> float:
    """Return the nats per token in one bit per byte, for a tokenizer or a text with this many bytes per token."""
    return LN2 * bytes_per_token


def bytes_per_token(loss_nats: float, bpb: float) -> float:
    """Return the bytes per token that a loss in nats per token and a score in bits per byte imply."""
    return loss_nats / (bpb * LN2)
