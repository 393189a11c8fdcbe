"""The compiled attention is as exact as torch's in bf16, used only for supported calls, and always optional."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golfcheck.box import kernel
from golfcheck.reference.model import GPTConfig
from golfcheck.reference.ranks import Ranks
from golfcheck.rescore import attention, measure
from tests.golfcheck import rescore_fixture as tiny

KERNEL, MISSING = attention.kernel()
needs_kernel = pytest.mark.skipif(KERNEL is None, reason=f"no compiled attention: {MISSING}")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, on disk and in memory; returns the folder for the compiled library."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    attention.kernel.cache_clear()
    yield tmp_path / "golfcheck"
    attention.kernel.cache_clear()


def heads(tokens: int, width: int, gain: float = 1.5, count: int = 4, kv: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    """q [1, H, T, d], k and v [1, K, T, d] as in the model: normalized, and the queries times a gain."""
    torch.manual_seed(tokens)
    q, k, v = (torch.randn(1, n, tokens, width) for n in (count, kv, kv))
    q, k = (F.rms_norm(x, (width,)) for x in (q, k))
    return (gain * q).bfloat16(), k.bfloat16(), v.bfloat16()


def plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


@needs_kernel
@pytest.mark.parametrize("width", [16, 32, 48, 64])
@pytest.mark.parametrize("tokens", [6, 7, 63, 64, 65, 500])
@pytest.mark.parametrize("gain", [1.5, 20.0])
def test_the_kernel_is_as_exact_as_torchs(tokens: int, width: int, gain: float) -> None:
    assert KERNEL is not None
    q, k, v = heads(tokens, width, gain)
    exact = plain(q.double(), k.double(), v.double())
    ours, theirs = KERNEL(q, k, v), plain(q, k, v)
    assert ours is not None
    assert float((ours - exact).abs().mean()) <= 1.15 * float((theirs - exact).abs().mean())
    assert float((ours - exact).abs().max()) <= 2**-6 * float(v.abs().max())


@needs_kernel
@pytest.mark.parametrize(("count", "kv"), [(1, 1), (4, 4), (6, 2), (5, 1)])
def test_heads_share_keys_in_groups(count: int, kv: int) -> None:
    assert KERNEL is not None
    q, k, v = heads(70, 32, count=count, kv=kv)
    output = KERNEL(q, k, v)
    assert output is not None
    assert torch.allclose(output.float(), plain(q, k, v).float(), atol=0.03)


@needs_kernel
def test_a_sequences_result_does_not_depend_on_the_others_in_its_batch() -> None:
    assert KERNEL is not None
    alone = [heads(70, 32, gain) for gain in (1.5, 1.0, 20.0)]
    together = KERNEL(*map(torch.cat, zip(*alone, strict=True)))
    assert together is not None and together.shape == (3, 4, 70, 32)
    for given, output in zip(alone, together, strict=True):
        expected = KERNEL(*given)
        assert expected is not None and torch.equal(output, expected[0])


@needs_kernel
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_nan_stays_a_nan(which: int) -> None:
    assert KERNEL is not None
    given = heads(100, 64)
    given[which][0, 0, 40, 3] = float("nan")
    output = KERNEL(*given)
    assert output is not None
    assert not output[0, 0, 40].isfinite().any() if which < 2 else output[0, 0, 40, 3].isnan()


def test_only_supported_calls_reach_the_kernel() -> None:
    seen: list[tuple[int, ...]] = []

    def spy(q: Tensor, _k: Tensor, _v: Tensor) -> None:
        seen.append(tuple(q.shape))  # and torch computes it after all

    q, k, v = heads(64, 32)
    others = [[x.float() for x in (q, k, v)], [x[:, :, :5] for x in (q, k, v)], [x[..., :24] for x in (q, k, v)]]
    with kernel.Compiled(spy):
        for given in others:
            plain(*given)
        F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True, scale=1.0)
        torch.set_num_threads(2)
        plain(q, k, v)
        torch.set_num_threads(1)
        assert seen == []
        assert torch.equal(plain(q, k, v), F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))
    assert seen == [(1, 4, 64, 32)] * 2
    plain(q, k, v)
    assert len(seen) == 2


def test_the_kernel_reads_no_key_or_value_out_of_bounds() -> None:
    q, k, v = heads(64, 32)
    assert kernel.fits(q, k, v)
    assert not kernel.fits(q.repeat(2, 1, 1, 1), k, v)
    assert not kernel.fits(q, k[:, :, :63], v[:, :, :63])
    assert not kernel.fits(q, k, v[:, :, :63])
    assert not kernel.fits(q, k, v[:, :1])
    assert not kernel.fits(q[:, :3], k, v)


CONFIG = GPTConfig(
    vocab_size=300, num_layers=3, model_dim=128, num_heads=4, num_kv_heads=2, train_seq_len=200, rope_base=500.0
)


def evaluation(compiled: bool) -> measure.Evaluation:
    state = tiny.model(config=CONFIG).state_dict()
    return measure.Evaluation(state, CONFIG, "bf16", Ranks(0, 1, torch.device("cpu")), compiled=compiled)


@needs_kernel
def test_a_model_scores_the_same_within_bf16_rounding_and_names_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_CLEARLY", float("inf"))  # whatever this chip is better at
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 300, (1, 201)))
    ours, theirs = evaluation(compiled=True), evaluation(compiled=False)
    exact = theirs.losses(ids)
    assert ours.losses(ids) == pytest.approx(exact, rel=1e-3)
    assert not torch.equal(ours.losses(ids), exact)
    assert "compiled attention" in ours.describe()
    assert "attention" not in theirs.describe()


def test_without_a_compiler_torchs_attention_is_used_and_the_reason_shown(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(afresh))
    chosen, why = attention.kernel()
    assert chosen is None
    assert why in ("no C compiler (cc) here", "no AVX-512 BF16 here")
    assert f"torch's attention: {why}" in evaluation(compiled=True).describe()


@pytest.mark.parametrize(("ours", "is_taken"), [(0.5, True), (0.89, True), (0.95, False), (1.3, False)])
def test_the_faster_kernel_in_a_trial_is_used(monkeypatch: pytest.MonkeyPatch, ours: float, is_taken: bool) -> None:
    """On a chip with AMX torch's attention may be faster."""

    clock = [0.0]
    noise = iter([3.0, 4.0, 1.0, 2.0, 2.0, 1.0])  # of six calls in turn: the fastest of each kernel counts

    def attend(q: Tensor, _k: Tensor, _v: Tensor) -> Tensor:
        clock[0] += ours * next(noise)
        return q

    def torchs(q: Tensor, *_: Tensor, **__: object) -> Tensor:
        clock[0] += next(noise)
        return q

    monkeypatch.setattr(attention, "kernel", lambda: (attend, ""))
    monkeypatch.setattr(attention.F, "scaled_dot_product_attention", torchs)
    monkeypatch.setattr(attention.time, "process_time", lambda: clock[0])
    chosen, why = attention.faster(4, 2, 32, 256)
    assert (chosen is attend) is is_taken
    assert why == (
        f"{1 / ours:.2f} times torch's speed"
        if is_taken
        else f"the compiled one takes {ours:.2f} of its time on this chip"
    )


@needs_kernel
def test_a_trial_is_short_and_restores_the_number_of_threads() -> None:
    assert KERNEL is not None
    torch.set_num_threads(2)
    try:
        ours, theirs = attention._trial(KERNEL, *heads(1024, 64, count=2, kv=1))
        attention.faster(8, 4, 64, 4096)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert 0 < ours < 1 and 0 < theirs < 1
    assert attention.faster(8, 4, 8, 4096) == (None, "the compiled one is not for 1024 tokens and heads of width 8")


@needs_kernel
def test_the_kernel_is_compiled_once_and_a_library_writable_by_others_is_not_loaded(
    afresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attention.kernel()[0] is not None
    (library,) = afresh.iterdir()
    contents = library.read_bytes()
    monkeypatch.setenv("PATH", str(afresh))
    attention.kernel.cache_clear()
    assert attention.kernel()[0] is not None
    library.chmod(0o666)
    attention.kernel.cache_clear()
    assert attention.kernel()[0] is None
    monkeypatch.undo()
    os.environ["XDG_CACHE_HOME"] = str(afresh.parent)
    attention.kernel.cache_clear()
    try:
        assert attention.kernel()[0] is not None
        assert library.read_bytes()[:4] == contents[:4] == b"\x7fELF"
        assert library.stat().st_mode & 0o022 == 0
    finally:
        del os.environ["XDG_CACHE_HOME"]


def test_a_failing_compiler_is_a_reason_not_an_error(afresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if KERNEL is None:
        pytest.skip(MISSING)
    folder = afresh.parent / "bin"
    folder.mkdir()
    (folder / "cc").write_text("#!/bin/sh\nexit 1\n")
    (folder / "cc").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    assert attention.kernel() == (None, "the C compiler here cannot compile it")
    assert not afresh.exists()
