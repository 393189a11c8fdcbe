"""What is judged in a branch: the records that it changes, and only the findings in files that it changes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.core.verdict import Verdict
from golfcheck.judging import decisions
from golfcheck.submission.discover import record_folders, tree_of
from golfcheck.submission.history import Branch, repository_of


def changed_records(paths: Sequence[Path], branch: Branch) -> list[Path]:
    """Return the records below `paths` in which the branch changes something.

    There may be none, if a maintainer adds a ruling or removes a record. Then the rulings are read, and an invalid one
    raises UsageError, since it is an error whatever else the branch changes.
    """
    folders = [folder for folder in _all_below(paths) if branch.inside(folder)]
    if not folders:
        for tree in sorted({tree for path in paths if (tree := _tree_at(path))}):
            decisions.read(tree)
    return folders


def _all_below(paths: Sequence[Path]) -> list[Path]:
    """Return the records that paths lead to; none is not an error, because a branch may remove the last one."""
    with suppress(UsageError):
        return record_folders(paths)
    return []


def _tree_at(path: Path) -> Path | None:
    """Return the tree of records at or above a path, if there is one."""
    folder = path if path.is_dir() else path.parent
    return folder if (folder / decisions.NAME).exists() else tree_of(folder)


def branch_of(paths: Sequence[Path], base: str) -> Branch:
    """Return what HEAD has changed since it left `base`. Raises UsageError if there is no such repository or base."""
    repository = repository_of(paths[0])
    if repository is None:
        raise UsageError(f"--base {base}: {paths[0]} is not in a git repository of yours")
    return repository.branch(base)


def in_changed_files(verdict: Verdict, folder: Path, branch: Branch) -> Verdict:
    """Leave out findings in files that the branch does not change."""
    prefix = folder.resolve().relative_to(branch.root).as_posix()
    changed = {change.path.removeprefix(f"{prefix}/") for change in branch.inside(folder)}
    return replace(verdict, findings=tuple(f for f in verdict.findings if f.path is None or f.path in changed))
