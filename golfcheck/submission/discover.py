"""Paths that a person names → record folders. A tree is searched; a file leads to the record that contains it."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.submission.identity import DATED_FOLDER, SUBMISSION_FILE

MAX_DEPTH = 8
_KNOWN = re.compile(r"readme.*|.*\.(log|out|txt|py|ptz)", re.IGNORECASE)
_EVIDENCE = re.compile(r".*\.(log|out|py|ptz)", re.IGNORECASE)  # a folder that the user names needs more than a README


def record_folders(paths: Sequence[Path]) -> list[Path]:
    """Return the record folders that `paths` name, each once, in the order of the paths and then of the names.

    Raises UsageError for a path that does not exist or leads to no record: nothing checked is never a success.
    """
    records: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
        folders = _enclosing(path) if path.is_file() else list(_below(path))
        outright = path.parent if path.is_file() else path
        if not folders and any(map(_EVIDENCE.fullmatch, _files(outright))):
            folders = [outright]  # what it lacks becomes findings
        if not folders:
            raise UsageError(
                f"{path}: nothing to check here; expected a record folder (submission.json, logs, train_gpt.py), "
                "a tree of such folders, or a file in one"
            )
        records.update(dict.fromkeys(folders))
    return list(records)


def tree_of(folder: Path) -> Path | None:
    """Return the tree of records that a record belongs to (`records/` above its track), or None if there is none."""
    track = folder.resolve().parent
    if track.name.startswith("track_"):
        return track.parent
    return track if track.name == "records" else None


def is_record(folder: Path) -> bool:
    """Whether a folder looks like a record: it has a submission file, or its name or path and a known file say so."""
    names = _files(folder)
    if any(SUBMISSION_FILE.fullmatch(name) for name in names):
        return True
    placed = DATED_FOLDER.fullmatch(folder.resolve().name) or folder.resolve().parent.name.startswith("track_")
    return bool(placed) and any(map(_KNOWN.fullmatch, names))


def is_tree(folder: Path) -> bool:
    """Whether a folder contains records, whatever else it contains; not if it is dated or in a track."""
    resolved = folder.resolve()
    if resolved.name == "records" or resolved.name.startswith("track_"):
        return True
    is_placed = DATED_FOLDER.fullmatch(resolved.name) or resolved.parent.name.startswith("track_")
    return not is_placed and (folder / "records").is_dir()


def _below(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield the record folders in a tree; everything inside a record belongs to it. Links are not followed.

    A submission file at the top of a tree, or in a track's folder, does not hide the records below it.
    """
    is_one = is_record(folder)
    if is_one:
        yield folder
    if is_one and not is_tree(folder):
        yield from _submissions_inside(folder, depth)
    elif depth < MAX_DEPTH:
        with os.scandir(folder) as items:
            names = sorted(item.name for item in items if _is_open(item))
        for name in names:
            yield from _below(folder / name, depth + 1)


def _submissions_inside(record: Path, depth: int) -> Iterator[Path]:
    """Yield the folders in a record that are submissions of their own: each has a submission file and a README."""
    if depth >= MAX_DEPTH or not any(map(SUBMISSION_FILE.fullmatch, _files(record))):
        return
    pending = [(record, depth)]
    while pending:
        folder, level = pending.pop(0)
        with os.scandir(folder) as items:
            inner = sorted(item.name for item in items if _is_open(item))
        for name in inner:
            names = _files(folder / name)
            is_other = any(map(SUBMISSION_FILE.fullmatch, names)) and any(n.lower().startswith("readme") for n in names)
            if is_other:
                yield folder / name
            elif level + 1 < MAX_DEPTH:
                pending.append((folder / name, level + 1))


def _is_open(item: "os.DirEntry[str]") -> bool:
    hidden = item.name.startswith((".", "__")) or item.name in ("node_modules", "build", "dist")
    return not hidden and item.is_dir(follow_symlinks=False)


def _enclosing(file: Path) -> list[Path]:
    """Return the nearest folder above `file` that is a record, at most as far up as a record is deep."""
    parents = list(file.resolve().parents)[:MAX_DEPTH]
    nearest = next((parent for parent in parents if is_record(parent)), None)
    return [_as_named(nearest, file)] if nearest else []


def _as_named(folder: Path, file: Path) -> Path:
    """Return `folder` as the user would write it: relative if the file's path was."""
    if file.is_absolute():
        return folder
    try:
        return Path(os.path.relpath(folder))
    except ValueError:  # another drive
        return folder


def _files(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as items:
            return [item.name for item in items if item.is_file(follow_symlinks=False)]
    except PermissionError:
        return []
