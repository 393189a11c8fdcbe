"""The heads of a repository's pull requests: the folders that each one adds, and those that it only carries."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from golfcheck.queue.changes import Changes, Reader
from golfcheck.queue.graph import Graph

_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_SUBJECT = re.compile(r"(?:pull request|PR|\()\s?#([1-9][0-9]{0,8})\b")


@dataclass(frozen=True, slots=True)
class Own:
    """A record folder that is the pull request's own. `changed`: the base has it, or had one of this name."""

    path: str
    tree: str
    changed: bool = False
    same_as: int | None = None  # the earlier pull request with the same folder, if that is so for all of its own
    version_of: int | None = None  # the earlier pull request with a different version at this path


@dataclass(frozen=True, slots=True)
class Carried:
    """A record folder that comes from elsewhere: from the base (`source` None) or from an earlier pull request."""

    path: str
    source: int | None
    exact: bool  # False: a different version of it


@dataclass(frozen=True, slots=True)
class Head:
    """A pull request, from its commits."""

    number: int
    oid: str
    left: str | None  # the commit at which it left the base; None: they have none in common
    merged: bool
    own: tuple[Own, ...]
    carried: tuple[Carried, ...]
    changes: Changes
    behind: int  # commits of the base's own line since it left
    conflicts: tuple[str, ...]  # paths that both have changed since then, differently


@dataclass(frozen=True, slots=True)
class BaseRecord:
    """A record folder of the base, and the number of the pull request that added it (0: before all)."""

    path: str
    tree: str
    number: int


@dataclass(slots=True)
class Heads:
    """All heads in the order of their numbers, and the records of the base."""

    heads: tuple[Head, ...]
    records: tuple[BaseRecord, ...]
    unread: dict[int, str] = field(default_factory=dict)  # heads whose commit is missing, and why


def numbered(refs: Mapping[str, str]) -> dict[int, str]:
    """Return number → commit of the refs that have a number in their names: `refs/pull/12/head`."""
    numbers = ((match, oid) for name, oid in sorted(refs.items()) if (match := _NUMBER.search(name)))
    return dict(sorted((int(match[0]), oid) for match, oid in numbers))


def scan(
    reader: Reader, graph: Graph, refs: Mapping[int, str], progress: Callable[[int, int], None] = lambda done, of: None
) -> Heads:
    """Compare each head with the commit where it left the base, and separate its own folders from carried ones."""
    changes: dict[int, tuple[Changes, str | None]] = {}
    unread: dict[int, str] = {}
    tip = graph.commits[graph.base].tree
    for num_done, (number, oid) in enumerate(refs.items(), 1):
        if oid not in graph.commits:
            unread[number] = "its commit is missing, or too large to be one"
            continue
        start = graph.left_from(oid)
        left = graph.merge_base(oid, start) if start else None
        before = graph.commits[left].tree if left else tip if start else None
        changes[number] = reader.changes(before, graph.commits[oid].tree), left
        progress(num_done, len(refs))
    in_base = reader.folders(tip)
    records = _records(reader, graph, in_base, changes)
    sorter = _Sorter(in_base, {record.path: record.number for record in records})
    heads = []
    for number, (of_head, left) in changes.items():
        oid = refs[number]
        merged = graph.merged(oid) or number in sorter.number_of.values()
        own, carried = sorter.sort(number, of_head)
        behind = len(graph.line) - 1 - graph.entered[left] if left and not merged else 0
        conflicts = () if merged or left is None else tuple(_conflicts(reader, graph, left, oid, of_head))
        heads.append(Head(number, oid, left, merged, own, carried, of_head, behind, conflicts))
    return Heads(tuple(heads), records, unread)


class _Sorter:
    """Separates own folders from carried ones; called in the order of the numbers."""

    def __init__(self, in_base: Mapping[str, str], number_of: Mapping[str, int]) -> None:
        self.in_base, self.number_of = in_base, number_of
        self.by_tree: dict[str, int] = {}
        self.by_path: dict[str, int] = {}

    def sort(self, number: int, changes: Changes) -> tuple[tuple[Own, ...], tuple[Carried, ...]]:
        own: list[Own] = []
        carried: list[Carried] = []
        again: list[Own] = []
        for change in changes.folders:
            path, tree = change.path, change.tree
            from_base = path in self.in_base and self.number_of.get(path) != number
            first, version = self.by_tree.get(tree), self.by_path.get(path)
            if from_base and self.in_base[path] == tree:
                carried.append(Carried(path, None, exact=True))
            elif change.before is not None:
                own.append(Own(path, tree, changed=True))
            elif from_base and (brought := self.number_of.get(path, number)) < number:
                again.append(Own(path, tree, changed=True, version_of=brought))
            elif first is not None:
                again.append(Own(path, tree, same_as=first))
            elif version is not None:
                again.append(Own(path, tree, version_of=version))
            else:
                own.append(Own(path, tree))
        if own:
            carried += [
                Carried(one.path, one.same_as or one.version_of, exact=one.same_as is not None) for one in again
            ]
        else:
            own = again
        for one in own:
            self.by_tree.setdefault(one.tree, number)
            self.by_path.setdefault(one.path, number)
        return tuple(own), tuple(carried)


def _records(
    reader: Reader, graph: Graph, in_base: Mapping[str, str], changes: Mapping[int, tuple[Changes, str | None]]
) -> tuple[BaseRecord, ...]:
    """Return the base's records with their numbers: of the merge that added them, or of the first head that adds them.

    One with neither comes after the highest number that was merged before it.
    """
    adds: dict[str, list[int]] = {}
    for number, (of_head, _) in changes.items():
        for folder in of_head.folders:
            if folder.before is None:
                adds.setdefault(folder.path, []).append(number)
    numbers: dict[str, int] = {}
    before: str | None = None
    highest = 0
    for oid in graph.line:
        commit = graph.commits[oid]
        match = _SUBJECT.search(commit.subject)
        named = int(match[1]) if match else None
        for path in _added(reader, before, commit.tree):
            heads = adds.get(path, [])
            trusted = named is not None and (named in heads or named not in changes)
            numbers[path] = named if named and trusted else min(heads, default=named or highest)
        highest = max(highest, named or 0)
        before = commit.tree
    return tuple(BaseRecord(path, tree, numbers.get(path, 0)) for path, tree in in_base.items())


def _added(reader: Reader, before: str | None, after: str) -> Iterable[str]:
    return (folder.path for folder in reader.changes(before, after).folders if folder.before is None)


def _conflicts(reader: Reader, graph: Graph, left: str, head: str, changes: Changes) -> Iterable[str]:
    """Yield the files and folders that head and base have both changed, differently."""
    trees = [graph.commits[oid].tree for oid in (left, graph.base, head)]
    paths = [*(change.path for change in changes.outside[:200]), *(folder.path for folder in changes.folders)]
    for path in paths:
        old, base, new = (item and (item.mode, item.oid) for item in (reader.at(tree, path) for tree in trees))
        if base not in (old, new):
            yield path
