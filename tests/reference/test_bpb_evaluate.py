"""The evaluation against a plain loop over tokens: sums, ranks, batches, and what cannot be scored."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.reference.bpb import ByteTable, Score, evaluate

VOCAB, SEQ = 16, 8
CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
TABLE = ByteTable(
    num_bytes=RNG.integers(0, 9, VOCAB).astype(np.int16),
    leading_space=RNG.random(VOCAB) < 0.5,
    boundary=RNG.random(VOCAB) < 0.3,
)
LOGITS = torch.randn(VOCAB, VOCAB, generator=torch.Generator().manual_seed(0))  # a bigram model


def loss(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(LOGITS[inputs].flatten(0, 1), targets.flatten(), reduction="none")


def tokens_of(seqs: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, VOCAB, seqs * SEQ + 1).astype(np.uint16)


def plain(tokens: np.ndarray) -> tuple[float, int]:
    """Total nats and bytes, token by token."""
    nats, size = 0.0, 0
    probabilities = torch.log_softmax(LOGITS.double(), -1)
    for before, target in zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True):
        nats -= probabilities[before, target].item()
        size += int(TABLE.num_bytes[target]) + int(TABLE.leading_space[target] and not TABLE.boundary[before])
    return nats, size


@settings(max_examples=40)
@given(seqs=st.integers(1, 23), batch_seqs=st.integers(1, 30), seed=st.integers(0, 99))
def test_the_score_is_that_of_a_plain_loop_whatever_the_batch(seqs: int, batch_seqs: int, seed: int) -> None:
    tokens = tokens_of(seqs, seed)
    score = evaluate(loss, tokens, TABLE, seq_len=SEQ, batch_seqs=batch_seqs, device=CPU)
    nats, size = plain(tokens)
    assert (score.tokens, score.bytes) == (seqs * SEQ, size)
    assert score.val_loss_nats == pytest.approx(nats / (seqs * SEQ), abs=2e-6)
    assert score.val_bpb == pytest.approx(nats / math.log(2) / size, abs=2e-6)


@settings(max_examples=30)
@given(seqs=st.integers(8, 40), world_size=st.sampled_from([1, 2, 4, 8]), seed=st.integers(0, 99))
def test_the_ranks_shares_add_up_to_the_whole(seqs: int, world_size: int, seed: int) -> None:
    tokens = tokens_of(seqs, seed)
    shares: list[torch.Tensor] = []
    options = {"seq_len": SEQ, "batch_seqs": 3, "device": CPU, "world_size": world_size}
    for rank in range(world_size):
        evaluate(loss, tokens, TABLE, rank=rank, reduce=lambda sums: shares.append(sums.clone()), **options)  # type: ignore[arg-type]
    assert all(share.dtype == torch.float64 for share in shares)
    nats, count, size = torch.stack(shares).sum(0).tolist()
    whole = evaluate(loss, tokens, TABLE, seq_len=SEQ, batch_seqs=3, device=CPU)
    assert (int(count), int(size)) == (whole.tokens, whole.bytes)
    assert nats / count == pytest.approx(whole.val_loss_nats, abs=1e-6)


def test_progress_counts_this_ranks_sequences_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    evaluate(
        loss, tokens_of(10, 0), TABLE, seq_len=SEQ, batch_seqs=2, device=CPU, rank=1, world_size=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_a_gpu_is_given_pinned_tokens_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned, copied = [], []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda ids: pinned.append(ids.shape) or ids)

    def to(ids: torch.Tensor, device: object, non_blocking: bool) -> torch.Tensor:
        copied.append((device, non_blocking))
        return ids

    monkeypatch.setattr(torch.Tensor, "to", to)
    gpu = SimpleNamespace(type="cuda")
    score = evaluate(loss, tokens_of(5, 0), TABLE, seq_len=SEQ, batch_seqs=2, device=gpu)  # type: ignore[arg-type]
    monkeypatch.undo()
    assert pinned == [(2, SEQ + 1), (2, SEQ + 1), (1, SEQ + 1)]
    assert copied == [(gpu, True)] * 3
    assert score == evaluate(loss, tokens_of(5, 0), TABLE, seq_len=SEQ, batch_seqs=2, device=CPU)


def test_a_rank_without_a_sequence_is_an_error_with_the_numbers() -> None:
    with pytest.raises(ValueError, match="1 sequences in batches of 4: rank 0 of 2 gets none"):
        evaluate(loss, tokens_of(1, 0), TABLE, seq_len=SEQ, batch_seqs=4, device=CPU, rank=0, world_size=2)
    with pytest.raises(ValueError, match="in batches of 0"):
        evaluate(loss, tokens_of(1, 0), TABLE, seq_len=SEQ, batch_seqs=0, device=CPU)


def test_bits_per_byte_is_nats_per_token_in_bits_times_tokens_per_byte() -> None:
    # The contest's 8×H100 run: 2.03154449 nats, 62,021,632 tokens, 1.20319508 bits per byte.
    size = 62_021_632 * 2.03154449 / math.log(2) / 1.20319508
    assert Score(2.03154449, 62_021_632, round(size)).val_bpb == pytest.approx(1.20319508, abs=1e-8)
    assert round(size) == pytest.approx(151_080_000, rel=4e-4)


@pytest.mark.parametrize("stride", [1, 3, 4, 7, SEQ])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_a_sliding_window_scores_each_token_once_with_the_most_context(stride: int, world_size: int) -> None:
    """A loss that is its target's distance to the window's beginning shows what context each token had."""
    tokens = tokens_of(5, 0)
    n = tokens.size - 1
    counted = np.zeros(n, np.int64)

    def context(inputs: torch.Tensor, _targets: torch.Tensor) -> torch.Tensor:
        return torch.arange(1, inputs.size(1) + 1).expand(inputs.shape)

    shares: list[torch.Tensor] = []
    for rank in range(world_size):
        evaluate(
            context, tokens, TABLE, seq_len=SEQ, batch_seqs=2, stride=stride, device=CPU, rank=rank,
            world_size=world_size, reduce=lambda sums: shares.append(sums.clone()),
        )  # fmt: skip
    expected, before = 0, 0
    for start in [*range(0, n - SEQ, stride), n - SEQ]:
        end = min(start, n - SEQ) + SEQ
        counted[before:end] += 1
        expected += sum(i - start + 1 for i in range(before, end))
        before = end
    assert counted.tolist() == [1] * n
    nats, count, size = torch.stack(shares).sum(0).tolist()
    assert nats == pytest.approx(expected, rel=1e-6)
    assert (int(count), int(size)) == (n, int(TABLE.count(tokens).sum()))
