"""Folders → Board: reads, judges and ranks every record of a tree. What `leaderboard`, the page and the TUI open."""

from collections.abc import Callable, Sequence
from pathlib import Path

from golfcheck.board.model import Board, Row, grouped, ranked
from golfcheck.board.rows import row_claimed, row_of, row_so_far
from golfcheck.core.progress import Progress
from golfcheck.core.ruleset import RULESETS
from golfcheck.judging.batch import day_of, judge_trees
from golfcheck.judging.config import JudgingSettings
from golfcheck.submission.discover import record_folders


def load_board(
    paths: Sequence[Path],
    settings: JudgingSettings,
    *,
    as_of: str | None = None,
    progress: Progress = lambda stage, done, of: None,
    early: Callable[[Sequence[Row]], None] | None = None,
    idle: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
) -> Board:
    """Read every record that `paths` lead to and rank them; with `as_of`, those made up to the end of that day.

    `early` gets rows in chunks as they are read, before any has a rank or a record to beat; the board has all of them
    again, except those made later. The first of those that are not in the cache come twice: as their submission.json
    claims, and judged. `idle` is called many times a second while the workers are busy; if it raises, they are stopped
    at once. `say` gets a line about each thing that could not be used.
    Raises UsageError for an invalid path, day or ruling, and if there is no record.
    """
    day = day_of(as_of)
    until = day.date() if day else None
    folders = {folder.resolve(): folder for folder in record_folders(paths)}
    placed = judge_trees(
        list(folders.values()),
        settings,
        until=until,
        progress=progress,
        claims=(lambda claimed: early(list(map(row_claimed, claimed)))) if early else None,
        early=lambda judged: early(list(map(row_so_far, judged))) if early else None,
        idle=idle,
        say=say,
    )
    in_time = [
        record for record in placed if until is None or (record.created is not None and record.created.date() <= until)
    ]
    undated = sum(record.created is None for record in placed)
    if until is not None and undated:
        say(f"left out because they have no date: {undated} of {len(placed)} records")
    ruleset = RULESETS[settings.ruleset]
    return Board(settings.ruleset, day, ranked(grouped([row_of(record, ruleset) for record in in_time])))
