"""Judge the shards of a dataset together: leaked documents, repeated and missing shards, text without documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from golfcheck.core.numbers import counted, percent_text
from golfcheck.datacheck import BadFile, DataWarning, ShardReport, SplitOverlap
from golfcheck.datacheck.find import missing_numbers, split_of
from golfcheck.datacheck.fingerprints import BEGINNING_TOKENS

# Web text repeats itself: pages are crawled more than once, and the contest's text is deduplicated only within a crawl.
# A larger share of the validation documents does not get into the training split by chance.
LEAST_LEAKED = 0.02


def judge(
    folder: Path, shards: Sequence[Path], reports: Sequence[ShardReport], overlap: SplitOverlap | None
) -> Iterator[BadFile | DataWarning]:
    """Yield problems of the shards of `folder` together, given the reports on each and on their overlap.

    In the validation split they are errors, because a score would be of a different text; in the training split,
    warnings.
    """
    for split, what in (("val", "validation"), ("train", "training")):
        for missing in missing_numbers(shards, split):
            yield _of_split(split, folder, "SHARD_MISSING", f"lacks {missing} of the {what} shards")
    first: dict[str, ShardReport] = {}
    for report in reports:
        if (same := first.setdefault(report.digest, report)) is not report:
            message = f"has the same tokens as {Path(same.path).name}"
            yield _of_split(split_of(Path(report.path)), Path(report.path), "SHARD_TWICE", message)
    for split, what in (("val", "validation"), ("train", "training")):
        counts = [report.documents for report in reports if split_of(Path(report.path)) == split]
        if any(count is not None for count in counts) and not any(counts):
            message = "expected a control piece such as <s> before each; without it, a score miscounts bytes"
            yield DataWarning(str(folder), f"no document starts in the {what} shards: {message}")
    for report in reports:
        if not report.unknown:
            continue
        message = f"{counted(report.unknown, 'unknown piece')} (<unk>), whose text no score counts"
        yield DataWarning(report.path, message)
    if overlap is not None and overlap.shared:
        yield _leak(folder, overlap)


def _leak(folder: Path, overlap: SplitOverlap) -> BadFile | DataWarning:
    by = f"judging by their first {BEGINNING_TOKENS} tokens"
    message = f"{overlap.shared:,} of {overlap.validation:,} validation documents are in the training shards ({by})"
    if overlap.shared < LEAST_LEAKED * overlap.validation:
        return DataWarning(
            str(folder), f"{message}: below {percent_text(LEAST_LEAKED)}, as in web text that repeats itself"
        )
    return BadFile(
        str(folder), "VAL_IN_TRAIN", f"{message}: a model trained on them is scored on text that it has seen"
    )


def _of_split(split: str, path: Path, code: str, message: str) -> BadFile | DataWarning:
    return BadFile(str(path), code, message) if split == "val" else DataWarning(str(path), message)
