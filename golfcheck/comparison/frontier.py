"""The record to beat: replays all records in order of their dates; each that shows a gain moves the frontier."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from golfcheck.core import stats
from golfcheck.core.ruleset import RULESETS, TOKEN_BYTES_TOLERANCE, Ruleset
from golfcheck.core.units import nats_per_bpb
from golfcheck.core.verdict import ToBeat
from golfcheck.submission.examined import Entry

WRITTEN_MARGIN_NATS = RULESETS["written"].margin_nats


def rescored(entry: Entry, val_bpb: float) -> Entry:
    """Return the entry with the score of a single evaluation instead of its seeds' scores; its tokenizer is kept."""
    return replace(entry, bpb=(val_bpb,), nats=(val_bpb * nats_per_bpb(entry.bytes_per_token),))


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry's turn in the replay."""

    entry: Entry
    best: Entry | None  # the record to beat when it was made
    held: bool  # it became the record


def best_before(entry: Entry, field: Iterable[Entry], ruleset: Ruleset) -> Entry | None:
    """Return the entry at the frontier when `entry` is made, or None if there is none."""
    return frontier((other for other in field if other.created < entry.created and other.path != entry.path), ruleset)


def frontier(entries: Iterable[Entry], ruleset: Ruleset) -> Entry | None:
    """Return the ranked entry at the frontier after all have been replayed, or None if there is none."""
    held = holders(entries, ruleset)
    return held[-1] if held else None


def holders(entries: Iterable[Entry], ruleset: Ruleset) -> list[Entry]:
    """Return the entries that were the record, in chronological order; replaying only them gives the same result."""
    return [turn.entry for turn in replay(entries, ruleset) if turn.held]


def replay(entries: Iterable[Entry], ruleset: Ruleset) -> list[Turn]:
    """Give every ranked entry its turn, in the order of their dates; among entries of one time, the best score is last.

    An entry takes the lead if its gain over the record before its time is significant under the ruleset. The order of
    entries with the same time is unknown, so they are not compared with each other: each that shows a gain was the
    record, and the best of them is the one to beat afterwards. If one side has a single seed, no test is possible, and
    the gain itself must exceed the ruleset's margin. If scores are equal, the first keeps the lead. An entry whose test
    the maintainers waive takes the lead with any score that is no worse. One that is refused never does.
    """
    turns: list[Turn] = []
    best: Entry | None = None
    standing: Entry | None = None
    for entry in sorted((e for e in entries if e.track.ranked), key=lambda e: (e.created, -e.mean_bpb)):
        if not turns or entry.created != turns[-1].entry.created:
            best = standing
        held = not entry.refused and (best is None or _moves(entry, best, ruleset))
        turns.append(Turn(entry, best, held))
        if held:
            standing = entry
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
    """Return the p-value that a ruleset uses."""
    return gain.p_margin if ruleset.margin_nats else gain.p_zero


def comparable_nats(theirs: Entry, bytes_per_token: float) -> tuple[float, ...]:
    """Return their losses per token of our tokenizer: unchanged if it is theirs too, otherwise via bits per byte."""
    if abs(theirs.bytes_per_token / bytes_per_token - 1) <= TOKEN_BYTES_TOLERANCE:
        return theirs.nats
    return tuple(bpb * nats_per_bpb(bytes_per_token) for bpb in theirs.bpb)


@cache  # every replay compares the same pairs again
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
