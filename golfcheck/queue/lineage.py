"""What each pull request builds on: what it says, and which earlier one has the most similar code."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from golfcheck.queue.content import Content
from golfcheck.queue.evidence import Evidence
from golfcheck.queue.named import Named

_COMMON = 300  # definitions shared by more records say little, and cost the most
_COMPARED = 12  # candidates whose definitions are compared in full
_MIN_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Member:
    """A record folder in the order of the numbers."""

    number: int
    path: str
    content: Content


@dataclass(frozen=True, slots=True)
class Relative:
    """A related record: how much code the two share, and how they differ."""

    number: int
    path: str
    share: float  # shared definitions divided by those that either has, in 0..1
    settings: tuple[str, ...]  # "name: theirs -> ours", if both print one
    code_bytes: int  # ours minus theirs, unwrapped


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a record builds on, according to its own statement or its code."""

    named: Named | None  # what it says it builds on, or else the first that it names
    said: Relative | None  # that pull request's record, if it is in the queue
    nearest: Relative | None


def lineages(members: Sequence[Member]) -> dict[tuple[int, str], Lineage]:
    """Return the lineage of each member by its number and path; `members` are in the order of their numbers."""
    by_number: dict[int, list[Member]] = {}
    by_name: dict[str, Member] = {}
    index = _Index()
    out: dict[tuple[int, str], Lineage] = {}
    for member in members:
        evidence = member.content.evidence
        named = _named(member, by_number.keys() | {one.pull for one in member.content.named if one.pull}, by_name)
        parents = [] if named is None else _members(named, by_number, by_name)
        ranked = sorted((_relative(member, parent) for parent in parents), key=lambda one: -one.share)
        nearest = index.nearest(member) if evidence else None
        out[member.number, member.path] = Lineage(
            named, ranked[0] if ranked else None, _relative(member, nearest) if nearest else None
        )
        by_number.setdefault(member.number, []).append(member)
        by_name.setdefault(member.path.rsplit("/", 1)[-1], member)
        index.add(member)
    return out


def _named(member: Member, numbers: Iterable[int], names: Mapping[str, Member]) -> Named | None:
    """Return what it builds on: the first that it says it builds on, else the first that it names."""
    in_queue = set(numbers)
    earlier = [
        one
        for one in member.content.named
        if (one.pull in in_queue and one.pull is not None and one.pull < member.number)
        or (one.record in names and names[one.record or ""].number < member.number)
    ]
    return next((one for one in earlier if one.base), earlier[0] if earlier else None)


def _members(named: Named, by_number: Mapping[int, list[Member]], by_name: Mapping[str, Member]) -> list[Member]:
    if named.record is not None:
        return [by_name[named.record]] if named.record in by_name else []
    return by_number.get(named.pull or 0, [])


class _Index:
    """An index of the earlier members that have a definition."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.having: dict[int, array[int]] = {}  # definition → indices into `members`
        self.alike: dict[bytes, int] = {}  # all definitions of a record → the first that has exactly these

    def add(self, member: Member) -> None:
        evidence = member.content.evidence
        if evidence is None or not evidence.definitions:
            return
        index = len(self.members)
        self.members.append(member)
        self.alike.setdefault(evidence.definitions, index)
        for definition in evidence.hashes:
            indices = self.having.setdefault(definition, array("l"))
            if len(indices) <= _COMMON:
                indices.append(index)

    def nearest(self, member: Member) -> Member | None:
        """Return the earlier member of a different number that shares the most definitions; the first if several do."""
        evidence = member.content.evidence
        if evidence is None or not evidence.definitions:
            return None
        ours = evidence.hashes
        same = self.alike.get(evidence.definitions)
        shared: Counter[int] = Counter()
        for definition in ours:
            indices = self.having.get(definition, ())
            if len(indices) <= _COMMON:
                shared.update(indices)
        candidates = [index for index, _ in shared.most_common(_COMPARED)] + ([] if same is None else [same])
        best, best_share = None, _MIN_SHARE
        for index in sorted(candidates):
            other = self.members[index]
            if other.number != member.number and (share := _share(ours, other.content.evidence)) > best_share:
                best, best_share = other, share
        return best


def _share(ours: frozenset[int], evidence: Evidence | None) -> float:
    theirs = evidence.hashes if evidence else frozenset()
    either = len(ours | theirs)
    return len(ours & theirs) / either if either else 0.0


def _relative(member: Member, other: Member) -> Relative:
    ours, theirs = member.content.evidence, other.content.evidence
    if ours is None or theirs is None:
        return Relative(other.number, other.path, 0.0, (), 0)
    mine, yours = ours.setting_values(), theirs.setting_values()
    differing = (
        f"{name}: {yours[name]} -> {mine[name]}" for name in mine if name in yours and mine[name] != yours[name]
    )
    return Relative(
        other.number, other.path, _share(ours.hashes, theirs), tuple(differing), ours.code_bytes - theirs.code_bytes
    )
