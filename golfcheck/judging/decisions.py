"""What the maintainers of a tree have ruled on its records: `decisions.json` at the tree's root.

The file is next to the tracks and never inside a record. A ruling applies from its date on, is shown next to its record
on every board, and changes what takes part:

    included     takes part despite any findings, and needs no significant gain (systems-only work)
    removed      takes no part; it stays on the board without a rank, with the reason
    superseded   the same, because a later folder takes its place
    waived       findings of the named rules do not count; gain-not-significant waives the test of the gain
    re-scored    a different val_bpb counts, from one evaluation whose report has the given sha256; `predictor` means
                 that it comes from the submission's own predictor.py, in a sandbox
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from golfcheck.core import schema
from golfcheck.core.errors import UsageError
from golfcheck.submission import strictjson
from golfcheck.submission.discover import is_record

NAME = "decisions.json"
MAX_BYTES = 4 * 2**20  # 2,000 rulings of 2 KB


class RulingKind(StrEnum):
    """The kind of a ruling."""

    INCLUDED = "included"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    WAIVED = "waived"
    RESCORED = "re-scored"


@dataclass(frozen=True, slots=True)
class Boxed:
    """How the submission's own predictor.py was scored: its sandbox, and the result of the twin test."""

    sandbox: str
    cuts: int  # of the twin test
    differ: int
    strict: bool = False  # asked token by token, with nothing to look ahead at

    @property
    def lookahead(self) -> str:
        """The result of the look-ahead test, in a few words."""
        if self.strict:
            return "token by token"
        return f"{self.differ} of {self.cuts} cuts changed an answer" if self.cuts else "not tested for looking ahead"

    @property
    def text(self) -> str:
        """A short description."""
        return f"in a box ({self.sandbox}, {self.lookahead})"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One decision on one record: who, when and why."""

    record: str  # its folder, from the tree's root
    kind: RulingKind
    by: str
    on: date
    why: str
    rules: tuple[str, ...] = ()  # of WAIVED
    superseded_by: str | None = None
    val_bpb: float | None = None  # of RESCORED
    report_sha256: str | None = None
    predictor: Boxed | None = None  # of RESCORED, by the submission's own predictor.py

    @property
    def text(self) -> str:
        """The ruling in one line. It is untrusted text: make it safe where it is printed."""
        what = f"waived ({', '.join(self.rules)})" if self.rules else str(self.kind)
        what += f" by {self.superseded_by}" if self.superseded_by else ""
        what += f" {self.predictor.text}" if self.predictor else ""
        return f"{what}: {self.why} ({self.by}, {self.on})"


@dataclass(frozen=True, slots=True)
class Rulings:
    """The rulings on one record, in chronological order."""

    all: tuple[Ruling, ...] = ()

    @property
    def standing(self) -> Ruling | None:
        """The last ruling on whether it takes part: included, removed or superseded; None if there is none."""
        settling = (RulingKind.INCLUDED, RulingKind.REMOVED, RulingKind.SUPERSEDED)
        return next((ruling for ruling in reversed(self.all) if ruling.kind in settling), None)

    @property
    def included(self) -> bool:
        """Whether it takes part despite its findings."""
        return self.standing is not None and self.standing.kind is RulingKind.INCLUDED

    @property
    def excluded(self) -> bool:
        """Whether it takes no part."""
        return self.standing is not None and self.standing.kind is not RulingKind.INCLUDED

    @property
    def waived(self) -> frozenset[str]:
        """The rules that do not count against it."""
        return frozenset(rule for ruling in self.all for rule in ruling.rules)

    @property
    def rescored(self) -> Ruling | None:
        """The last ruling that gives a different score; None if there is none."""
        return next((ruling for ruling in reversed(self.all) if ruling.kind is RulingKind.RESCORED), None)


def read(tree: Path) -> tuple[Ruling, ...]:
    """Return the rulings on the records of a tree in chronological order; none without the file.

    Raises UsageError that names where an invalid value is.
    """
    path = tree / NAME
    if is_record(tree) or not os.path.lexists(path):
        return ()
    if not path.is_file():
        raise UsageError(
            f"{path}: not a regular file; expected the maintainers' rulings (schemas/decisions.schema.json)"
        )
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    return parse(data, str(path))


def parse(data: bytes, path: str) -> tuple[Ruling, ...]:
    """Return the rulings in a file's content in chronological order; `path` is its name in error messages.

    `data` may be cut after MAX_BYTES + 1. Raises UsageError that names where an invalid value is.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes")
    try:
        document = strictjson.parse(data).value
    except strictjson.JsonError as error:
        raise UsageError(f"{path}:{error.line}: column {error.column}: {error.message}") from None
    for violation in schema.violations("decisions", document):
        raise UsageError(f"{path}: {violation.pointer or '/'}: {violation.message} (schemas/decisions.schema.json)")
    rulings = [_ruling(item, f"{path}: /decisions/{index}") for index, item in enumerate(document["decisions"])]
    return tuple(sorted(rulings, key=lambda ruling: ruling.on))


def _ruling(item: Mapping[str, Any], location: str) -> Ruling:
    try:
        day = date.fromisoformat(item["on"])
    except ValueError:
        raise UsageError(f"{location}/on: {item['on']} is not a calendar day") from None
    return Ruling(
        item["record"].strip("/"),
        RulingKind(item["ruling"]),
        item["by"],
        day,
        item["why"],
        tuple(item.get("rules", ())),
        item.get("superseded_by"),
        item.get("val_bpb"),
        item.get("report_sha256"),
        Boxed(**item["predictor"]) if "predictor" in item else None,
    )


def by_record(tree: Path, rulings: Iterable[Ruling], until: date | None = None) -> dict[Path, Rulings]:
    """Return the rulings on each record, by its resolved folder, without those made after the day `until`."""
    by_folder: dict[Path, list[Ruling]] = {}
    for ruling in rulings:
        if until is None or ruling.on <= until:
            by_folder.setdefault(tree.resolve() / ruling.record, []).append(ruling)
    return {path: Rulings(tuple(of_record)) for path, of_record in by_folder.items()}
