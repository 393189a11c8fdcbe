"""Losses of a small n-gram model of the validation text on each sequence: easy text is easy for every model.

Every token is predicted from counts over the whole split without itself (leave one out), each order interpolated with
the one below by a Dirichlet prior (MacKay & Peto 1995, A hierarchical Dirichlet language model). The losses predict an
artifact's. As covariates they need not come from a good model, nor be exact; they only have to be available for every
sequence. So n-grams are counted in hashed slots for any vocabulary, and collisions do no harm.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from golfcheck.reference.data import Tokens

ORDER = 3
_SLOT_BITS = 24
_CHUNK_TOKENS = 1 << 18  # so that a chunk's arrays stay in the cache
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: Knuth's multiplicative hash
_CONCENTRATION = (1.0, 30.0, 60.0)  # weight of the order below, in tokens; within 2% of the best tried on 0.1 M tokens

Slots = npt.NDArray[np.int64]


def losses(tokens: Tokens, seq_len: int) -> npt.NDArray[np.float64]:
    """Return the mean loss in nats of each sequence under each order: [seqs * seq_len + 1] -> [seqs, ORDER]."""
    count, step = tokens.size - 1, max(1, _CHUNK_TOKENS // seq_len) * seq_len
    text = np.concatenate([np.zeros(ORDER - 1, tokens.dtype), tokens])  # so that every token has its whole context
    vocabulary = int(tokens.max()) + 1
    spans = [(start, min(start + step, count)) for start in range(0, count, step)]
    tables = [_count(text, order, vocabulary, spans) for order in range(1, ORDER + 1)]
    out = []
    for start, stop in spans:
        below: npt.NDArray[Any] = np.full(stop - start, 1 / vocabulary, np.float32)
        of_span = []
        for order, weight in enumerate(map(np.float32, _CONCENTRATION), 1):
            others = tables[order - 1][_slots(text, order, vocabulary, start, stop)].astype(np.float32) - 1
            if order == 1:
                total = np.full(stop - start, count - 1, np.float32)
            else:  # the context without this occurrence; its slots end a token earlier, so the text's end is inexact
                context = tables[order - 2][_slots(text, order - 1, vocabulary, start - 1, stop - 1)]
                total = np.maximum(context.astype(np.float32) - 1, others)
            below = (others + weight * below) / (total + weight)
            of_span.append(-np.log(below).reshape(-1, seq_len).mean(axis=1, dtype=np.float64))
        out.append(np.stack(of_span, axis=1))
    return np.concatenate(out)


def _count(text: Tokens, order: int, vocabulary: int, spans: list[tuple[int, int]]) -> npt.NDArray[np.uint32]:
    """Return the number of n-grams in each slot: [slots]."""
    table = np.zeros(min(vocabulary**order, 1 << _SLOT_BITS), np.uint32)
    for start, stop in spans:
        np.add.at(table, _slots(text, order, vocabulary, start, stop), np.uint32(1))
    return table


def _slots(text: Tokens, order: int, vocabulary: int, start: int, stop: int) -> Slots:
    """Return the slot of the n-gram that ends at each target from `start` to `stop`: [stop - start].

    If there are enough slots, each n-gram has its own.
    """
    keys = np.zeros(stop - start, np.uint64)
    for back in reversed(range(order)):
        first = start + ORDER - back  # of the padded text, whose token ORDER is target 0
        keys = keys * np.uint64(vocabulary) + text[first : first + stop - start]
    if vocabulary**order > 1 << _SLOT_BITS:
        keys = (keys * _MULTIPLIER) >> np.uint64(64 - _SLOT_BITS)
    return keys.view(np.int64)
