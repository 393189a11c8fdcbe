"""A judged record → its row on the board: the score that counts, the gain over the record to beat, and the reason."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from golfcheck.board.model import Board, Row, Status
from golfcheck.comparison.frontier import Turn, compare, p_under, rescored
from golfcheck.core.numbers import bpb_text, p_text
from golfcheck.core.outcome import GAIN_RULE
from golfcheck.core.ruleset import DEFAULT_TRACK, TRACKS, Ruleset
from golfcheck.core.verdict import Skipped, ToBeat, Verdict
from golfcheck.judging.batch import Placed
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.judged import Judged
from golfcheck.submission.examined import Entry


def row_so_far(judged: Judged) -> Row:
    """Return a record's row without a rank, and without anything that depends on another record."""
    bpb, status = _score(judged, Rulings())
    verdict = replace(judged.verdict, to_beat=None)
    return Row(
        verdict, judged.created, bpb, status, judged.bpb, judged.nats, takes_part=False, github_id=judged.github_id
    )


def row_claimed(claimed: Judged) -> Row:
    """Return the row of a record of which only submission.json is read."""
    return replace(row_so_far(claimed), judged=False)


def row_of(placed: Placed, ruleset: Ruleset) -> Row:
    """Return the row of a record without its rank."""
    judged, entry, turn, rulings = placed.judged, placed.entry, placed.turn, placed.rulings
    bpb, status = _score(judged, rulings)
    gain = judged.verdict.to_beat
    if rulings.rescored and entry and turn:
        gain = replace(compare(entry, turn.best), reason="re-scored: one number") if turn.best else None
    ranked = judged.verdict.track in TRACKS and TRACKS[judged.verdict.track].ranked
    held = turn is not None and turn.held
    verdict = judged.verdict if held else _without_gain(judged.verdict, rulings)
    return Row(
        verdict,
        placed.created,
        bpb,
        status,
        judged.bpb,
        judged.nats,
        delta_bpb=gain.delta_bpb if gain else None,
        delta_nats=gain.delta_nats if gain else None,
        p=p_under(gain, ruleset) if gain else None,
        held=held,
        reason=_reason(placed, gain, ruleset),
        takes_part=ranked and status not in (None, Status.CLAIMED) and bool(judged.bpb) and not placed.refused,
        rulings=rulings.all,
        github_id=judged.github_id,
    )


def _without_gain(verdict: Verdict, rulings: Rulings) -> Verdict:
    """Return a verdict that is not "record" if only the logged scores, and not the score that counts, show the gain.

    A score given by the maintainers is not the one whose gain was tested.
    """
    if rulings.rescored is None or rulings.rescored.val_bpb is None or GAIN_RULE not in verdict.passed:
        return verdict
    reason = f"re-scored at {bpb_text(rulings.rescored.val_bpb)} bpb, and the gain of that score is not shown"
    passed = tuple(rule for rule in verdict.passed if rule != GAIN_RULE)
    return replace(verdict, passed=passed, skipped=(*verdict.skipped, Skipped(GAIN_RULE, reason)))


def pinned(board: Board, baseline: Row, ruleset: Ruleset) -> Board:
    """Return the board with every difference and p-value against one record, not the record to beat of the day."""
    theirs = _entry(baseline)

    def against(row: Row) -> Row:
        if not row.seeds_bpb or row.verdict.path == baseline.verdict.path:
            return replace(row, delta_bpb=None, delta_nats=None, p=None, reason="")
        gain = compare(_entry(row), theirs)
        return replace(
            row,
            verdict=replace(row.verdict, to_beat=gain),
            delta_bpb=gain.delta_bpb,
            delta_nats=gain.delta_nats,
            p=p_under(gain, ruleset),
            reason=f"no p: {gain.reason}" if gain.reason else "",
        )

    return replace(board, rows=tuple(map(against, board.rows)), against=theirs.name)


def _entry(row: Row) -> Entry:
    """Return a row as an entry to compare; day and track do not matter for that."""
    path, created = Path(row.verdict.path), row.created or datetime.min.replace(tzinfo=UTC)
    name = row.verdict.name or path.name
    entry = Entry(path, name, created, TRACKS[DEFAULT_TRACK], row.seeds_bpb, row.seeds_nats)
    return rescored(entry, row.score_bpb) if row.status and row.status.is_ours and row.score_bpb else entry


def _score(judged: Judged, rulings: Rulings) -> tuple[float | None, Status | None]:
    score = judged.verdict.score
    if rulings.rescored:
        return rulings.rescored.val_bpb, Status.BOXED if rulings.rescored.predictor else Status.RESCORED
    if score is None:
        return None, None
    return (score.claimed_bpb, Status.CLAIMED) if score.mean_bpb is None else (score.mean_bpb, Status.LOGGED)


def _reason(placed: Placed, gain: ToBeat | None, ruleset: Ruleset) -> str:
    """Return why a record did not take the lead, or took it without a p-value; "" if the p-value says it all."""
    verdict, entry, turn = placed.judged.verdict, placed.entry, placed.turn
    if verdict.track is None:
        return "a trainer's folder, not a record"
    if not TRACKS[verdict.track].ranked:
        return f"track {verdict.track} is not ranked"
    if placed.refused:
        return placed.refused
    if entry is None or turn is None:
        return "no date: it cannot be ordered" if placed.judged.bpb else "no score in its logs: nothing to test"
    if not turn.held:
        return _why_not(entry, turn, gain, ruleset)
    if turn.best is None:
        return "there was no record to beat"
    p = p_under(gain, ruleset) if gain else None
    if entry.overruled and (p is None or p >= ruleset.alpha) and placed.rulings.all:
        return placed.rulings.all[-1].text
    if p is None and gain:
        return f"no p: {gain.reason}; the gain alone is above {_margin(ruleset)}"
    return ""


def _why_not(entry: Entry, turn: Turn, gain: ToBeat | None, ruleset: Ruleset) -> str:
    """Return what a record lacked to take the lead."""
    standing = turn.best
    assert standing is not None  # only a standing record can keep an entry from becoming the record
    against = standing.name
    delta_bpb = entry.mean_bpb - standing.mean_bpb
    if delta_bpb == 0:
        return f"a tie with {against}, which stays the record"
    if delta_bpb > 0:
        return f"no gain over {against}"
    if gain is None:
        gain = compare(entry, standing)
    asked = f"a gain above {_margin(ruleset)}"
    p = p_under(gain, ruleset)
    if p is None:
        return f"no p: {gain.reason}; the gain over {against} is not above {_margin(ruleset)}"
    return f"p {p_text(p)} of {asked} over {against}: not below {ruleset.alpha:g}"


def _margin(ruleset: Ruleset) -> str:
    return f"{ruleset.margin_nats:g} nats" if ruleset.margin_nats else "0 bpb"
