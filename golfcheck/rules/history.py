"""What a branch changes beside the record: known only where `--base` names what it left."""

from collections.abc import Iterator

from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, WARNING, Context, Skip, rule
from golfcheck.submission.record import Record

_SHOWN = 20
_DONE = {"A": "added", "M": "changed", "D": "deleted", "T": "replaced"}


@rule(ERROR)
def foreign_files_touched(record: Record, ctx: Context) -> Iterator[Problem]:
    """The branch changes files outside the record's folder.

    A submission adds exactly one folder under records/ and touches nothing else; links and submodules lead outside.
    A changed file of a record that was there before is a warning: someone may be repairing it.
    Example: (record): README.md is changed: it is not in this record's folder
    Fix: move everything else to another pull request, and commit plain files only.
    """
    if ctx.branch is None:
        raise Skip("what the branch changes is known only with --base REF")
    outside = ctx.branch.outside(record.path)
    for change in outside[:_SHOWN]:
        yield Problem(f"{change.path} is {_DONE.get(change.status, 'changed')}: it is not in this record's folder")
    if len(outside) > _SHOWN:
        yield Problem(f"{len(outside) - _SHOWN} more files outside this record's folder are changed")
    for change in ctx.branch.inside(record.path):
        if change.special:
            yield Problem(f"{change.path} is {change.special}")
        elif change.status != "A":
            was = _DONE.get(change.status, "changed")
            yield Problem(f"{change.path} was there before and is {was}", severity=WARNING)
