"""Prefixes of tensor names that come from saving a wrapped model: `module._orig_mod.blocks.0.attn_scale`."""

from collections.abc import Collection, Mapping
from typing import Any

from golfcheck.rescore.sound import ALL_SECTIONS

_WRAPPERS = {"_orig_mod.": "torch.compile", "module.": "DistributedDataParallel"}


def unwrapped(tree: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return an artifact's tree without the prefix that all its tensors share, and the wrapper that added it, or ""."""
    sections = {name: tree[name] for name in ALL_SECTIONS if isinstance(tree.get(name), Mapping)}
    prefix, wrappers = _prefix_of([name for section in sections.values() for name in section])
    if not prefix:
        return dict(tree), ""
    stripped = {name: without(section, prefix) for name, section in sections.items()}
    return {**tree, **stripped}, f"all tensors' names begin with {prefix!r}, put there by {wrappers}: read without it"


def without(tensors: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return a dict whose keys all begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def unwrapped_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state dict without the prefix that all its tensors have."""
    return without(state, _prefix_of(state.keys())[0])


def _prefix_of(names: Collection[str]) -> tuple[str, str]:
    prefix, wrappers = "", []
    while names:
        wrapper = next((w for w in _WRAPPERS if all(name.startswith(prefix + w) for name in names)), None)
        if wrapper is None:
            break
        prefix += wrapper
        wrappers.append(_WRAPPERS[wrapper])
    return prefix, " and ".join(wrappers)
