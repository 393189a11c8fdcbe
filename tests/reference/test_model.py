"""The model against the contract: shapes, causality, an attention written as loops, rotary tables, errors."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from golfcheck.reference.model import (
    GPT,
    LOSS_TOKENS,
    QUERY_BLOCK,
    RMS_EPS,
    Attention,
    GPTConfig,
    attend,
    rms,
    rotary_tables,
    rotate,
)

SMALL = GPTConfig(vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2, train_seq_len=16)


def awake(config: GPTConfig) -> GPT:
    """A model in fp32 whose zero-initialised maps are random, so that every part matters."""
    torch.manual_seed(0)
    model = GPT(config).float()
    for p in model.parameters():
        with torch.no_grad():
            p.add_(0.2 * torch.randn_like(p))
    return model


def test_the_default_model_has_17059912_parameters() -> None:
    assert sum(p.numel() for p in GPT(GPTConfig()).parameters()) == 17_059_912


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("tied", [True, False])
def test_the_state_dict_has_the_contracts_names_and_shapes(layers: int, tied: bool) -> None:
    config = replace(SMALL, num_layers=layers, tie_embeddings=tied)
    expected = {"tok_emb.weight": (64, 32), "skip_weights": (min(layers // 2, layers - layers // 2), 32)}
    for i in range(layers):
        expected |= {
            f"blocks.{i}.attn.c_q.weight": (32, 32),
            f"blocks.{i}.attn.c_k.weight": (16, 32),
            f"blocks.{i}.attn.c_v.weight": (16, 32),
            f"blocks.{i}.attn.proj.weight": (32, 32),
            f"blocks.{i}.attn.q_gain": (4,),
            f"blocks.{i}.mlp.fc.weight": (64, 32),
            f"blocks.{i}.mlp.proj.weight": (32, 64),
            f"blocks.{i}.attn_scale": (32,),
            f"blocks.{i}.mlp_scale": (32,),
            f"blocks.{i}.resid_mix": (2, 32),
        }
    if not tied:
        expected["lm_head.weight"] = (64, 32)
    assert {name: tuple(p.shape) for name, p in GPT(config).state_dict().items()} == expected


def test_the_embedding_is_bf16_and_all_else_fp32() -> None:
    dtypes = {name: p.dtype for name, p in GPT(SMALL).state_dict().items()}
    assert dtypes.pop("tok_emb.weight") == torch.bfloat16
    assert set(dtypes.values()) == {torch.float32}


def test_the_initial_weights_are_the_contracts() -> None:
    torch.manual_seed(3)
    state = GPT(replace(SMALL, vocab_size=4096, qk_gain_init=1.25)).state_dict()
    assert not state["blocks.0.attn.proj.weight"].any()
    assert not state["blocks.1.mlp.proj.weight"].any()
    assert state["blocks.0.attn.c_q.weight"].abs().max() <= 1 / math.sqrt(32)
    assert state["blocks.0.resid_mix"].tolist() == [[1.0] * 32, [0.0] * 32]
    assert state["blocks.2.attn.q_gain"].tolist() == [1.25] * 4
    assert state["tok_emb.weight"].float().std().item() == pytest.approx(0.005, rel=0.02)


def test_a_future_token_changes_no_earlier_logit() -> None:
    model = awake(SMALL)
    ids = torch.randint(0, 64, (2, 16))
    before = model.logits(*model.hidden(ids))
    for t in (1, 7, 15):
        other = ids.clone()
        other[:, t:] = (other[:, t:] + 5) % 64
        after = model.logits(*model.hidden(other))
        assert torch.equal(after[:, :t], before[:, :t])
        assert not torch.equal(after[:, t:], before[:, t:])


def test_attention_is_that_of_a_loop_over_heads_and_positions() -> None:
    config = replace(SMALL, rope_tables="fp32")
    torch.manual_seed(1)
    attention = Attention(config)
    with torch.no_grad():
        attention.proj.weight.normal_()
        attention.q_gain.copy_(torch.tensor([0.5, 1.0, 1.5, 2.0]))
    x = torch.randn(1, 7, 32)
    cos, sin = rotary_tables(config, 7)
    got = attention(x, cos, sin)[0]

    d = config.head_dim

    def turned(vector: torch.Tensor, t: int) -> torch.Tensor:
        vector = vector / torch.sqrt(vector.square().mean() + RMS_EPS)
        result = torch.empty(d)
        for j in range(d // 2):
            angle = t * 10000.0 ** (-2 * j / d)
            a, b = vector[j], vector[j + d // 2]
            result[j] = a * math.cos(angle) + b * math.sin(angle)
            result[j + d // 2] = -a * math.sin(angle) + b * math.cos(angle)
        return result

    expected = torch.zeros(7, 32)
    for head in range(4):
        kv = head // 2  # two query heads share a key/value head
        for t in range(7):
            q = turned((attention.c_q.weight @ x[0, t])[head * d : (head + 1) * d], t) * attention.q_gain[head]
            scores, values = [], []
            for s in range(t + 1):
                k = turned((attention.c_k.weight @ x[0, s])[kv * d : (kv + 1) * d], s)
                scores.append(q @ k / math.sqrt(d))
                values.append((attention.c_v.weight @ x[0, s])[kv * d : (kv + 1) * d])
            weights = torch.softmax(torch.stack(scores), 0)
            expected[t, head * d : (head + 1) * d] = (weights[:, None] * torch.stack(values)).sum(0)
    torch.testing.assert_close(got, expected @ attention.proj.weight.T, atol=2e-5, rtol=1e-4)


def test_the_model_is_that_of_its_equations() -> None:
    model = awake(replace(SMALL, num_layers=5))
    ids = torch.randint(0, 64, (2, 9))
    cos, sin = model.tables[:, :9]
    x = x0 = rms(model.tok_emb.weight[ids])
    skips: list[torch.Tensor] = []
    for i, block in enumerate(model.blocks):
        if i >= 2 and skips:
            x = x + model.skip_weights[i - 2] * skips.pop()
        x = block.resid_mix[0] * x + block.resid_mix[1] * x0
        x = x + block.attn_scale * block.attn(rms(x), cos, sin)
        hidden = (rms(x) @ block.mlp.fc.weight.T).clamp_min(0) ** 2
        x = x + block.mlp_scale * (hidden @ block.mlp.proj.weight.T)
        if i < 2:
            skips.append(x)
    logits = 30 * torch.tanh(rms(x) @ model.tok_emb.weight.T / 30)
    torch.testing.assert_close(model.logits(*model.hidden(ids)), logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
def test_the_loss_is_the_mean_cross_entropy_of_the_softcapped_logits(tied: bool) -> None:
    model = awake(replace(SMALL, logit_softcap=2.0, tie_embeddings=tied))
    ids, targets = torch.randint(0, 64, (2, 2, 8))
    logits = model.logits(*model.hidden(ids))
    assert logits.abs().max() < 2.0
    nats = -torch.log_softmax(logits.double(), -1).gather(-1, targets[..., None]).mean()
    assert model(ids, targets).item() == pytest.approx(nats.item(), abs=1e-6)
    torch.testing.assert_close(model(ids, targets), F.cross_entropy(logits.flatten(0, 1), targets.flatten()))


def test_bf16_tables_keep_769_of_4096_positions_and_the_others_all() -> None:
    config = GPTConfig()
    bf16 = rotary_tables(replace(config, rope_tables="bf16"), 4096)
    assert bf16.dtype == torch.bfloat16
    assert torch.arange(4096).to(torch.bfloat16).unique().numel() == 769
    assert torch.unique(bf16[0], dim=0).size(0) <= 769
    for kind in ("bf16_frequencies", "fp32"):
        exact = rotary_tables(replace(config, rope_tables=kind), 4096)
        assert torch.unique(exact.transpose(0, 1).flatten(1), dim=0).size(0) == 4096


def test_only_the_frequencies_of_the_default_tables_are_rounded() -> None:
    config = GPTConfig()
    assert config.rope_tables == "bf16_frequencies"
    cos, sin = rotary_tables(config, 4096)
    frequencies = [float(torch.tensor(10000.0 ** (-2 * j / 64)).bfloat16()) for j in range(32)]
    for t in (1, 77, 4095):  # an angle of 4,095 in fp32 is 2e-4 off
        assert cos[t].tolist() == pytest.approx([math.cos(t * f) for f in frequencies], abs=5e-4)
        assert sin[t].tolist() == pytest.approx([math.sin(t * f) for f in frequencies], abs=5e-4)


def test_rotation_keeps_lengths_and_depends_on_distance_alone() -> None:
    cos, sin = rotary_tables(replace(SMALL, rope_tables="fp32"), 16)
    q, k = torch.randn(2, 8)
    turned_q, turned_k = (rotate(v.expand(1, 1, 16, 8), cos, sin)[0, 0] for v in (q, k))
    torch.testing.assert_close(turned_q.norm(dim=-1), q.norm().expand(16))
    scores = turned_q @ turned_k.T
    for distance in range(8):
        along = scores.diagonal(-distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_heads": 5}, r"NUM_HEADS \(5\) must divide MODEL_DIM \(32\)"),
        ({"num_kv_heads": 3}, r"NUM_KV_HEADS \(3\) must divide NUM_HEADS \(4\)"),
        ({"model_dim": 12}, "even head width"),
        ({"logit_softcap": 0.0}, "LOGIT_SOFTCAP must be positive, not 0"),
        ({"logit_softcap": math.nan}, "LOGIT_SOFTCAP must be positive, not nan"),
        ({"rope_tables": "fp64"}, "ROPE_TABLES must be one of bf16, bf16_frequencies, fp32, not 'fp64'"),
    ],
)
def test_an_impossible_model_is_refused_with_its_numbers(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SMALL, **change)  # type: ignore[arg-type]


# What is faster on a CPU, against what the framework makes of the same inputs


def with_gradients(act: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> list[torch.Tensor]:
    """The result, and the gradients of a fixed weighted sum of it."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    result = act(*leaves)
    weights = torch.linspace(-1.0, 1.0, result.numel(), dtype=torch.float64).view(result.shape).to(result.dtype)
    return [result.detach(), *torch.autograd.grad((result * weights).sum(), leaves)]


@pytest.mark.parametrize("length", [1, 7, QUERY_BLOCK, QUERY_BLOCK + 1, 2 * QUERY_BLOCK + 40])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_attention_in_blocks_is_that_of_the_framework(length: int, kv_heads: int) -> None:
    torch.manual_seed(length)
    q, k, v = (torch.randn(2, heads, length, 8) for heads in (4, kv_heads, kv_heads))

    def framework(*qkv: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(*qkv, is_causal=True, enable_gqa=True)

    for ours, theirs in zip(with_gradients(attend, q, k, v), with_gradients(framework, q, k, v), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("length", [40, QUERY_BLOCK + 1])
def test_scoring_by_products_is_within_a_hundred_thousandth_of_a_nat(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    model = awake(replace(SMALL, train_seq_len=length))
    ids, targets = torch.randint(0, 64, (2, 2, length))
    with torch.inference_mode():
        exact = model(ids, targets)
        monkeypatch.setattr("golfcheck.reference.model.FAST_SCORES", True)
        monkeypatch.setattr(F, "scaled_dot_product_attention", None)  # it is not called
        torch.testing.assert_close(model(ids, targets), exact, atol=1e-5, rtol=0.0)


def test_attention_in_bf16_is_as_near_to_the_exact_one_as_its_rounding_allows() -> None:
    torch.manual_seed(0)
    q, k, v = (rms(torch.randn(1, heads, 300, 64)).bfloat16() for heads in (8, 4, 4))
    exact = with_gradients(
        lambda *qkv: F.scaled_dot_product_attention(*qkv, is_causal=True, enable_gqa=True),
        *(x.double() for x in (1.5 * q, k, v)),
    )
    for ours, theirs in zip(with_gradients(attend, 1.5 * q, k, v), exact, strict=True):
        assert (ours.double() - theirs).norm() / theirs.norm() < 0.01  # a score of 12 is rounded by up to 0.03


def test_second_derivatives_are_refused_not_wrong() -> None:
    model = awake(SMALL)
    ids = torch.randint(0, 64, (2, 16))
    x, y = torch.randn(1, 2, 5, 8, requires_grad=True), model(ids, ids)
    for result, leaf in ((attend(x, x, x).square().sum(), x), (y, model.lm_head or model.tok_emb.weight)):
        (gradient,) = torch.autograd.grad(result, leaf, create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            gradient.sum().backward()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rms_is_that_of_the_framework(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = (torch.randn(50, 96) * torch.logspace(-6, 3, 50)[:, None]).to(dtype)
    framework = with_gradients(lambda x: F.rms_norm(x, (96,), eps=RMS_EPS), x)
    for ours, theirs in zip(with_gradients(rms, x), framework, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-3 if dtype == torch.float32 else 0.5, rtol=2e-2)


@pytest.mark.parametrize("tied", [True, False])
def test_the_loss_by_chunks_has_the_value_and_the_gradients_of_all_logits_at_once(
    tied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = awake(replace(SMALL, tie_embeddings=tied, logit_softcap=2.0))
    ids, targets = torch.randint(0, 64, (2, 3, 16))
    whole = F.cross_entropy(model.logits(*model.hidden(ids)).flatten(0, 1), targets.flatten())
    expected = torch.autograd.grad(whole, list(model.parameters()))
    monkeypatch.setitem(LOSS_TOKENS, "cpu", 7)
    by_chunks = model(ids, targets)
    assert by_chunks.item() == pytest.approx(whole.item(), abs=1e-5)
    for ours, theirs in zip(torch.autograd.grad(by_chunks, list(model.parameters())), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-3)
    with torch.no_grad():
        assert model(ids, targets).mean().item() == pytest.approx(whole.item(), abs=1e-5)
