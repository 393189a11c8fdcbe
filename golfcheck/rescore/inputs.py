"""The tokenizer and the validation shards that a score is made on: where they are, and that they are the right ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath

from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.datacheck import BadFile, check, find_shards, find_tokenizer, vocab_of
from golfcheck.reference import data
from golfcheck.rescore.report import FileDigest

STANDARD = Path("data")  # where `golfcheck data` puts them: data/datasets/NAME and data/tokenizers
_HELP = "give --data DIR and --tokenizer MODEL, or get some with `golfcheck data get` or `golfcheck data demo`"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What to score on, and who said so."""

    tokenizer: Path
    shards: tuple[Path, ...]
    source: str


def find(folder: Path | None, tokenizer: Path | None, log: dict[str, str], vocab_size: int) -> Inputs:
    """Return the validation shards and the tokenizer: those given, else those of the log's dataset, else standard ones.

    Of a log, which a stranger wrote, only names are taken, and looked for in the standard folders.
    """
    source = "--data" if folder else ""
    shards = _validation(folder) if folder else {}
    if not folder and STANDARD.is_dir():
        there = _validation(STANDARD)
        named = PurePath(log.get("data_path") or log.get("train_loader", "").removeprefix("dataset:")).name
        shards = {path: files for path, files in there.items() if path.name == named}
        source = f"{STANDARD}/, the dataset that the log names"
        if not shards:
            shards = {path: files for path, files in there.items() if vocab_of(path.name) == vocab_size}
            source = f"{STANDARD}/, the only dataset of {vocab_size} pieces"
    if len(shards) != 1:
        found = f"{len(shards)} datasets fit ({', '.join(map(str, shards))})" if shards else "found none that fit"
        raise UsageError(f"rescore needs the validation shards of {vocab_size} pieces: {found}; {_HELP}")
    place, files = next(iter(shards.items()))
    model = tokenizer or _tokenizer(place, log)
    if model is None:
        raise UsageError(f"rescore needs the tokenizer of {place}: found none that fits; {_HELP}")
    return Inputs(model, tuple(files), source)


def _validation(folder: Path) -> dict[Path, list[Path]]:
    """Return the validation shards of each dataset in `folder`."""
    return {
        place: files
        for place, paths in find_shards(folder).items()
        if (files := [path for path in paths if path.name.startswith("fineweb_val_")])
    }


def _tokenizer(place: Path, log: dict[str, str]) -> Path | None:
    name = PurePath(log.get("tokenizer_path", "")).name
    for folder in (place, place.parent.parent / "tokenizers"):
        if name and (folder / name).is_file():
            return folder / name
    return find_tokenizer(place)


def verify(inputs: Inputs, log: dict[str, str], vocab_size: int) -> tuple[FileDigest, tuple[FileDigest, ...]]:
    """Return the digests of tokenizer and shards.

    Raises Refused for a tokenizer that must not be loaded here (it is tried in a child process first), and
    GolfcheckError where the log's run used other files: no score on these could be compared with its.
    """
    for report in check(inputs.tokenizer, [], vocab_size):
        if isinstance(report, BadFile):
            raise Refused(report.code, f"{report.path}: {report.message}")
    tokenizer = digest(inputs.tokenizer)
    shards = tuple(map(digest, inputs.shards))
    ours = {"tokenizer_sha256": tokenizer.sha256, "val_shards_sha256": data.digest(inputs.shards)}
    for name, sha256 in ours.items():
        if log.get(name, sha256) != sha256:
            what = f"the log's {name.removesuffix('_sha256').replace('_', ' ')} has sha256 {log[name][:16]}"
            raise GolfcheckError(
                f"{what}…, the one here {sha256[:16]}…: scores on other data cannot be compared; {_HELP}"
            )
    return tokenizer, shards


def digest(path: Path) -> FileDigest:
    """Return the size and sha256 of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileDigest(str(path), path.stat().st_size, sha256)
