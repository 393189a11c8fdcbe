"""Pull requests as rows of a board, so that the board's filters and sort keys work on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from golfcheck.board.keys import KEYS as BOARD_KEYS
from golfcheck.board.keys import Key
from golfcheck.board.model import Row
from golfcheck.board.rows import row_so_far
from golfcheck.core.outcome import Outcome
from golfcheck.core.verdict import Verdict
from golfcheck.queue.lineage import Lineage
from golfcheck.queue.pulls import JudgedFolder, Pull, Triage
from golfcheck.submission.identity import parse_date

_PATH_CHARS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRow(Row):
    """A pull request; its path is its number and its folders, since two may have the same folder."""

    pull: Pull
    submission: JudgedFolder | None  # the one that represents it


def row_of(pull: Pull) -> PullRow:
    """Return the row of a pull request: of its best score."""
    chosen = next((one for one in pull.submissions if one.verdict is pull.verdict), None)
    path = f"#{pull.number} {' '.join(one.own.path for one in pull.submissions)}"[:_PATH_CHARS]
    judged = chosen.content.judged if chosen else None
    if judged is None:
        row = Row(_nothing(pull, path), None, None, None, (), (), takes_part=False)
    else:
        row = row_so_far(judged)
        gain = judged.verdict.to_beat
        verdict = replace(judged.verdict, path=path)
        delta = (gain.delta_bpb, gain.delta_nats) if gain else (None, None)
        row = replace(row, verdict=verdict, created=_day(judged.verdict), delta_bpb=delta[0], delta_nats=delta[1])
    values = {name: getattr(row, name) for name in Row.__slots__}
    return PullRow(**values, pull=pull, submission=chosen)


def lineage_of(row: Row) -> Lineage | None:
    """Return what the record of a row builds on."""
    submission = cast(PullRow, row).submission
    return submission.lineage if submission else None


def _nothing(pull: Pull, path: str) -> Verdict:
    """Return an empty verdict, for a pull request of which nothing could be judged."""
    return Verdict(path, pull.name, None, None, None, "", (), (), (), None, None, None, None, None, (), 0.0)


def _day(verdict: Verdict) -> Any:
    return parse_date((verdict.date or "")[:10])


def _of(value: Callable[[Pull], Any]) -> Callable[[Row], Any]:
    return lambda row: value(cast(PullRow, row).pull)


def _yes(value: Callable[[Pull], bool]) -> Callable[[Row], str]:
    return lambda row: "yes" if value(cast(PullRow, row).pull) else "no"


def _base(row: Row) -> int | None:
    lineage = lineage_of(row)
    if lineage is None or lineage.named is None:
        return None
    return lineage.said.number if lineage.said else lineage.named.pull


def _nearest(row: Row) -> int | None:
    lineage = lineage_of(row)
    return lineage.nearest.number if lineage and lineage.nearest else None


_YES_NO = ("yes", "no")
_LIKE_A_BOARD = ("bpb", "delta", "delta-nats", "seeds", "size", "train", "eval", "name", "author", "track")
_DATES = ("date", "after", "before")

KEYS: dict[str, Key] = {
    "pull": Key("number", "its number", "pull:>=1900", _of(lambda pull: pull.number)),
    "triage": Key("word", "what to do", "triage:review", _of(lambda pull: pull.triage), tuple(map(str, Triage))),
    "verdict": Key(
        "word", "the verdict in one word", "verdict:record", _of(lambda pull: pull.outcome), tuple(map(str, Outcome))
    ),
    "rule": Key(
        "text",
        "a rule, or another reason",
        "rule:shared-log",
        _of(lambda pull: " ".join(dict.fromkeys(reason.kind for reason in pull.reasons))),
    ),
    **{name: BOARD_KEYS[name] for name in _LIKE_A_BOARD},
    "claimed": Key("number", "the score that it claims", "claimed:1.0..1.1", _of(lambda pull: pull.claimed_bpb)),
    "base": Key("number", "the pull request that it says it builds on", "base:1787", _base),
    "nearest": Key("number", "the earlier one with the most similar code", "nearest:1787", _nearest),
    "folders": Key("number", "number of its own folders", "folders:>1", _of(lambda pull: len(pull.submissions))),
    "contends": Key(
        "word", "better than the record to beat", "contends:yes", _yes(lambda pull: pull.contends), _YES_NO
    ),
    "merged": Key("word", "the base has it", "merged:no", _yes(lambda pull: pull.head.merged), _YES_NO),
    "path": Key("text", "its number and its folders", "path:2026-04", lambda row: row.verdict.path),
    **{name: BOARD_KEYS[name] for name in _DATES},
}
