"""An artifact's arrays → a state dict, and the configuration of its model."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from golfcheck.core.errors import Refused
from golfcheck.reference.artifact import dequantize, quantize
from golfcheck.reference.model import GPTConfig
from golfcheck.rescore.prepare import OPTIONAL
from golfcheck.untrusted.artifacts import Array

State = dict[str, Tensor]


def state_of(tree: Mapping[str, Any]) -> State:
    """Return the state dict of an artifact's tree, whose values `sound` has checked."""
    return dequantize(_tensors(tree))


def _tensors(value: Any) -> Any:
    """Replace arrays by torch tensors that share their memory."""
    if isinstance(value, Array):
        tensor = torch.from_numpy(value.data)
        return tensor.view(torch.bfloat16) if value.dtype == "bfloat16" else tensor
    return {key: _tensors(child) for key, child in value.items()} if isinstance(value, dict) else value


def differences(
    tree: Mapping[str, Any], raw: Mapping[str, Any], keep_fp32: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Return the number of tensors in the raw weights, and the names of those that differ in the artifact.

    The raw weights are quantized again, so an artifact quantized by the format's own rounding is equal bit for bit.
    """
    state = _tensors(raw)
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise Refused("ART_TYPE", "the raw file is not a plain state dict")
    wanted, stored = quantize(state, keep_fp32), _tensors(tree)
    differ = set()
    for section in ("quantized", "scales", "passthrough"):
        for name in wanted[section].keys() | stored[section].keys():
            ours, theirs = wanted[section].get(name), stored[section].get(name)
            if ours is None or theirs is None or ours.dtype != theirs.dtype or not torch.equal(ours, theirs):
                differ.add(name)
    for section in ("dtypes", "qmeta", "passthrough_orig_dtypes"):
        ours, theirs = wanted.get(section, {}), stored.get(section, {})
        differ |= {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    differ |= stored.keys() - wanted.keys() - {*OPTIONAL}  # what the format does not write
    return len(state), tuple(sorted(differ))


def config_of(sizes: Mapping[str, Any], options: Mapping[str, Any]) -> GPTConfig:
    """Return the configuration of a model of these `sizes`, with `options` that its tensors do not show.

    Refused (ART_SHAPE) for one that cannot be.
    """
    try:
        return GPTConfig(**sizes, **options)
    except ValueError as error:
        raise Refused("ART_SHAPE", str(error)) from None
