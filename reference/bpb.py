"""Bits per byte: how many bytes of text a token stands for, and the evaluation that every score comes from."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"  # SentencePiece's mark for a space in front of a word


@dataclass(frozen=True, slots=True)
class ByteTable:
    """How many bytes of UTF-8 each piece of a vocabulary stands for; all arrays are [vocab_size]."""

    num_bytes: npt.NDArray[np.int16]
    leading_space: npt.NDArray[np.bool_]
    boundary: npt.NDArray[np.bool_]

    @classmethod
    def from_tokenizer(cls, tokenizer: Any) -> "ByteTable":
        """Build the table of a `sentencepiece.SentencePieceProcessor`."""
        size = tokenizer.vocab_size()
        table = cls(np.zeros(size, np.int16), np.zeros(size, np.bool_), np.zeros(size, np.bool_))
        for i in range(size):
            if tokenizer.is_control(i) or tokenizer.is_unknown(i) or tokenizer.is_unused(i):
                table.boundary[i] = True  # stands for no text: a document begins after it
            elif tokenizer.is_byte(i):
                table.num_bytes[i] = 1
            else:
                # "▁the" is "the" after a space: four bytes within a text, but three at its beginning.
                piece = tokenizer.id_to_piece(i)
                table.leading_space[i] = piece.startswith(_SPACE)
                table.num_bytes[i] = len(piece.removeprefix(_SPACE).encode())
        return table

    @classmethod
    def load(cls, path: Path, vocab_size: int) -> "ByteTable":
        """Build the table of a SentencePiece model file; ValueError unless it has exactly `vocab_size` pieces."""
        import sentencepiece as spm

        try:
            tokenizer = spm.SentencePieceProcessor(model_proto=path.read_bytes())
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{path}: not a SentencePiece model: {error}") from None
        if tokenizer.vocab_size() != vocab_size:
            raise ValueError(f"{path}: {tokenizer.vocab_size()} pieces, but VOCAB_SIZE is {vocab_size}")
        return cls.from_tokenizer(tokenizer)

    def count(self, tokens: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Return the bytes of each predicted token, tokens[1:], given the one before it: [n] -> [n - 1]."""
        return self.num_bytes[tokens[1:]] + (self.leading_space[tokens[1:]] & ~self.boundary[tokens[:-1]])


@dataclass(frozen=True, slots=True)
class Score:
    """A loss over predicted tokens, and the bytes of text that those tokens stand for."""

    val_loss_nats: float
    tokens: int
    bytes: int

    @property
    def val_bpb(self) -> float:
        """Bits per byte: nats per token to bits, times tokens per byte."""
        # A loss per token cannot be compared between tokenizers: with longer tokens a model makes fewer predictions,
        # and harder ones. Whatever the tokens are, they spell the same text. So the contest counts the bits that this
        # takes (a nat is 1 / ln 2 bits) and divides by the bytes of the text. 8 would be no compression at all.
        return self.val_loss_nats / math.log(2.0) * self.tokens / self.bytes


def evaluate(
    loss: Callable[[Any, Any], Any], tokens: npt.NDArray[np.uint16], table: ByteTable, *, seq_len: int, batch_seqs: int,
    device: Any, stride: int = 0, rank: int = 0, world_size: int = 1, reduce: Callable[[Any], object] | None = None,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Score:  # fmt: skip
    """Score a model on validation tokens [n + 1]: this rank's share, summed over all ranks by `reduce`, in place.

    `loss(inputs, targets)` takes int64 [batch, seq_len] twice and returns each target's nats, [batch * seq_len].
    """
    import torch  # deferred: it takes seconds to import, and counting bytes does not need it

    # Where a text is cut into sequences, their first tokens have next to no context. With a `stride`, windows of
    # seq_len tokens overlap, and each token counts in the first window that has it. All but the first seq_len tokens
    # then have at least seq_len - stride others before them, at seq_len / stride times the cost.
    step = stride or seq_len
    length = (tokens.size - 1) // seq_len * seq_len
    # Where windows end. Each window counts only (begin, end), from the end of the one before; ranks share the windows.
    ends = [0, *(min(end, length) for end in range(seq_len, length + step, step))]
    count = len(ends) - 1
    own = list(pairwise(ends[count * rank // world_size : count * (rank + 1) // world_size + 1]))
    if batch_seqs < 1 or not own:
        raise ValueError(f"{count} sequences in batches of {batch_seqs}: rank {rank} of {world_size} gets none")
    losses = []
    weights = []
    with torch.inference_mode():
        for first in range(0, len(own), batch_seqs):
            batch = own[first : first + batch_seqs]
            spans = [tokens[end - seq_len : end + 1] for _, end in batch]
            ids = torch.from_numpy(np.stack(spans).astype(np.int64))  # [batch, seq_len + 1]
            # Copied from pinned memory, a batch is queued behind the one before, and nobody waits.
            ids = ids.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else ids.to(device)
            nats = loss(ids[:, :-1].contiguous(), ids[:, 1:].contiguous())  # [batch * seq_len]
            rows = zip(nats.float().view(-1, seq_len), batch, strict=True)
            losses.append(torch.cat([row[begin - end :] for row, (begin, end) in rows]).mean())
            weights.append(batch[-1][1] - batch[0][0])
            progress(first + len(batch), len(own))
    byte_count = int(table.count(tokens[own[0][0] : own[-1][1] + 1]).sum())  # while a GPU is still computing
    # Batches differ in size, so their means are weighted; in float64, because 62 million losses are added up.
    total = torch.stack(losses).cpu().double() @ torch.tensor(weights, dtype=torch.float64)
    sums = torch.tensor([float(total), sum(weights), byte_count], dtype=torch.float64)  # [3]
    if reduce is not None:
        reduce(sums)
    nats_sum, token_sum, byte_sum = sums.tolist()
    return Score(nats_sum / token_sum, int(token_sum), int(byte_sum))
