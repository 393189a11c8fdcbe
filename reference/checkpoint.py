"""Checkpoints: reading one back, and refusing one that belongs to another run."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def read(path: Path) -> dict[str, Any]:
    """Return a checkpoint; ValueError where there is none."""
    try:
        # With weights_only a file can hold tensors and numbers, but no code that loading would run.
        state = torch.load(path, map_location="cpu", weights_only=True)
        state["ranks"], state["settings"], state["step"], state["place"]
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError):
        raise ValueError(f"{path} is not there, or no checkpoint of this trainer") from None
    return dict(state)


def check(path: Path, state: Mapping[str, Any], ours: Mapping[str, Any], names: list[str]) -> None:
    """Raise ValueError, naming the variable, unless a checkpoint's settings are ours in these names."""
    # Rates and caps may differ, which is what one resumes for; with another shape or split nothing would fit together.
    theirs = state["settings"] | {"world_size": len(state["ranks"])}
    for name in names:
        if theirs.get(name) != ours[name]:
            raise ValueError(f"{path} is of a run with {name.upper()} {theirs.get(name)}, not {ours[name]}")


def of_rank(state: Mapping[str, Any], rank: int) -> dict[str, Any]:
    """Return what only this rank had: its part of Muon's momentum and its random numbers."""
    return dict(torch.load(io.BytesIO(state["ranks"][rank]), map_location="cpu", weights_only=True))
