"""Verdicts → ranked rows, and the frontier through time. What every board shows is decided here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Verdict
from golfcheck.judging.decisions import Ruling

NO_LOGIN = "unknown"  # what `golfcheck new` writes if it does not know the login


class Status(StrEnum):
    """Where a score comes from: the submission's claim, its logs, or golfcheck's own evaluation."""

    CLAIMED = "claimed"
    LOGGED = "logged"
    RESCORED = "rescored"
    BOXED = "boxed"  # rescored by the submission's own predictor.py, in a sandbox

    @property
    def is_ours(self) -> bool:
        """Whether golfcheck evaluated it."""
        return self in (Status.RESCORED, Status.BOXED)


@dataclass(frozen=True, slots=True)
class Row:
    """A record on the board."""

    verdict: Verdict
    created: datetime | None  # when, as the frontier dates it
    score_bpb: float | None  # the score that counts: rescored, else logged, else claimed
    status: Status | None  # of that score; None if there is none
    seeds_bpb: tuple[float, ...]  # of each seed, as logged
    seeds_nats: tuple[float, ...]
    rank: int | None = None  # from 1, equal scores share one; None: does not take part
    delta_bpb: float | None = None  # relative to the record to beat on its day; negative is better
    delta_nats: float | None = None
    p: float | None = None  # the one that the board's ruleset uses
    held: bool = False  # it was the record at some time
    reason: str = ""  # why it never was, or why there is no p, in one line
    takes_part: bool = True  # in the ranking: has a logged or rescored score, on a ranked track, not refuted
    rulings: tuple[Ruling, ...] = ()  # of the maintainers, in the order of their days
    github_id: str | None = None  # of its author
    spellings: tuple[str, ...] = ()  # of the author's name, across all records of one login
    judged: bool = True  # False: only its submission.json has been read yet, and the verdict is empty

    @property
    def outcome(self) -> Outcome:
        """The verdict in one word."""
        return outcome(self.verdict)

    @property
    def ruling(self) -> Ruling | None:
        """The maintainers' latest ruling on it."""
        return self.rulings[-1] if self.rulings else None


@dataclass(frozen=True, slots=True)
class Board:
    """All rows in the order of their ranks, those without one last."""

    ruleset: str
    as_of: datetime | None
    rows: tuple[Row, ...]
    against: str | None = None  # the record that all differences are relative to, instead of each day's record to beat

    @property
    def frontier(self) -> tuple[Row, ...]:
        """Return the rows that held the record, in chronological order; of one time, the best is last."""
        return chronological(row for row in self.rows if row.held)

    def rival_of(self, row: Row) -> Row | None:
        """Return the row of the record that a record was compared with; None if it is not on this board."""
        rival = row.verdict.to_beat
        if rival is None:
            return None
        namesakes = [
            other for other in self.rows if name_of(other) == rival.name and other.verdict.path != row.verdict.path
        ]
        exact = [
            other for other in namesakes if other.score_bpb is not None and abs(other.score_bpb - rival.bpb) < 1e-9
        ]
        return next(iter([*exact, *namesakes]), None)


def chronological(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows by date, those without one first; of one time, the worst score is first."""
    return tuple(sorted(rows, key=lambda row: (when(row), -score(row), row.verdict.path)))


def when(row: Row) -> datetime:
    """Return the date of a row, before all others if it has none."""
    return row.created or datetime.min.replace(tzinfo=UTC)


def score(row: Row) -> float:
    """Return the score of a row that is known to have one."""
    return row.score_bpb or 0.0


def is_by(row: Row, author: str) -> bool:
    """Whether a record is by `author`, a name or a login on GitHub; case is ignored."""
    return author.casefold() in map(str.casefold, names_of(row))


def names_of(row: Row) -> tuple[str, ...]:
    """Return the names of a record's author, the login last; they are in the same order for all records of a login."""
    spellings = row.spellings or tuple(filter(None, [row.verdict.author]))
    return (*spellings, row.github_id) if row.github_id else spellings


def grouped(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows with every spelling of their authors' names: one login on GitHub is one author."""
    spellings: dict[str, dict[str, None]] = {}
    for row in sorted(rows, key=lambda row: (row.verdict.author or "", row.verdict.path)):
        if row.github_id and row.github_id != NO_LOGIN and row.verdict.author:
            spellings.setdefault(row.github_id.casefold(), {})[row.verdict.author] = None
    return tuple(replace(row, spellings=tuple(spellings.get((row.github_id or "").casefold(), ()))) for row in rows)


def name_of(row: Row) -> str:
    """Return a record's name, or else its folder's; untrusted text."""
    return row.verdict.name or row.verdict.path.rstrip("/").rpartition("/")[2] or row.verdict.path


def ranked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows by score, with ranks: first those that take part, then the others, those without a score last."""
    ordered = sorted(
        rows, key=lambda row: (row.score_bpb is None, not row.takes_part, row.score_bpb or 0.0, row.verdict.path)
    )
    out: list[Row] = []
    for position, row in enumerate(ordered, start=1):
        tie = bool(out) and out[-1].score_bpb == row.score_bpb
        rank = out[-1].rank if tie else position
        out.append(replace(row, rank=rank if row.takes_part and row.score_bpb is not None else None))
    return tuple(out)
