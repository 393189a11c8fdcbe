"""What a branch changes besides the record; known only if `--base` names the revision that it left."""

from collections.abc import Iterator

from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, WARNING, Context, Skip, rule
from golfcheck.submission.identity import DATED_FOLDER
from golfcheck.submission.record import Record

_SHOWN = 20
_DONE = {"A": "added", "M": "changed", "D": "deleted", "T": "replaced"}


def _record_of(path: str) -> str | None:
    """Return the folder of the record that a changed file belongs to, by its name or the track above it."""
    parts = path.split("/")[:-1]
    for index, part in enumerate(parts):
        if DATED_FOLDER.fullmatch(part) or (index and parts[index - 1].startswith("track_")):
            return part
    return None


@rule(ERROR)
def foreign_files_touched(record: Record, ctx: Context) -> Iterator[Problem]:
    """The branch changes files outside the record's folder.

    A submission adds exactly one folder under records/ and touches nothing else; links and submodules lead outside.
    Changing a file of an existing record is a warning, because that may be a repair.
    Example: (record): README.md is changed: it is not in this record's folder
    Fix: move everything else to another pull request, and commit regular files only.
    """
    if ctx.branch is None:
        raise Skip("what the branch changes is known only with --base REF")
    outside = ctx.branch.outside(record.path)
    for change in outside[:_SHOWN]:
        other = _record_of(change.path)
        where = f"it is in the record {other}" if other else "it is not in this record's folder"
        yield Problem(f"{change.path} is {_DONE.get(change.status, 'changed')}: {where}")
    if len(outside) > _SHOWN:
        yield Problem(f"{len(outside) - _SHOWN} more files outside this record's folder are changed")
    for change in ctx.branch.inside(record.path):
        if change.special:
            yield Problem(f"{change.path} is {change.special}")
        elif change.status != "A":
            was = _DONE.get(change.status, "changed")
            yield Problem(f"{change.path} existed before and is {was}", severity=WARNING)
