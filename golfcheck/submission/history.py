"""The user's own git repository: when a record was added, and what a branch adds.

A repository inside a record is never opened. Of ours, only objects are read, with plumbing commands; nothing is
checked out.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from golfcheck.core import gitprocess
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.submission.discover import is_record, is_tree

_MAX_CHANGES = 100_000
_MAX_DEPTH = 32  # of the folders that are dated; git names files 2,000 deep
_DIFF = ("--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
_PULL = re.compile(r"\(#([1-9][0-9]{0,8})\)$|^Merge pull request #([1-9][0-9]{0,8})\b")
_LINK, _MODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class Change:
    """One file that a branch changes: its path from the repository's root, its status, and its new mode.

    `status` is git's letter: A added, M modified, D deleted, T changed to another type.
    """

    path: str
    status: str
    mode: str

    @property
    def special(self) -> str | None:
        """What it is if it is not a regular file."""
        return {_LINK: "a symbolic link", _MODULE: "a submodule"}.get(self.mode)


@dataclass(frozen=True, slots=True)
class Branch:
    """What HEAD changes since it left `base`, in the repository at `root`; the changes are sorted by path."""

    base: str
    root: Path
    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        """Sort the changes, so that each of many folders finds its own quickly."""
        object.__setattr__(self, "changes", tuple(sorted(self.changes, key=_path_of)))

    def inside(self, folder: Path) -> tuple[Change, ...]:
        """Return the changes below `folder`."""
        start, end = self._below(folder)
        return self.changes[start:end]

    def outside(self, folder: Path) -> tuple[Change, ...]:
        """Return the changes that are not below `folder`."""
        start, end = self._below(folder)
        return self.changes[:start] + self.changes[end:]

    def _below(self, folder: Path) -> tuple[int, int]:
        """Return the indices at which the changes below `folder` begin and end."""
        path = folder.resolve()
        if not path.is_relative_to(self.root):
            return 0, 0
        inside = path.relative_to(self.root)
        if not inside.parts:
            return 0, len(self.changes)
        first, behind = f"{inside.as_posix()}/", f"{inside.as_posix()}0"  # "0" follows "/"
        return bisect_left(self.changes, first, key=_path_of), bisect_left(self.changes, behind, key=_path_of)


def _path_of(change: Change) -> str:
    return change.path


@dataclass(frozen=True, slots=True)
class Added:
    """The commit that added the first file of a folder, when its author wrote it, and the pull request it names."""

    commit: str
    time: datetime
    pull: int | None = None


@dataclass(frozen=True, slots=True)
class GitRepository:
    """The user's repository, given by its top folder."""

    root: Path

    def added(self, tree: Path) -> dict[Path, Added]:
        """Return for every folder at or below `tree` the commit that added its first file.

        For a renamed folder, this is the commit of the folder under its earlier name. A file counts as renamed only if
        it did not change, which git can tell from object names at no cost.
        Raises GolfcheckError if git fails, and in a shallow clone, whose oldest commit seems to add everything.
        """
        if self._git("rev-parse", "--is-shallow-repository").strip() != "false":
            raise GolfcheckError(f"{self.root} is a shallow clone; fetch all of it (fetch-depth: 0)")
        inside = self._inside(tree)
        listed = self._git("rev-list", "--reverse", "--format=%at %H %s", "HEAD", "--", inside).splitlines()
        parts = (line.split(" ", 2) for line in listed[1::2])  # after each "commit <id>"
        commits = {
            commit: Added(commit, time, _pull_of(subject)) if (time := _time_of(seconds)) else None
            for seconds, commit, subject in parts
        }
        changes = self._git(
            *("diff-tree", "--stdin", "--root", "-r", "-z", "--name-status", "--diff-filter=AR", *_DIFF),
            *("--find-renames=100%", "--", inside),
            stdin="".join(f"{commit}\n" for commit in commits),
        )
        added: dict[Path, Added] = {}
        current: Added | None = None
        new: list[str] = []  # of the current commit; renames take precedence over additions
        tokens = iter(changes.split("\0"))  # a commit, then what it changes: A and a path, or R100 and two paths
        for token in tokens:
            if token in commits or not token:
                self._note_added(added, new, current)
                current, new = commits.get(token), []
            elif token.startswith("R"):
                self._note_renamed(added, next(tokens), next(tokens), current)
            else:
                new.append(next(tokens))
        self._note_added(added, new, current)
        return added

    def _folders(self, path: str) -> list[Path]:
        """Return the folders that a file lies in, the innermost first; of one that lies deeper, the outer ones."""
        folders = [self.root]
        for name in path.split("/", _MAX_DEPTH)[:-1]:
            folders.append(folders[-1] / name)
        return folders[::-1]

    def _note_added(self, added: dict[Path, Added], paths: Iterable[str], commit: Added | None) -> None:
        """Record that a commit adds files, and with them any new folders."""
        if commit is None:
            return
        for path in paths:
            for folder in self._folders(path):
                added.setdefault(folder, commit)

    def _note_renamed(self, added: dict[Path, Added], old: str, new: str, commit: Added | None) -> None:
        """Record that a file was moved: its new folders are as old as those that it left."""
        olds = self._folders(old)
        for depth, folder in enumerate(self._folders(new)):
            origin = added.get(olds[depth]) if depth < len(olds) else None
            if origin_or_commit := origin or commit:
                added.setdefault(folder, origin_or_commit)

    def branch(self, base: str) -> Branch:
        """Return what HEAD changes since it left `base`. Raises UsageError if there is no such revision."""
        commit = self._commit(base)
        start = self._git("merge-base", commit, "HEAD").strip()
        if not start:
            raise UsageError(f"--base {base}: no commit in common with HEAD; in a shallow clone, fetch more of it")
        raw = self._git("diff-tree", "-r", "-z", "--raw", *_DIFF, start, "HEAD").split("\0")[:-1]
        if len(raw) // 2 > _MAX_CHANGES:
            raise GolfcheckError(f"--base {base}: {len(raw) // 2:,} files changed, more than {_MAX_CHANGES:,}")
        heads = (head.split(" ") for head in raw[::2])  # ":100644 100644 <blob> <blob> M"
        changes = (Change(path, head[4][:1], head[1]) for head, path in zip(heads, raw[1::2], strict=True))
        return Branch(base, self.root, tuple(changes))

    def text_at(self, revision: str, path: str) -> bytes | None:
        """Return the file at a path from the root in a revision, or None if it has no such file.

        Raises UsageError for anything that is not a revision.
        """
        commit = self._commit(revision)
        if not self._git("ls-tree", "-z", commit, "--", f":(top,literal){path}"):
            return None
        return self._git("cat-file", "blob", f"{commit}:{path}").encode("utf-8", "surrogateescape")

    def _commit(self, revision: str) -> str:
        if revision.startswith("-") or not revision.isprintable():
            raise UsageError(f"--base {revision!r}: not a revision")
        commit = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
        if not commit:
            raise UsageError(f"--base {revision}: no such revision in {self.root}; fetch it first (fetch-depth: 0)")
        return commit

    def setting(self, key: str) -> str:
        """Return the repository's setting `key` (`remote.origin.url`), or "" if there is none."""
        return self._git("config", "--get", key).strip()

    def _inside(self, folder: Path) -> str:
        inside = folder.resolve().relative_to(self.root)
        return f":(top,literal){inside}" if inside.parts else ":(top)"

    def _git(self, command: str, *arguments: str, stdin: str = "") -> str:
        return gitprocess.run(self.root, command, *arguments, stdin=stdin)


def _time_of(seconds: str) -> datetime | None:
    """Return a commit's time, or None for an impossible one: a committer can write any number there."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _pull_of(subject: str) -> int | None:
    """Return the pull request that a commit's subject ends with, `… (#123)`, or that it merges."""
    match = _PULL.search(subject)
    return int(match[1] or match[2]) if match else None


def repository_of(start: Path) -> GitRepository | None:
    """Return the repository that contains `start`; None if there is none, or only one inside a record."""
    folders = (start.resolve(), *start.resolve().parents)
    for index, folder in enumerate(folders):
        if (folder / ".git").exists() and not any(is_record(one) and not is_tree(one) for one in folders[index:]):
            return GitRepository(folder)
    return None


def setting(key: str) -> str:
    """Return the user's own git setting `key` (`user.name`), or "" if there is none, or no git."""
    try:
        return GitRepository(Path.cwd()).setting(key)
    except GolfcheckError:
        return ""
