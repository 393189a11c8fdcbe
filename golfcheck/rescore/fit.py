"""Find the activation function with which a model was trained: the one that fits best on a few sequences.

Weights do not tell the function, and a published model scores about 0.1 bpb worse with another one. Since weights fit
what they were trained with, a few sequences tell it.
"""

import numpy as np
import numpy.typing as npt

from golfcheck.core.errors import Refused
from golfcheck.reference.data import Tokens
from golfcheck.rescore import activations
from golfcheck.rescore.measure import Evaluation

_SAMPLE_TOKENS = 8192
_LEAST_SEQUENCES, _MOST_SEQUENCES = 4, 32
_CLEARLY_NATS = 2e-3  # by which another function must fit better
_ERRORS = 3.0  # standard errors of the difference, likewise


def best(evaluation: Evaluation, tokens: Tokens) -> str | None:
    """Return the activation function that fits a model best on a few sequences of tokens [seqs * seq_len + 1].

    None, the reference's own, unless another one is better by more than noise. Equal on all ranks.
    """
    total = (tokens.size - 1) // evaluation.config.train_seq_len
    wanted = max(_LEAST_SEQUENCES, _SAMPLE_TOKENS // evaluation.config.train_seq_len)
    count = min(total, wanted, _MOST_SEQUENCES)
    if count < _LEAST_SEQUENCES:
        return None
    sample = np.linspace(0, total - 1, count).astype(np.int64)  # spread over the text
    ours = _losses(evaluation, tokens, sample)
    best_name, best_nats = None, -_CLEARLY_NATS
    for name in activations.ACTIVATIONS:
        evaluation.use(name)
        try:
            gain = _losses(evaluation, tokens, sample) - ours  # [count], paired: the same sequences
        except Refused:  # a loss that is not finite rules this one out
            continue
        if gain.mean() < min(best_nats, -_ERRORS * gain.std(ddof=1) / np.sqrt(count)):
            best_name, best_nats = name, float(gain.mean())
    evaluation.use(None)
    return best_name


def _losses(evaluation: Evaluation, tokens: Tokens, sample: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.concatenate(list(evaluation.draw(tokens, sample)))
