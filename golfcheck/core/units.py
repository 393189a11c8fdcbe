"""From nats to bits: how a loss per token and a score per byte belong together."""

import math

LN2 = math.log(2)  # nats per bit


def bytes_per_token(loss_nats: float, bpb: float) -> float:
    """Return how many bytes of text a token stands for, as a loss in nats per token and its bits per byte imply."""
    return loss_nats / (bpb * LN2)
