"""Arrays of an artifact → the state dict that it means, and the configuration of the model that this is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from golfcheck.core.errors import Refused
from golfcheck.reference.artifact import dequantize, quantize
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.rescore import shape
from golfcheck.rescore.sound import ArtifactError, check
from golfcheck.untrusted.load import Array

State = dict[str, Tensor]
Sections = dict[str, Any]  # an artifact's dict, with torch tensors in it, once `sound_of` has found sense in it
_OPTIONAL = {"model_config", "qmeta", "passthrough_orig_dtypes"}  # sections that an artifact need not have


def sound_of(tree: Mapping[str, Any]) -> Sections:
    """Return an artifact's tree with torch tensors in it; Refused, with the format's label, unless it makes sense."""
    try:
        check(sound := _tensors(tree))
    except ArtifactError as error:
        unsupported = "unsupported quantization format: " if error.code == "ART_QFORMAT" else ""
        raise Refused(error.code, f"{unsupported}{error}") from None
    return dict(sound)


def shapes_of(sound: Sections) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that the artifact stands for, before any of them is made."""
    stored = {**sound["quantized"], **sound["passthrough"]}
    return {name: tuple(tensor.shape) for name, tensor in stored.items()}


def state_of(sound: Sections) -> State:
    """Return the state dict that an artifact stands for; Refused (ART_DTYPE) for weights that are no floats."""
    state = dequantize(sound)
    for name, tensor in state.items():
        if not tensor.is_floating_point():
            raise Refused("ART_DTYPE", f"{name!a} is {tensor.dtype}; the weights of this architecture are floats")
    return state


def _tensors(value: Any) -> Any:
    """Put torch tensors, sharing memory, in place of arrays."""
    if isinstance(value, Array):
        tensor = torch.from_numpy(value.data)
        return tensor.view(torch.bfloat16) if value.dtype == "bfloat16" else tensor
    return {key: _tensors(child) for key, child in value.items()} if isinstance(value, dict) else value


def differences(
    tree: Mapping[str, Any], raw: Mapping[str, Any], keep_fp32: Sequence[str]
) -> tuple[int, tuple[str, ...]]:
    """Return how many tensors the raw weights have, and the names of those that the artifact holds otherwise.

    The raw weights are quantized again: an artifact that was made by the format's own rounding is equal bit by bit.
    """
    state = _tensors(raw)
    if not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise Refused("ART_TYPE", "the raw file is no plain state dict")
    wanted, found = quantize(state, keep_fp32), _tensors(tree)
    differ = set()
    for section in ("quantized", "scales", "passthrough"):
        for name in wanted[section].keys() | found[section].keys():
            ours, theirs = wanted[section].get(name), found[section].get(name)
            if ours is None or theirs is None or ours.dtype != theirs.dtype or not torch.equal(ours, theirs):
                differ.add(name)
    for section in ("dtypes", "qmeta", "passthrough_orig_dtypes"):
        ours, theirs = wanted.get(section, {}), found.get(section, {})
        differ |= {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
    differ |= found.keys() - wanted.keys() - _OPTIONAL  # what the format does not write
    return len(state), tuple(sorted(differ))


def config_of(shapes: shape.Shapes, options: Mapping[str, Any]) -> GPTConfig:
    """Return the model's configuration: its sizes from the tensors' shapes, `options` for what they do not tell.

    Refused (ART_KEYS, ART_SHAPE) unless the tensors are exactly those of such a model.
    """
    try:
        config = GPTConfig(**shape.infer(shapes), **options)  # type: ignore[arg-type]
        with torch.device("meta"):  # shapes without memory; the positions of its tables matter to no shape
            model = GPT(replace(config, train_seq_len=1))
    except ValueError as error:
        raise Refused("ART_SHAPE", str(error)) from None
    shape.check(shapes, {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    return config
