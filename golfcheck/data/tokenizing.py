"""Text → tokens, with an existing tokenizer or one trained on the text itself."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import sentencepiece as spm

from golfcheck.reference.data import Tokens


def make_dataset(
    documents: Sequence[str], vocab_size: int, val_fraction: float, seed: int
) -> tuple[bytes, dict[str, Tokens]]:
    """Train a tokenizer on `documents` and tokenize them: its model file, and the tokens of "train" and "val".

    BPE with byte fallback; each document begins with the begin-of-sequence piece, as in the contest's data. The splits
    share no document.
    """
    order = np.random.default_rng(seed).permutation(len(documents))
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=(line for document in documents for line in document.split("\n") if line),
        model_writer=model,
        vocab_size=vocab_size,
        model_type="bpe",
        byte_fallback=True,
        split_digits=True,
        normalization_rule_name="identity",  # decoding gives the encoded text back, byte for byte
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        num_threads=1,
        minloglevel=2,
    )
    tokenizer = spm.SentencePieceProcessor(model_proto=model.getvalue())
    val_count = max(1, round(val_fraction * len(documents)))
    splits = {"val": order[:val_count], "train": order[val_count:]}
    tokens = {split: tokenize([documents[i] for i in chosen], tokenizer) for split, chosen in splits.items()}
    return model.getvalue(), tokens


def tokenize(documents: Sequence[str], tokenizer: Any) -> Tokens:
    """Return the tokens of all documents [n], each beginning with the begin-of-sequence piece."""
    # One at a time: for a list, SentencePiece starts threads, which the sandbox does not allow.
    pieces = [np.array([tokenizer.bos_id(), *tokenizer.encode(text)], np.uint16) for text in documents]
    return np.concatenate(pieces)
