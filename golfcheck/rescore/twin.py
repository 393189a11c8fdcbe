"""The twin test: a predictor's answers must not change if only the tokens it must not see change.

A fixed number of the scored calls is sampled: every call gets a random key and the smallest keys stay, so that the
total need not be known in advance. A second box, which shares nothing with the first, is asked the same calls with
every sequence cut at a random position and its end replaced by that of another sequence of the text. Up to and
including the cut the answers must agree: the true next token, which a predictor that looks ahead uses, is gone.

The mean of (the twin's loss - the scored loss) at the cuts is an unbiased estimate of the gain from looking ahead. If
none of n cuts differs, at most 1 - 0.01^(1/n), about 4.6/n, of all positions look ahead, at 99% confidence.

Some calls are also asked uncut (do two boxes give the same answer at all?), some a second time (does asking leave a
trace?), and some with their sequences in another order, or one of them among unrelated sequences of the text (does an
answer depend on the other sequences of its call?).
"""

import heapq
import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from golfcheck.box.client import Box, Ids, Logits
from golfcheck.reference.data import Tokens
from golfcheck.rescore import measure
from golfcheck.rescore.report import Challenges
from golfcheck.rescore.sequence import LEVEL, t_quantile

Floats = npt.NDArray[np.float32]

DEFAULT_CUTS = 512
TOLERANCE_NATS = 1e-3  # of a log-probability: a fifth of the gain that a new record needs
# In another order a sequence may be computed by another part of a kernel, which rounds bf16 at other steps.
REORDERED_NATS = 2e-2  # of a token's loss, as the mean over a sequence
_EVERY = 8  # every eighth sampled call is also asked uncut, a second time, and in another order
_ROWS = 256  # of logits at a time: as many as fit into a CPU's caches
_MOST_ALONE = 16  # sequences of such a call that are asked again, each among unrelated ones
_MOST_VARIANTS = 16  # of one call: in a short text a sequence is cut at several positions
_TRIES = 32  # to draw an end that begins with another token


@dataclass(frozen=True, slots=True)
class Asked:
    """A scored call, and how it is changed for the twin."""

    key: float
    number: int  # of the call, in the order of scoring
    begins: tuple[int, ...]  # where each sequence begins in the text
    cuts: tuple[int, ...]  # the last unchanged position of each sequence; length - 1 if nothing is changed
    donors: tuple[int, ...]  # where the sequences begin that supply the new ends
    nats: Floats  # [B, T]: the losses that were scored
    rows: Floats  # [B, V]: log-probabilities at the cuts

    def __lt__(self, other: "Asked") -> bool:
        return self.key > other.key  # reversed: heapq pops the smallest, which must be the largest key


def nats_of(logits: Logits, targets: Ids, device: torch.device) -> Floats:
    """Return the losses of targets [B, T] given logits [B, T, V], computed here in fp32."""
    size = _ROWS if device.type == "cpu" else targets.size
    rows = torch.from_numpy(logits).flatten(0, -2)  # [B * T, V]
    flat_targets = torch.from_numpy(np.ascontiguousarray(targets)).flatten()  # [B * T]
    pieces = zip(torch.split(rows, size), torch.split(flat_targets, size), strict=True)  # [n, V] and [n]
    losses = [F.cross_entropy(part.to(device), ids.to(device), reduction="none").cpu() for part, ids in pieces]
    return torch.cat(losses).view(targets.shape).numpy()


def _log_probs(logits: Any) -> Floats:
    """Return log-probabilities [..., V] of logits."""
    return torch.from_numpy(np.ascontiguousarray(logits)).log_softmax(-1).numpy()


class Sample:
    """A uniform random sample of the scored calls, for the twin; it does not depend on the order of scoring.

    It holds as many calls of `call_seqs` sequences as `cuts` cuts need. If fewer calls are scored, each is sampled
    several times, with different cuts.
    """

    def __init__(
        self, tokens: Tokens, seq_len: int, cuts: int, *, sequences: int, call_seqs: int, seed: int
    ) -> None:  # fmt: skip
        self.tokens, self.seq_len, self.seed = tokens, seq_len, seed
        self.size = -(-cuts // call_seqs)
        self.variants = min(_MOST_VARIANTS, -(-self.size // max(1, sequences // call_seqs)))
        self.number = 0
        self._calls: list[Asked] = []
        self._lock = threading.Lock()

    def offer(self, begins: Ids, last: list[int], nats: Floats, logits: Logits) -> None:
        """Add a scored call to the sample if its random key is small enough.

        `begins` [B] are the sequences' positions in the text, `last` [B] how many final tokens of each were scored,
        `nats` [B, T] their losses and `logits` [B, T, V] the answer.
        """
        with self._lock:
            self.number += 1
            number = self.number
        for variant in range(self.variants):
            random = np.random.default_rng([self.seed, variant, *begins.tolist()])  # the same in any order of scoring
            key = random.random()
            with self._lock:
                if len(self._calls) == self.size and key >= self._calls[0].key:
                    continue
            drawn = [self._draw(random, int(b), n) for b, n in zip(begins, last, strict=True)]
            cuts, donors = zip(*drawn, strict=True)
            rows = np.stack([_log_probs(logits[i, cut]) for i, cut in enumerate(cuts)])  # [B, V]
            asked = Asked(key, number, tuple(begins.tolist()), cuts, donors, nats.copy(), rows)
            with self._lock:
                if len(self._calls) == self.size:
                    heapq.heappushpop(self._calls, asked)
                else:
                    heapq.heappush(self._calls, asked)

    def calls(self) -> list[Asked]:
        """Return the sample, in the order of scoring."""
        return sorted(self._calls, key=lambda asked: asked.number)

    def _draw(self, random: np.random.Generator, begin: int, last: int) -> tuple[int, int]:
        """Return where to cut, one of the `last` positions but the final one, and where the donor sequence begins."""
        lowest, highest = self.seq_len - last, self.seq_len - 2
        if lowest > highest:
            return self.seq_len - 1, begin
        cut = int(random.integers(lowest, highest + 1))
        donor = begin
        for _ in range(_TRIES):
            donor = int(random.integers(0, self.tokens.size - self.seq_len))
            if self.tokens[donor + cut + 1] != self.tokens[begin + cut + 1]:
                break
        return cut, donor


@dataclass(frozen=True, slots=True)
class Answers:
    """How much the twin's answers to one call differ from the scored ones, in nats, one number per sequence."""

    moved: tuple[float, ...]  # up to and including the cut
    gained: tuple[float, ...]  # the twin's loss at the cut minus the scored one
    control: tuple[float, ...] = ()
    repeated: tuple[float, ...] = ()
    reordered: tuple[float, ...] = ()
    unrelated: tuple[float, ...] = ()


def ask(box: Box, tokens: Tokens, asked: Asked, more: bool) -> Answers:
    """Ask the twin one call; `more` also asks it uncut, a second time, and in another order."""
    length = asked.nats.shape[1]
    spans = measure.spans_of(tokens, np.array(asked.begins), length)  # [B, T + 1]
    inputs, targets = spans[:, :-1], spans[:, 1:]
    changed = inputs.copy()
    for i, (cut, donor) in enumerate(zip(asked.cuts, asked.donors, strict=True)):
        changed[i, cut + 1 :] = tokens[donor + cut + 1 : donor + length]
    cpu = torch.device("cpu")
    logits = box.logits(changed)
    nats = nats_of(logits, targets, cpu)  # [B, T]
    each = list(enumerate(asked.cuts))
    moved = [_moved(asked, i, logits[i, cut], nats[i, :cut]) for i, cut in each]
    gained = [float(nats[i, cut] - asked.nats[i, cut]) for i, cut in each if cut < length - 1]
    if not more:
        return Answers(tuple(moved), tuple(gained))
    uncut = box.logits(inputs)
    uncut_nats = nats_of(uncut, targets, cpu)
    control = [_moved(asked, i, uncut[i, cut], uncut_nats[i]) for i, cut in each]
    first, again = _log_probs(logits), _log_probs(box.logits(changed))
    repeated = np.abs(first - again).max(axis=(1, 2))  # [B]
    reordered: Any = np.empty(0)
    unrelated = list[float]()
    if len(each) > 1:
        other = nats_of(np.ascontiguousarray(box.logits(changed[::-1])[::-1]), targets, cpu)  # [B, T]
        reordered = np.abs(other - nats).mean(axis=1)  # [B]
        random = np.random.default_rng(int(asked.key * 2**53))  # the key follows from the seed in the report
        for i in random.permutation(len(each))[:_MOST_ALONE].tolist():
            begins = random.integers(0, tokens.size - length, len(each))
            company = measure.spans_of(tokens, begins, length)[:, :-1]  # [B, T]
            company[i] = changed[i]  # in its old row, so that it is computed as before
            unrelated.append(float(np.abs(_log_probs(box.logits(company)[i]) - first[i]).max()))
    return Answers(
        tuple(moved), tuple(gained), tuple(control), tuple(repeated.tolist()), tuple(reordered.tolist()),
        tuple(unrelated),
    )  # fmt: skip


def asks_more(index: int) -> bool:
    """Tell whether the sampled call at this index is also asked uncut, a second time, and in another order."""
    return index % _EVERY == 0


def _moved(asked: Asked, i: int, row: Logits, nats: Floats) -> float:
    """Return the largest change of a log-probability: in the row at the cut [V], or a loss [n] of the first tokens."""
    at_cut = np.abs(_log_probs(row) - asked.rows[i]).max()
    return float(max(at_cut, np.abs(nats - asked.nats[i, : nats.size]).max(initial=0.0)))


def verdict(answers: list[Answers], seed: int, *, may_vary: bool) -> Challenges:
    """Return the result of the test, from all answers."""
    gained = np.array([x for answer in answers for x in answer.gained])
    columns = {
        name: np.array([x for answer in answers for x in getattr(answer, name)])
        for name in ("moved", "control", "repeated", "reordered", "unrelated")
    }
    half = math.inf
    if gained.size > 1:
        half = t_quantile(gained.size - 1) * float(gained.std(ddof=1)) / math.sqrt(gained.size)
    limits = {"reordered": REORDERED_NATS}
    differ = {name: int((values > limits.get(name, TOLERANCE_NATS)).sum()) for name, values in columns.items()}
    return Challenges(
        seed=seed,
        cuts=gained.size,
        differ=differ["moved"],
        moved_nats=float(columns["moved"].max(initial=0.0)),
        gained_nats=float(gained.mean()) if gained.size else 0.0,
        gained_half_width_nats=half if math.isfinite(half) else None,
        level=LEVEL,
        uncut=columns["control"].size,
        uncut_differ=differ["control"],
        repeated=columns["repeated"].size,
        repeated_differ=differ["repeated"],
        reordered=columns["reordered"].size,
        reordered_differ=differ["reordered"],
        unrelated=columns["unrelated"].size,
        unrelated_differ=differ["unrelated"],
        may_vary=may_vary,
    )
