"""The commits behind a base and many heads: where each head left the base, and which commit merged it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from golfcheck.queue.objects import MAX_COMMIT_BYTES, Objects, commit_of

MAX_COMMITS = 300_000  # they take 150 MB


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its tree, its parents, and the first line of its message (only on the base's own line)."""

    tree: str
    parents: tuple[str, ...]
    subject: str


@dataclass(slots=True)
class Graph:
    """The reachable commits that the repository has."""

    base: str
    commits: dict[str, Commit]
    entered: dict[str, int] = field(
        default_factory=dict
    )  # commit of the base → index in `line` of the commit that merged it
    line: tuple[str, ...] = ()  # the base's first parents, oldest first

    def __post_init__(self) -> None:
        self.line = tuple(reversed(list(self._first_parents(self.base))))
        for index, oid in enumerate(self.line):
            for commit in self._reachable([oid], until=self.entered):
                self.entered[commit] = index

    def left_from(self, head: str) -> str | None:
        """Return the commit that a merged head is compared with, the one before its merge; for others, the base."""
        index = self.entered.get(head)
        if index is None:
            return self.base
        return self.line[index - 1] if index else None

    def merge_base(self, head: str, base: str) -> str | None:
        """Return the newest common commit of `head` and `base`, which is on the base's own line, or None."""
        limit = self.entered[base]
        first: list[str] = []
        seen = {head}
        pending = [head]
        while pending:
            oid = pending.pop()
            if self.entered.get(oid, limit + 1) <= limit:
                first.append(oid)
            elif oid in self.commits:
                fresh = [parent for parent in self.commits[oid].parents if parent not in seen]
                seen.update(fresh)
                pending += fresh
        if len(first) < 2:
            return first[0] if first else None
        below = {oid for one in first for oid in self._reachable(self._parents(one))}  # ancestors of another of them
        return max((oid for oid in first if oid not in below), key=lambda oid: (self.entered[oid], oid))

    def merged(self, head: str) -> bool:
        """Whether a head is merged into the base."""
        return head in self.entered

    def _parents(self, oid: str) -> tuple[str, ...]:
        return self.commits[oid].parents if oid in self.commits else ()

    def _first_parents(self, oid: str | None) -> Iterator[str]:
        while oid is not None and oid in self.commits:
            yield oid
            oid = next(iter(self.commits[oid].parents), None)

    def _reachable(self, tips: Iterable[str], until: Iterable[str] = ()) -> set[str]:
        """Return the commits that are reachable without passing through `until`."""
        stop = until if isinstance(until, dict) else set(until)
        seen = {oid for oid in tips if oid not in stop and oid in self.commits}
        pending = list(seen)
        while pending:
            for parent in self._parents(pending.pop()):
                if parent not in seen and parent not in stop and parent in self.commits:
                    seen.add(parent)
                    pending.append(parent)
        return seen


def read(objects: Objects, base: str, heads: Iterable[str]) -> Graph:
    """Read all commits behind `base` and `heads`, level by level, stopping at those that the repository lacks."""
    commits: dict[str, Commit] = {}
    seen = {base, *heads}
    level = list(seen)
    while level and len(commits) < MAX_COMMITS:
        parents: dict[str, None] = {}
        for oid, data in zip(level, objects.read_all(level, "commit", MAX_COMMIT_BYTES), strict=True):
            if data is None:
                continue
            tree, above, subject = commit_of(data)
            commits[oid] = Commit(tree, above, subject)
            parents.update(dict.fromkeys(above))
        level = [oid for oid in parents if oid not in seen]
        seen.update(level)
    return Graph(base, commits)
