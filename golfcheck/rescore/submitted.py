"""A folder with a predictor.py → for each seed its claim and the files that are copied into the box.

Those files are the submission: code, artifact, everything but documents. Their total size is the submission's size.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.rescore import target
from golfcheck.rescore.report import Claim
from golfcheck.rescore.target import Target
from golfcheck.submission import bounded
from golfcheck.submission.identity import SUBMISSION_FILE, stated_seed
from golfcheck.submission.record import Record, RecordFile, load
from golfcheck.trainlog import choose_score

NAME = "predictor.py"
# What people read, and what states the claim: not shown, and not counted.
_DOCUMENTS = re.compile(
    r"(?:.*/)?(?:[^/]*\.(?:md|rst|log|out|ipynb|html|pdf|png|jpe?g|svg|gif)|license[^/]*|"
    r"requirements[^/]*\.txt|readme[^/]*|\.git[^/]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """One seed of a submission: its claim, the files that its predictor sees, and those that it does not."""

    target: Target
    files: tuple[tuple[str, bytes], ...]  # path inside the folder, contents
    not_shown: tuple[str, ...]
    folder: Path

    @property
    def path(self) -> str:
        """The name in messages: the path of predictor.py, and the seed if there is one."""
        return f"{self.folder / NAME}" + (f" (seed {self.target.seed})" if self.target.seed is not None else "")


def folder_of(path: Path) -> Path | None:
    """Return the folder with a predictor.py that `path` names, directly or by a file in it; else None."""
    folder = path if path.is_dir() else path.parent
    if not (folder / NAME).is_file() and path.is_dir():
        below = target.records_below(path)
        folder = below[0] if len(below) == 1 else folder
    return folder if (folder / NAME).is_file() else None


def find(path: Path, folder: Path, claim: Claim | None, log: Path | None, limit_bytes: int) -> list[Submitted]:
    """Return the seeds to score in a folder: all, or only the one whose artifact is `path`.

    Raises UsageError if one claim or log is given for several seeds, and Refused (BOX_SIZE) if the box would show
    more than `limit_bytes`.
    """
    record = load(folder)
    seeds = list(_seeds(record, path.name if path.is_file() and path.name != NAME else None, limit_bytes))
    if not seeds:
        raise UsageError(f"{path}: not a file that {folder / NAME} sees; give the folder, or --built-in")
    if len(seeds) > 1 and (claim is not None or log is not None):
        names = ", ".join(item.target.path for item in seeds[:8])
        raise UsageError(f"{path}: {len(seeds)} artifacts, but one --claim or --log: name one of {names}")
    targets = target.noted([item.target for item in seeds])
    return [replace(item, target=target.claimed(one, claim, log)) for item, one in zip(seeds, targets, strict=True)]


def _seeds(record: Record, only: str | None, limit_bytes: int) -> Iterator[Submitted]:
    logs = {log.path for log in record.logs}
    shown = [file for file in record.files if file.path not in logs and not _is_document(file.path)]
    of_seeds = [file for file in record.artifacts if file in shown and stated_seed(file.path) is not None]
    several = len({stated_seed(file.path) for file in of_seeds}) > 1
    problems = [f"{item.problem.path}: {item.problem.message}" for item in record.problems if item.problem.path]
    scores = list(choose_score(record.logs).scores)
    for artifact in of_seeds if several else [_largest(record, shown)]:
        if only not in (None, artifact.path):
            continue
        others = {file.path for file in of_seeds if file != artifact} if several else set()
        files = [file for file in shown if file.path not in others]
        _check_size(record.path, files, limit_bytes)
        hidden = sorted({file.path for file in record.files} - {file.path for file in files})
        contents = _read(record, files)
        data = dict(contents)[artifact.path]
        irregular = [text for text in problems if text.partition(":")[0] not in {file.path for file in record.files}]
        yield Submitted(
            target.of_record(record, artifact, data, scores), tuple(contents), (*hidden, *irregular), record.path
        )  # fmt: skip


def _is_document(path: str) -> bool:
    return bool(_DOCUMENTS.fullmatch(path) or SUBMISSION_FILE.fullmatch(path.rpartition("/")[2]))


def _largest(record: Record, shown: list[RecordFile]) -> RecordFile:
    """Return the file that represents the submission: its largest artifact, or else predictor.py."""
    artifacts = [file for file in record.artifacts if file in shown]
    default = next(file for file in shown if file.path == NAME)
    return max(artifacts, key=lambda file: file.size_bytes, default=default)


def _check_size(folder: Path, files: list[RecordFile], limit_bytes: int) -> None:
    total = sum(file.size_bytes for file in files)
    if total <= limit_bytes:
        return
    largest = sorted(files, key=lambda file: -file.size_bytes)[:3]
    names = ", ".join(f"{PurePosixPath(file.path)} {file.size_bytes:,}" for file in largest)
    raise Refused(
        "BOX_SIZE",
        f"{folder}: {NAME} would see {total:,} bytes, which is the submission's size, and the cap is {limit_bytes:,}: "
        f"move away what it does not need ({names}), or give --max-bytes",
    )


def _read(record: Record, files: list[RecordFile]) -> list[tuple[str, bytes]]:
    contents = []
    with bounded.opened(record.path) as folder:
        for file in files:
            try:
                data, is_whole = bounded.read(folder, file.path, file.size_bytes)
            except bounded.UnreadableError as error:
                raise GolfcheckError(f"{record.path / file.path}: {error}; expected a plain file") from None
            if not is_whole:
                raise GolfcheckError(f"{record.path / file.path}: it grows while it is read; wait until it is written")
            contents.append((file.path, data))
    return contents
