"""The record to beat: a replay of all records by their dates, in which each that shows a gain moves the frontier."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from golfcheck.core import stats
from golfcheck.core.ruleset import DEFAULT_TRACK, RULESETS, TOKEN_BYTES_TOLERANCE, TRACKS, Ruleset, Track
from golfcheck.core.verdict import ToBeat
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, results

WRITTEN_MARGIN_NATS = RULESETS["written"].margin_nats
_DATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_.+")
_LN2 = math.log(2)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the replay needs of a record: when it was made, on which track, and its score for each seed."""

    path: Path
    name: str
    made: datetime
    track: Track
    bpb: tuple[float, ...]
    nats: tuple[float, ...]
    refused: str = ""  # why it may not be the record, whatever its gain
    overruled: bool = False  # the maintainers ask for no significant gain

    @property
    def mean_bpb(self) -> float:
        """The score it stands for."""
        return stats.mean(self.bpb)

    @property
    def bytes_per_token(self) -> float:
        """Of its tokenizer, as its scores imply."""
        return stats.mean(self.nats) / (self.mean_bpb * _LN2)


def track_of(record: Record) -> Track:
    """Return the track of the folder that the record lies in, or else of its JSON, or else the record track."""
    folder = record.path.resolve().parent.name.removeprefix("track_")
    named = record.submission.track if record.submission else None
    return TRACKS.get(folder) or TRACKS.get(named or "") or TRACKS[DEFAULT_TRACK]


def parse_date(text: str | None) -> datetime | None:
    """Read `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ`; a day stands for its first moment; None for anything else."""
    try:
        parsed = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return parsed.replace(tzinfo=parsed.tzinfo or UTC) if parsed else None


def folder_date(record: Record) -> date | None:
    """Return the date that a folder's name begins with, or None."""
    match = _DATED.fullmatch(record.path.resolve().name)
    made = parse_date(match[1]) if match else None
    return made.date() if made else None


def made_on(record: Record) -> datetime | None:
    """Return when the record was made: as its folder's name says, or else its JSON."""
    if day := folder_date(record):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return parse_date(record.submission.date) if record.submission else None


def entry_of(record: Record, found: Sequence[Result] | None = None) -> Entry | None:
    """Return a record's entry in the replay, or None when it has no date or no score."""
    found = results(record) if found is None else found
    made = made_on(record)
    bpb = tuple(result.score.val_bpb for result in found)
    nats = tuple(result.score.val_loss_nats for result in found)
    if made is None or not bpb:
        return None
    name = record.submission.name if record.submission else None
    return Entry(record.path.resolve(), name or record.path.resolve().name, made, track_of(record), bpb, nats)


def rescored(entry: Entry, val_bpb: float) -> Entry:
    """Return the entry with the score of one evaluation in place of those of its seeds; its tokenizer stays."""
    return replace(entry, bpb=(val_bpb,), nats=(val_bpb * _LN2 * entry.bytes_per_token,))


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry's turn in the replay."""

    entry: Entry
    best: Entry | None  # the record to beat when it was made
    met: Entry | None  # the record when its turn came: it may be of the same moment
    held: bool  # it became the record


def best_before(entry: Entry, field: Iterable[Entry], ruleset: Ruleset) -> Entry | None:
    """Return the entry that stands at the frontier when `entry` is made, or None if there is none."""
    return frontier((other for other in field if other.made < entry.made and other.path != entry.path), ruleset)


def frontier(entries: Iterable[Entry], ruleset: Ruleset) -> Entry | None:
    """Return the ranked entry that stands when all have been replayed, or None if there is none."""
    held = holders(entries, ruleset)
    return held[-1] if held else None


def holders(entries: Iterable[Entry], ruleset: Ruleset) -> list[Entry]:
    """Return the entries that were the record, in the order of their dates; they alone replay to the same holders."""
    return [turn.entry for turn in replay(entries, ruleset) if turn.held]


def replay(entries: Iterable[Entry], ruleset: Ruleset) -> list[Turn]:
    """Give every ranked entry its turn, in the order of their dates; those of one moment begin with the best score.

    An entry takes the place when its gain is significant under the ruleset. Where one side has a single seed no test
    is possible, and the gain itself must be above the ruleset's margin. Of equal scores the first keeps the place. An
    entry whose test the maintainers waive takes the place with any score that is no worse. One that is refused never
    does.
    """
    turns: list[Turn] = []
    best: Entry | None = None
    met: Entry | None = None
    for entry in sorted((e for e in entries if e.track.ranked), key=lambda e: (e.made, e.mean_bpb)):
        if not turns or entry.made != turns[-1].entry.made:
            best = met
        held = not entry.refused and (met is None or _moves(entry, met, ruleset))
        turns.append(Turn(entry, best, met, held))
        if held:
            met = entry
    return turns


def _moves(ours: Entry, theirs: Entry, ruleset: Ruleset) -> bool:
    if ours.overruled:
        return ours.mean_bpb <= theirs.mean_bpb
    if ruleset.margin_nats and _nats_apart(ours, theirs) >= -ruleset.margin_nats:
        return False  # p would be above 1/2: most entries of a replay need no test
    gain = compare(ours, theirs)
    p = p_under(gain, ruleset)
    if p is None:
        return gain.delta_nats is not None and gain.delta_nats < -ruleset.margin_nats
    return p < ruleset.alpha


def _nats_apart(ours: Entry, theirs: Entry) -> float:
    return stats.mean(ours.nats) - stats.mean(comparable_nats(theirs, ours.bytes_per_token))


def p_under(gain: ToBeat, ruleset: Ruleset) -> float | None:
    """Return the p that a ruleset looks at."""
    return gain.p_margin if ruleset.margin_nats else gain.p_zero


def comparable_nats(theirs: Entry, bytes_per_token: float) -> tuple[float, ...]:
    """Return their losses per token of our tokenizer: as they are if it is theirs too, else by way of bits per byte."""
    if abs(theirs.bytes_per_token / bytes_per_token - 1) <= TOKEN_BYTES_TOLERANCE:
        return theirs.nats
    return tuple(bpb * _LN2 * bytes_per_token for bpb in theirs.bpb)


@cache  # every replay meets the same pairs again
def compare(ours: Entry, theirs: Entry) -> ToBeat:
    """Test our gain over theirs: in bits per byte at margin 0, and in nats per token at the written margin."""
    their_nats = comparable_nats(theirs, ours.bytes_per_token)
    delta_bpb = ours.mean_bpb - theirs.mean_bpb
    delta_nats = _nats_apart(ours, theirs)
    try:
        zero = stats.welch(ours.bpb, theirs.bpb)
        margin = stats.welch(ours.nats, their_nats, WRITTEN_MARGIN_NATS)
    except ValueError:
        few = "this record" if len(ours.bpb) < 2 else theirs.name if len(theirs.bpb) < 2 else None
        reason = f"{few} has one seed" if few else "the seeds' scores are all equal"
        return ToBeat(
            theirs.name,
            theirs.mean_bpb,
            delta_bpb,
            delta_nats,
            None,
            None,
            None,
            None,
            WRITTEN_MARGIN_NATS,
            None,
            reason,
        )
    return ToBeat(
        theirs.name,
        theirs.mean_bpb,
        delta_bpb,
        delta_nats,
        zero.t,
        zero.df,
        zero.p,
        margin.p,
        WRITTEN_MARGIN_NATS,
        margin.interval,
        None,
    )
