"""Select the files of one variant in the contest's dataset repository, by its manifest or by their names."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.suggest import suggestion

ROOT = "datasets"  # of the export inside the repository
MANIFEST = f"{ROOT}/manifest.json"
MAX_SHARDS = 10_000  # of a split: their names have six digits, the largest export has 195


@dataclass(frozen=True, slots=True)
class VariantFiles:
    """The paths of one variant in the repository; the tokenizer's model comes first."""

    dataset: str
    tokenizer: tuple[str, ...]
    val: tuple[str, ...]
    train: tuple[str, ...]  # all that are published


def select_by_manifest(dataset: str, data: bytes) -> VariantFiles:
    """Read a manifest: `datasets` with name, tokenizer_name and stats, `tokenizers` with name and paths."""
    try:
        manifest = json.loads(data)
        entries = {entry["name"]: entry for entry in manifest["datasets"]}
        if dataset not in entries:
            raise _unknown_variant(dataset, entries)
        entry = entries[dataset]
        tokenizers = {tokenizer["name"]: tokenizer for tokenizer in manifest["tokenizers"]}
        tokenizer = tokenizers[entry["tokenizer_name"]]
        models = [tokenizer[key] for key in ("model_path", "vocab_path") if tokenizer.get(key)]
        counts = {split: min(int(entry["stats"][f"files_{split}"]), MAX_SHARDS) for split in ("val", "train")}
        shards = {
            split: tuple(f"{ROOT}/datasets/{dataset}/fineweb_{split}_{i:06d}.bin" for i in range(count))
            for split, count in counts.items()
        }
        paths = tuple(f"{ROOT}/{model}" for model in models)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GolfcheckError(f"data get: cannot read {MANIFEST}: {type(error).__name__}: {error}") from None
    if not models or not shards["val"]:
        raise GolfcheckError(
            f"data get: the manifest names no SentencePiece model, or no validation shard, of {dataset}"
        )
    return _checked(VariantFiles(f"datasets/{dataset}", paths, shards["val"], shards["train"]))


def select_by_name(dataset: str, paths: Sequence[str]) -> VariantFiles:
    """Find a dataset's shards and the tokenizer with its vocabulary size among all paths of the export."""
    folder, size = f"{ROOT}/datasets/{dataset}/", dataset.rpartition("_sp")[2]
    val, train = (
        tuple(sorted(path for path in paths if path.startswith(f"{folder}fineweb_{split}_") and path.endswith(".bin")))
        for split in ("val", "train")
    )
    if not val:
        prefix = f"{ROOT}/datasets/"
        folders = {path.removeprefix(prefix).partition("/")[0] for path in paths if path.startswith(prefix)}
        raise _unknown_variant(dataset, sorted(folders))
    models = [f"{ROOT}/tokenizers/fineweb_{size}_bpe{suffix}" for suffix in (".model", ".vocab")]
    if models[0] not in paths:
        raise UsageError(f"data get: the repository has shards of {dataset}, but no tokenizer {models[0]} for them")
    return _checked(VariantFiles(f"datasets/{dataset}", tuple(path for path in models if path in paths), val, train))


def _unknown_variant(dataset: str, datasets: Iterable[str]) -> UsageError:
    """Return the error for an unknown variant, with the variants that exist."""
    variant = dataset.removeprefix("fineweb10B_")
    variants = [name.partition("_")[2] for name in datasets if "_" in name]
    listed = f"the repository has {', '.join(variants)}" if variants else "the repository has none"
    return UsageError(f"data get: unknown variant {variant!r}: {listed}{suggestion(variant, variants)}")


def _checked(selection: VariantFiles) -> VariantFiles:
    """Refuse paths outside of the output folder."""
    for path in (*selection.tokenizer, *selection.val, *selection.train):
        if (
            ".." in PurePosixPath(path).parts
            or not path.startswith(f"{ROOT}/")
            or "\\" in path
            or not path.isprintable()
        ):
            raise GolfcheckError(f"data get: the repository names the path {path!r}, which is refused")
    return selection
