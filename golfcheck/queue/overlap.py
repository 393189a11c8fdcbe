"""Evidence that two pull requests share: identical logs, identical runs under different names, identical results."""

from collections.abc import Sequence
from dataclasses import dataclass

from golfcheck.queue.lineage import Member

KINDS = ("log", "run", "result")  # the strongest first
MEANINGS = {
    "log": "byte-identical logs",
    "run": "the same run: equal losses at every step",
    "result": "scores that agree in every digit",
}


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One of our logs, the line that shows what is shared, and the other's file with the same."""

    path: str
    line: int
    other_path: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a record shares with another one."""

    kind: str  # one of KINDS
    number: int  # of the other pull request
    folder: str  # of the other
    same_author: bool
    files: tuple[SharedFile, ...]
    scored: int  # number of our runs with a result that are shared
    of: int  # number of our runs with a result


def overlaps(members: Sequence[Member]) -> dict[tuple[int, str], tuple[Overlap, ...]]:
    """Return for each member what it shares with earlier ones; if several have the same log, with the first."""
    first: dict[str, tuple[Member, str]] = {}
    out: dict[tuple[int, str], tuple[Overlap, ...]] = {}
    for member in members:
        evidence = member.content.evidence
        if evidence is None:
            continue
        shared: dict[tuple[str, int, str], list[SharedFile]] = {}
        others: dict[tuple[int, str], Member] = {}
        taken: set[str] = set()
        scored = {run.path for run in evidence.runs if run.result}
        for kind, path, line, key in _keys(member):
            other, other_path = first.get(key, (None, ""))
            if other is None or other.number == member.number or path in taken:
                continue
            taken.add(path)
            others[other.number, other.path] = other
            shared.setdefault((kind, other.number, other.path), []).append(SharedFile(path, line, other_path))
        for _, path, _, key in _keys(member):
            first.setdefault(key, (member, path))
        out[member.number, member.path] = tuple(
            Overlap(
                kind,
                number,
                folder,
                _same_author(member, others[number, folder]),
                tuple(files),
                len({file.path for file in files} & scored),
                len(scored),
            )
            for (kind, number, folder), files in shared.items()
        )
    return out


def _keys(member: Member) -> list[tuple[str, str, int, str]]:
    """Return (kind, path, line, digest) of all that can be shared, the strongest kinds first."""
    evidence = member.content.evidence
    assert evidence is not None
    logs = [("log", log.path, 1, f"log {log.sha256}") for log in evidence.logs]
    runs = [("run", run.path, run.line, f"run {run.losses}") for run in evidence.runs if run.losses]
    results = [("result", run.path, run.line, f"result {run.result}") for run in evidence.runs if run.result]
    return logs + runs + results


def _same_author(one: Member, other: Member) -> bool:
    authors = [member.content.judged.verdict.author if member.content.judged else None for member in (one, other)]
    return authors[0] is not None and authors[0] == authors[1]
