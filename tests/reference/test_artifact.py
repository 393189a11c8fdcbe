"""The artifact format against a plain loop over rows, and the contract's numbers."""

import io
import zlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.reference import artifact
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.settings import CONTROL_TENSORS

KEEP = CONTROL_TENSORS.split(",")


def quantile(values: list[float], q: float) -> float:
    """The linearly interpolated quantile, in Python's own numbers."""
    ordered = sorted(values)
    rank = q * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def test_a_matrix_is_quantized_as_by_a_plain_loop_over_its_rows() -> None:
    torch.manual_seed(0)
    w = torch.randn(130, 512) * torch.logspace(-3, 2, 130)[:, None]
    w[5] = 0.0
    obj = artifact.quantize({"w": w}, [])
    q, scale = obj["quantized"]["w"], obj["scales"]["w"]
    assert q.dtype == torch.int8
    assert scale.dtype == torch.float16
    for i, row in enumerate(w.tolist()):
        clip = quantile([abs(x) for x in row], 0.9999984)
        step = max(clip / 127, 1 / 127)
        assert scale[i].item() == pytest.approx(step, rel=1e-3)
        for x, got in zip(row, q[i].tolist(), strict=True):
            exact = max(-clip, min(clip, x)) / step
            assert abs(got - exact) <= 0.5 + 1e-3  # at a tie fp32 may round either way
    restored = artifact.dequantize(obj)["w"]
    for i in range(w.size(0)):
        torch.testing.assert_close(restored[i], q[i].float() * scale[i].float(), rtol=0, atol=0)


@settings(max_examples=60)
@given(rows=st.integers(1, 40), cols=st.integers(1, 3000), seed=st.integers(0, 2**31))
def test_the_row_clip_is_bit_for_bit_that_of_torch_quantile(rows: int, cols: int, seed: int) -> None:
    magnitude = torch.randn(rows, cols, generator=torch.Generator().manual_seed(seed)).abs()
    assert torch.equal(artifact._row_clip(magnitude), torch.quantile(magnitude, 0.9999984, dim=1))


@pytest.mark.parametrize("cols", [64, 128, 256, 384, 512, 768, 1024, 1536, 2048])
@pytest.mark.parametrize("levels", [1, 2, 3, 1000])
def test_the_row_clip_is_torchs_for_ties_and_zeros_too(cols: int, levels: int) -> None:
    """Of few levels, rows have ties at the top; of one, they are zeros."""
    generator = torch.Generator().manual_seed(cols)
    magnitude = torch.randint(0, levels, (200, cols), generator=generator) * torch.rand(200, 1, generator=generator)
    assert torch.equal(artifact._row_clip(magnitude), torch.quantile(magnitude, 0.9999984, dim=1))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**31), power=st.integers(-20, 20), dtype=st.sampled_from([torch.float32, torch.bfloat16]))
def test_what_is_packed_unpacks_to_weights_within_half_a_step(seed: int, power: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    state = {
        "big.weight": (torch.randn(300, 257, generator=generator) * 2.0**power).to(dtype),
        "cube": (torch.randn(50, 40, 40, generator=generator) * 2.0**power).to(dtype),
        "small": (torch.randn(9, 7, generator=generator)).to(dtype),
        "attn_scale": torch.randn(11, generator=generator).to(dtype),
        "half": torch.randn(3, generator=generator).half(),
        "count": torch.arange(5),
    }
    blob, _, raw_bytes, _ = artifact.pack(artifact.quantize(state, ["attn_scale"], note={"made": "here"}))
    assert len(zlib.decompress(blob)) == raw_bytes
    obj = artifact.unpack(blob)
    assert obj["note"] == {"made": "here"}
    back = artifact.dequantize(obj)
    assert sorted(back) == sorted(state)
    for name, tensor in state.items():
        if name == "attn_scale":  # kept in fp32, in the file and after it
            torch.testing.assert_close(back[name], tensor.float(), rtol=0, atol=0)
            continue
        assert back[name].dtype == tensor.dtype
        assert back[name].shape == tensor.shape
        if name == "small":
            torch.testing.assert_close(back[name], tensor.half().to(dtype), rtol=0, atol=0)
        elif name in ("half", "count"):
            assert torch.equal(back[name], tensor)
        else:
            flat = tensor.float() if tensor.ndim == 2 else tensor.float().reshape(1, -1)
            step = flat.abs().amax(1, keepdim=True) / 127
            if tensor.ndim == 2:
                step = step.clamp_min(1 / 127)
            clip = torch.quantile(flat.abs(), 0.9999984, dim=1, keepdim=True)
            off = (back[name].float().reshape(flat.shape) - flat.clamp(-clip, clip)).abs()
            # Half a step, the fp16 scale's 2^-11 over 127 steps, and bf16's own rounding.
            rounding = flat.abs() / 2**8 if dtype == torch.bfloat16 else 0.0
            fits = step < 60_000  # beyond it an fp16 scale is infinite
            assert ((off <= step * 0.5 + step * 127 / 2**11 + rounding + 1e-6) | ~fits).all()


def test_a_zero_tensor_that_is_no_matrix_has_scale_one() -> None:
    obj = artifact.quantize({"cube": torch.zeros(60, 60, 60)}, [])
    assert obj["scales"]["cube"].dtype == torch.float32
    assert obj["scales"]["cube"].shape == ()
    assert obj["scales"]["cube"].item() == 1.0
    assert not artifact.dequantize(obj)["cube"].any()


def test_65536_elements_pass_through_and_one_more_is_quantized() -> None:
    obj = artifact.quantize({"a": torch.ones(256, 256), "b": torch.ones(256, 257)}, [])
    assert set(obj["passthrough"]) == {"a"}
    assert obj["passthrough"]["a"].dtype == torch.float16
    assert obj["passthrough_orig_dtypes"] == {"a": "float32"}
    assert set(obj["quantized"]) == {"b"}
    assert obj["qmeta"] == {"b": {"scheme": "per_row", "axis": 0}}
    assert obj["dtypes"] == {"b": "float32"}


def test_empty_optional_sections_are_left_out() -> None:
    obj = artifact.quantize({"n": torch.arange(3)}, [])
    assert set(obj) == {"__quant_format__", "quantized", "scales", "dtypes", "passthrough"}


def test_the_default_model_has_the_contracts_payload_and_ratio() -> None:
    state = GPT(GPTConfig()).state_dict()
    obj = artifact.quantize(state, KEEP)
    _, payload_bytes, raw_torch_bytes, _ = artifact.pack(obj)
    assert payload_bytes == 17_178_912
    assert f"{sum(t.nbytes for t in state.values()) / 17_178_912:.2f}" == "3.91"
    assert raw_torch_bytes == 17_224_025


def test_the_same_weights_make_the_same_bytes() -> None:
    def blob() -> bytes:
        torch.manual_seed(7)
        return artifact.pack(artifact.quantize(GPT(GPTConfig(num_layers=2, model_dim=256)).state_dict(), KEEP))[0]

    assert blob() == blob()


def test_the_file_can_be_read_with_torch_and_zlib_alone() -> None:
    blob = artifact.pack(artifact.quantize({"w": torch.randn(300, 300)}, []))[0]
    obj = torch.load(io.BytesIO(zlib.decompress(blob)), map_location="cpu", weights_only=True)
    assert obj["__quant_format__"] == "int8_clean_per_row_v1"
    assert {"quantized", "scales", "dtypes", "passthrough"} <= set(obj)
