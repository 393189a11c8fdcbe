"""Find datasets in a folder, and the tokenizer of each, by their names."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from golfcheck.core.errors import UsageError

_SHARD = re.compile(r"fineweb_(train|val)_(?:([0-9]{1,18})\.bin$)?")


def find_shards(folder: Path) -> dict[Path, list[Path]]:
    """Return the shards of each dataset in `folder`: in it, in its `datasets/*`, or in its own subfolders.

    Validation shards come first, because their documents are looked up in the training shards.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: a file; expected the folder with the shards fineweb_*.bin")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder: make data with `golfcheck data demo` or `golfcheck data get`")
    folders = [folder, *sorted(path for path in folder.glob("datasets/*")), *sorted(path for path in folder.glob("*"))]
    datasets = {path: sorted(path.glob("fineweb_*.bin"), key=_order) for path in folders if path.is_dir()}
    datasets = {path: shards for path, shards in datasets.items() if shards}
    if not datasets:
        raise UsageError(f"{folder}: no shards fineweb_*.bin in it, nor in its datasets/*/")
    return datasets


def _order(shard: Path) -> tuple[bool, str]:
    return split_of(shard) != "val", shard.name


def split_of(shard: Path) -> str:
    """Return the split that a shard's name states, "val" or "train"; "" for neither."""
    match = _SHARD.match(shard.name)
    return match[1] if match else ""


def missing_numbers(shards: Sequence[Path], split: str) -> list[str]:
    """Return the names that are missing in the sequence 0, 1, 2, … of a split's shards; of a longer gap, both ends."""
    numbers = sorted(int(match[2]) for shard in shards if (match := _SHARD.fullmatch(shard.name)) and match[1] == split)
    missing = []
    for last, number in pairwise([-1, *numbers]):
        if number > last + 1:
            names = dict.fromkeys(f"fineweb_{split}_{i:06d}.bin" for i in (last + 1, number - 1))
            missing.append(" to ".join(names))
    return missing


def vocab_of(name: str) -> int | None:
    """Return the vocabulary that a dataset's name announces: `fineweb10B_sp1024` has 1,024 pieces."""
    match = re.search(r"_sp([0-9]{1,5})(?![0-9])", name)
    return int(match[1]) if match else None


def find_tokenizer(folder: Path) -> Path | None:
    """Return the one tokenizer that matches the name of the dataset in `folder`, or None.

    Searches next to the shards and in `../../tokenizers`.
    """
    models = [*sorted(folder.glob("*.model")), *sorted(folder.parent.parent.glob("tokenizers/*.model"))]
    models = [
        model for model in models if not model.name.startswith(".")
    ]  # such as ._x.model, which macOS leaves behind
    prefix = folder.name.partition("_")[0].removesuffix("10B")
    vocab = str(vocab_of(folder.name))
    fitting = [model for model in models if model.name.startswith(prefix) and vocab in re.findall("[0-9]+", model.name)]
    chosen = fitting if len(models) > 1 else models
    return chosen[0] if len(chosen) == 1 else None
