"""Finding what belongs together by name: datasets in a folder, and the tokenizer of each."""

import re
from pathlib import Path

from golfcheck.core.errors import UsageError


def find_shards(folder: Path) -> dict[Path, list[Path]]:
    """Return the shards of each dataset in `folder`: in it, in its `datasets/*`, or in its own subfolders."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: a file; expected the folder with the shards fineweb_*.bin")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder: make data with `golfcheck data demo` or `golfcheck data get`")
    folders = [folder, *sorted(path for path in folder.glob("datasets/*")), *sorted(path for path in folder.glob("*"))]
    datasets = {path: sorted(path.glob("fineweb_*.bin")) for path in folders if path.is_dir()}
    datasets = {path: shards for path, shards in datasets.items() if shards}
    if not datasets:
        raise UsageError(f"{folder}: no shards fineweb_*.bin in it, nor in its datasets/*/")
    return datasets


def vocab_of(name: str) -> int | None:
    """Return the vocabulary that a dataset's name announces: `fineweb10B_sp1024` has 1,024 pieces."""
    match = re.search(r"_sp([0-9]{1,5})(?![0-9])", name)
    return int(match[1]) if match else None


def find_tokenizer(folder: Path) -> Path | None:
    """Return the one tokenizer that the name of the dataset in `folder` fits, or None.

    It is looked for beside the shards and in `../../tokenizers`.
    """
    models = [*sorted(folder.glob("*.model")), *sorted(folder.parent.parent.glob("tokenizers/*.model"))]
    prefix = folder.name.partition("_")[0].removesuffix("10B")
    vocab = str(vocab_of(folder.name))
    fitting = [model for model in models if model.name.startswith(prefix) and vocab in re.findall("[0-9]+", model.name)]
    chosen = fitting if len(models) > 1 else models
    return chosen[0] if len(chosen) == 1 else None
