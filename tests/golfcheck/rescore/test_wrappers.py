"""Artifacts of a wrapped model, whose tensor names have a prefix, are read as if it had not been wrapped."""

import pytest

from golfcheck.rescore.wrappers import unwrapped, unwrapped_state

PLAIN = {
    "quantized": {"a.weight": 1, "b": 2},
    "scales": {"a.weight": 3, "b": 4},
    "dtypes": {"a.weight": "float32", "b": "float32"},
    "passthrough": {"c": 5},
    "model_config": {"rope_base": 1.0},
}


def prefixed(prefix: str) -> dict[str, dict[str, object]]:
    return {
        section: values if section == "model_config" else {prefix + name: value for name, value in values.items()}
        for section, values in PLAIN.items()
    }


@pytest.mark.parametrize(
    ("prefix", "wrappers"),
    [
        ("_orig_mod.", "torch.compile"),
        ("module.", "DistributedDataParallel"),
        ("module._orig_mod.", "DistributedDataParallel and torch.compile"),
        ("_orig_mod.module.", "torch.compile and DistributedDataParallel"),
    ],
)
def test_a_prefix_of_all_names_is_removed_and_explained(prefix: str, wrappers: str) -> None:
    tree, note = unwrapped(prefixed(prefix))
    assert tree == PLAIN
    assert note == f"all tensors' names begin with {prefix!r}, put there by {wrappers}: read without it"
    assert unwrapped_state(prefixed(prefix)["passthrough"]) == PLAIN["passthrough"]


def test_a_prefix_of_some_names_is_part_of_them() -> None:
    tree = prefixed("module.") | {"passthrough": {"c": 5}}
    assert unwrapped(tree) == (tree, "")
    assert unwrapped(PLAIN) == (PLAIN, "")
    assert unwrapped({}) == ({}, "")
    assert unwrapped_state({}) == {}
