"""The kind of a submission's file, by its name."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from golfcheck.submission.identity import SUBMISSION_FILE

_ARTIFACT_SUFFIXES = {
    *(".ptz", ".pt", ".pth", ".ckpt", ".safetensors", ".npz", ".npy", ".bin"),
    *(".xz", ".lzma", ".zst", ".br", ".gz", ".zip"),
}
NO_LOG = re.compile(r"(?:requirements|readme|license|notes?|todo)[^/]*\.txt", re.IGNORECASE)


def other_submissions(paths: Sequence[str]) -> list[str]:
    """Return the folders, with their slash, that are submissions of their own: a submission file and a README each."""
    folders = {path.rpartition("/")[0] for path in paths if SUBMISSION_FILE.fullmatch(path.rpartition("/")[2])}
    readmes = {path.rpartition("/")[0] for path in paths if path.rpartition("/")[2].lower().startswith("readme")}
    own = "" in folders
    return [f"{folder}/" for folder in sorted(folders & readmes) if folder and own]


def is_left_behind(path: str) -> bool:
    """Whether a file was left behind by a system or an editor: hidden, or a backup copy."""
    parts = path.split("/")
    return any(part.startswith(".") for part in parts) or parts[-1].endswith("~") or parts[-1].startswith("#")


def is_artifact(path: str) -> bool:
    """Whether a file is a model, judging by its name."""
    return PurePosixPath(path).suffix.lower() in _ARTIFACT_SUFFIXES


def may_be_log(path: str) -> bool:
    """Whether a file may be a log, so that it is read to find out."""
    name = PurePosixPath(path)
    if name.suffix.lower() in (".log", ".out"):
        return True
    return name.suffix.lower() == ".txt" and not NO_LOG.fullmatch(name.name)
