"""What only all shards of a dataset together show: leaked, repeated and missing ones, and text without documents."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from golfcheck.datacheck import BadFile, DataWarning, Overlap, ShardReport
from golfcheck.datacheck.find import missing_numbers, split_of
from golfcheck.datacheck.fingerprints import BEGINNING_TOKENS

# Web text repeats itself: pages are crawled again, and the contest's text is deduplicated within a crawl only. A text
# of which so much stands in the training split did not come there by chance.
LEAST_LEAKED = 0.02


def judge(
    folder: Path, shards: Sequence[Path], reports: Sequence[ShardReport], overlap: Overlap | None
) -> Iterator[BadFile | DataWarning]:
    """Yield what is wrong with the shards of `folder` together, given what was reported of each and of their overlap.

    Of the validation split it is bad, for a score would be of another text; of the training split, a warning.
    """
    for split, what in (("val", "validation"), ("train", "training")):
        for missing in missing_numbers(shards, split):
            yield _of_split(split, folder, "SHARD_MISSING", f"lacks {missing} of the {what} shards")
    first: dict[str, ShardReport] = {}
    for report in reports:
        if (same := first.setdefault(report.digest, report)) is not report:
            message = f"holds the same tokens as {Path(same.path).name}"
            yield _of_split(split_of(Path(report.path)), Path(report.path), "SHARD_TWICE", message)
    for split, what in (("val", "validation"), ("train", "training")):
        counts = [report.documents for report in reports if split_of(Path(report.path)) == split]
        if any(count is not None for count in counts) and not any(counts):
            message = "expected a control piece, as <s>, before each, so bytes at their beginnings are miscounted"
            yield DataWarning(str(folder), f"no document begins in the {what} shards: {message}")
    unknown = [report for report in reports if report.unknown]
    for report in unknown:
        message = f"{report.unknown:,} unknown pieces <unk>: the text that they stand for is in no score"
        yield DataWarning(report.path, message)
    if overlap is not None and overlap.shared:
        yield _leak(folder, overlap)


def _leak(folder: Path, overlap: Overlap) -> BadFile | DataWarning:
    by = f"by their first {BEGINNING_TOKENS} tokens"
    message = f"{overlap.shared:,} of {overlap.validation:,} validation documents are in the training shards, {by}"
    if overlap.shared < LEAST_LEAKED * overlap.validation:
        return DataWarning(str(folder), f"{message}: fewer than {LEAST_LEAKED:.0%}, web text repeats itself")
    return BadFile(str(folder), "VAL_IN_TRAIN", f"{message}: a model trained on them has seen what it is scored on")


def _of_split(split: str, path: Path, code: str, message: str) -> BadFile | DataWarning:
    return BadFile(str(path), code, message) if split == "val" else DataWarning(str(path), message)
