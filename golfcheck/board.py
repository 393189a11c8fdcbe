"""Folders → Board: reads, judges and ranks every record of a tree. What `leaderboard`, the page and the TUI open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from golfcheck.batch import Progress, judge_all
from golfcheck.config import Settings
from golfcheck.frontier import parse_date
from golfcheck.leaderboard import Board, Row, Status, ranked
from golfcheck.verdict import Verdict


def load_board(
    paths: Sequence[Path],
    settings: Settings,
    *,
    as_of: str | None = None,
    progress: Progress = lambda done, of: None,
    early: Callable[[Sequence[Row]], None] = lambda rows: None,
    say: Callable[[str], None] = lambda line: None,
) -> Board:
    """Read every record that `paths` lead to and rank them.

    `early` is given rows as they are read, before any has a rank or a record to beat; the board has them all again.
    Raises UsageError for a path or a day that cannot be meant, and when there is no record.
    """
    verdicts = judge_all(paths, settings, as_of=as_of, progress=progress, say=say)
    rows = ranked([_row(verdict) for verdict in verdicts])
    early(rows)
    return Board(settings.ruleset, parse_date(as_of), rows)


def _row(verdict: Verdict) -> Row:
    score = verdict.score
    bpb, status = None, None
    if score is not None:
        logged = score.mean_bpb is not None
        bpb, status = (score.mean_bpb, Status.LOGGED) if logged else (score.claimed_bpb, Status.CLAIMED)
    gain = verdict.to_beat
    return Row(
        verdict,
        parse_date(verdict.date),
        bpb,
        status,
        (),
        (),
        delta_bpb=gain.delta_bpb if gain else None,
        delta_nats=gain.delta_nats if gain else None,
        p=gain.p_margin if gain else None,
        reason=(gain.reason or "") if gain else "",
    )
