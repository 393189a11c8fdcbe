"""Find the documents that two splits share, by a fingerprint of how each begins. Runs in the child process.

The fingerprint of a document is a 64-bit hash of its first 256 tokens, or of all if it has fewer:

    sum over i of A[token i] * B[i]   modulo 2^64

with random tables A and B that are new for each check. Two different beginnings collide with probability 33 / 2^64,
even if an adversary chose them: where they differ, A[x] - A[y] is a multiple of 2^v with probability 2^-v, and then B
has to hit one value of 2^(64 - v). For the contest's 50,000 validation and 7 million training documents, that is less
than one false match in a million checks. A document that begins the same is never missed.
"""

import os

import numpy as np
import numpy.typing as npt

from golfcheck.reference.data import Tokens

BEGINNING_TOKENS = 256
LEAST_TOKENS = 32  # of a document that is compared: shorter ones recur naturally, such as "Page not found."
_ROWS = 4096  # documents at once: their beginnings take 8 MB as 64-bit numbers
Prints = npt.NDArray[np.uint64]


class Fingerprints:
    """The fingerprints of the validation documents, and which of them also occur in training documents."""

    def __init__(self) -> None:
        # From the system, so that nobody can prepare two documents with one fingerprint.
        self._of_token = np.frombuffer(os.urandom(8 << 16), np.uint64)  # [65,536]
        self._of_position = np.frombuffer(os.urandom(8 * BEGINNING_TOKENS), np.uint64)  # [256]
        self._pending: list[Prints] = []
        self._validation = np.empty(0, np.uint64)  # sorted
        self._is_shared = np.empty(0, np.bool_)
        self.training = 0  # documents that were compared with them

    def of(self, tokens: Tokens, is_start: npt.NDArray[np.bool_]) -> Prints:
        """Return the fingerprints of documents that are long enough: [n], by token [vocab_size] -> [documents].

        A document is the text between two tokens for which `is_start` holds; tokens before the first one are ignored.
        """
        marks = np.flatnonzero(is_start[tokens])  # [documents]
        lengths = np.diff(marks, append=tokens.size) - 1
        firsts, lengths = marks[lengths >= LEAST_TOKENS] + 1, lengths[lengths >= LEAST_TOKENS]
        offsets = np.arange(BEGINNING_TOKENS)
        prints = [np.empty(0, np.uint64)]
        for row in range(0, firsts.size, _ROWS):
            positions = np.minimum(firsts[row : row + _ROWS, None] + offsets, tokens.size - 1)  # [rows, 256]
            products = self._of_token[tokens[positions]] * self._of_position  # [rows, 256], modulo 2^64
            products[offsets >= lengths[row : row + _ROWS, None]] = 0
            prints.append(products.sum(axis=1, dtype=np.uint64))
        return np.concatenate(prints)

    def add_validation(self, prints: Prints) -> None:
        """Add documents of the validation split."""
        self._pending.append(prints)

    def count_shared(self, prints: Prints) -> int:
        """Return how many documents of the training split are validation documents, and remember which."""
        self._sort()
        self.training += prints.size
        if not self._validation.size:
            return 0
        places = np.searchsorted(self._validation, prints)
        places[places == self._validation.size] = 0
        places = places[self._validation[places] == prints]
        self._is_shared[places] = True
        return int(places.size)

    @property
    def validation(self) -> int:
        """The number of distinct validation documents."""
        self._sort()
        return int(self._validation.size)

    @property
    def shared(self) -> int:
        """How many of them are in the training split, too."""
        return int(self._is_shared.sum())

    def _sort(self) -> None:
        if self._pending:
            self._validation = np.unique(np.concatenate([self._validation, *self._pending]))
            self._is_shared = np.zeros(self._validation.size, np.bool_)
            self._pending = []
