"""Find the tokenizer and the validation shards to score on, and check that they are the right ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy.typing as npt

from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.core.numbers import percent_text
from golfcheck.core.ruleset import VAL_BEGINNINGS, VAL_BEGINNINGS_VOCAB, VAL_TEXT_BYTES, VAL_TEXT_TOLERANCE
from golfcheck.datacheck import BadFile, TokenizerReport, check, find_shards, find_tokenizer, vocab_of
from golfcheck.reference import data
from golfcheck.rescore.report import FileDigest

STANDARD = Path("data")  # where `golfcheck data` puts them: data/datasets/NAME and data/tokenizers
_SHOWN = 4
_HELP = "give --data DIR and --tokenizer MODEL, or get some with `golfcheck data get` or `golfcheck data demo`"


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to score on, and what selected them."""

    tokenizer: Path
    shards: tuple[Path, ...]
    source: str


def find(
    folder: Path | None, tokenizer: Path | None, log: dict[str, str], vocab_size: int, record: Path | None = None
) -> Inputs:
    """Return the validation shards and the tokenizer: those given, else those of the log's dataset, else standard ones.

    A log is untrusted: only names are taken from it, and looked up in the standard folders. Raises UsageError if
    nothing fits, and for data inside the `record` that is scored: a submission must not choose its own validation data.
    """
    source = "--data" if folder else ""
    shards = _validation(folder) if folder else {}
    if not folder and STANDARD.is_dir():
        datasets = _validation(STANDARD)
        named = PurePath(log.get("data_path") or log.get("train_loader", "").removeprefix("dataset:")).name
        shards = {path: files for path, files in datasets.items() if path.name == named}
        source = f"{STANDARD}/, the dataset that the log names"
        if not shards:
            shards = {path: files for path, files in datasets.items() if vocab_of(path.name) == vocab_size}
            source = f"{STANDARD}/, the only dataset of {vocab_size} pieces"
    if len(shards) != 1:
        names = ", ".join(map(str, [*shards][:_SHOWN]))
        candidates = f"{len(shards)} datasets fit ({names})" if shards else "found none that fit"
        raise UsageError(f"rescore needs the validation shards of {vocab_size} pieces: {candidates}; {_HELP}")
    dataset, files = next(iter(shards.items()))
    model = tokenizer or _tokenizer(dataset, log)
    if model is None:
        raise UsageError(f"rescore needs the tokenizer of {dataset}: found none that fits, or several; {_HELP}")
    for path in (*files, model):
        if record is not None and path.resolve().is_relative_to(record.resolve()):
            raise UsageError(
                f"rescore: {path} lies in the submission, which must not be judged on its own data; {_HELP}"
            )
    return Inputs(model, tuple(files), source)


def _validation(folder: Path) -> dict[Path, list[Path]]:
    """Return the validation shards of each dataset in `folder`."""
    return {
        dataset: files
        for dataset, paths in find_shards(folder).items()
        if (files := [path for path in paths if path.name.startswith("fineweb_val_")])
    }


def _tokenizer(dataset: Path, log: dict[str, str]) -> Path | None:
    name = PurePath(log.get("tokenizer_path", "")).name
    for folder in (dataset, dataset.parent.parent / "tokenizers"):
        if name and (folder / name).is_file():
            return folder / name
    return find_tokenizer(dataset)


def verify(inputs: Inputs, log: dict[str, str], vocab_size: int) -> tuple[FileDigest, tuple[FileDigest, ...]]:
    """Return the digests of the tokenizer and the shards.

    Raises Refused for a tokenizer that must not be loaded here (a child process tries it first), and GolfcheckError if
    the log's run used other files, because scores on different data cannot be compared.
    """
    for report in check(inputs.tokenizer, inputs.shards[:1], None, beginnings=True):
        if isinstance(report, BadFile):
            raise Refused(report.code, f"{report.path}: {report.message}")
        if isinstance(report, TokenizerReport) and report.pieces != vocab_size:
            raise Refused(
                "TOK_VOCAB",
                f"the model's vocab_size is {vocab_size:,}, but {report.path} has {report.pieces:,} pieces: "
                "give the --data and --tokenizer that it was trained with",
            )
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


def check_bytes(inputs: Inputs, tokens: data.Tokens, num_bytes: npt.NDArray[Any]) -> None:
    """Refuse (TOK_DATA) a tokenizer by which the contest's own tokens have another number of bytes [n].

    For example, replacing each "e" in the pieces by a two-byte letter leaves the tokens unchanged, but there are more
    bytes to divide the loss by, which lowers the score.
    """
    if (beginning := _beginning(tokens)) is None:
        return
    count, text_bytes = beginning
    if (counted := int(num_bytes[: count - 1].sum())) != text_bytes:
        what = f"not the contest's tokenizer: {count - 1:,} tokens of its validation text have {text_bytes:,} bytes"
        raise Refused("TOK_DATA", f"{inputs.tokenizer}: {what}, with this one {counted:,}")


def _beginning(tokens: data.Tokens) -> tuple[int, int] | None:
    """Return how many tokens at a text's beginning are proven to be the contest's, and their bytes; else None."""
    for count, sha256, text_bytes in VAL_BEGINNINGS:
        if tokens.size >= count and hashlib.sha256(tokens[:count].astype("<u2").tobytes()).hexdigest() == sha256:
            return count, text_bytes
    return None


def words(tokens: data.Tokens, text_bytes: int, vocab_size: int) -> str:
    """Describe the text that was scored: the contest's whole validation split, its beginning, or neither."""
    beginning, share = _beginning(tokens), text_bytes / VAL_TEXT_BYTES
    is_comparable = vocab_size == VAL_BEGINNINGS_VOCAB
    if abs(share - 1) <= VAL_TEXT_TOLERANCE:
        also = "; its tokens cannot be verified here"
        if beginning is not None:
            also = f", and the same first {beginning[0]:,} tokens; the rest cannot be verified here"
        elif is_comparable:
            also = f", but not the tokens of the contest's {vocab_size:,}-piece tokenizer"
        return f"as many bytes as the contest's whole validation text{also}"
    if beginning is not None:
        verified = beginning[0]
        if verified == tokens.size:
            return f"the beginning of the contest's validation text, {percent_text(share, 2)} of its bytes"
        which = f"the first {verified:,} of its {tokens.size:,} tokens"
        return f"begins like the contest's validation text ({which}); {percent_text(share, 2)} of its bytes"
    if not is_comparable:
        return (
            f"not verified as the contest's validation text: only its tokens of {VAL_BEGINNINGS_VOCAB} pieces are known"
        )
    if tokens.size < VAL_BEGINNINGS[-1][0]:
        return "too short to tell whether it is the contest's validation text"
    return "does not begin like the contest's validation text in the contest's own tokens"


def digest(path: Path) -> FileDigest:
    """Return the size and sha256 of a file."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileDigest(str(path), path.stat().st_size, sha256)
