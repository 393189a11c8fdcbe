"""The columns of a board as text and as Markdown: what each shows of a row, and which are dropped on a narrow page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from golfcheck.board import model
from golfcheck.board.model import Board, Row
from golfcheck.core.numbers import bpb_text, bytes_text, counted, delta_text, p_text, ratio_text, seconds_text
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.text import safe
from golfcheck.judging.decisions import RulingKind

NOTHING = "-"
Number = TypeVar("Number", int, float)
_AUTHOR_CHARS = 40
_NAME_CHARS = 120
_SETTLING = (RulingKind.INCLUDED, RulingKind.REMOVED, RulingKind.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class TextColumn:
    """One column; `cell` returns safe text. Those with the highest number are dropped first; 0 stays."""

    title: str
    falls: int
    cell: Callable[[Row], str]
    right: bool = True


def title_of(row: Row) -> str:
    """Return a record's name, or else its folder's, safe to print."""
    return safe(model.name_of(row), _NAME_CHARS)


def _known(value: Number | None, text: Callable[[Number], str]) -> str:
    return NOTHING if value is None else text(value)


def _score(row: Row) -> str:
    return _known(row.score_bpb, bpb_text)


def _rank(row: Row) -> str:
    return f"{NOTHING if row.rank is None else row.rank}{'*' if row.held else ' '}"


def _bytes(row: Row) -> str:
    size = row.verdict.size
    return _known(size.total_bytes if size else None, bytes_text)


def _left(row: Row) -> str:
    size = row.verdict.size
    return _known(size.cap_bytes - size.total_bytes if size else None, bytes_text)


def _token_bytes(row: Row) -> str:
    tokens = row.verdict.token_bytes
    return _known(tokens.bytes_per_token if tokens else None, ratio_text)


def _seconds(ms: float | None) -> str:
    return _known(ms, seconds_text)


def _word(row: Row) -> str:
    """Return the verdict, and the maintainers' ruling."""
    settled = next((ruling.kind for ruling in reversed(row.rulings) if ruling.kind in _SETTLING), None)
    return f"{row.outcome}, {settled}" if settled else str(row.outcome)


COLUMNS = (
    TextColumn("#", 0, _rank),
    TextColumn("val_bpb", 0, _score),
    TextColumn("Δ bpb", 3, lambda row: _known(row.delta_bpb, delta_text)),
    TextColumn("Δ nats/tok", 8, lambda row: _known(row.delta_nats, delta_text)),
    TextColumn("n", 6, lambda row: str(len(row.seeds_bpb)) if row.seeds_bpb else NOTHING),
    TextColumn("p", 4, lambda row: _known(row.p, p_text)),
    TextColumn("bytes", 7, _bytes),
    TextColumn("left", 12, _left),
    TextColumn("train s", 10, lambda row: _seconds(row.verdict.time.train_ms if row.verdict.time else None)),
    TextColumn("eval s", 11, lambda row: _seconds(row.verdict.time.eval_ms if row.verdict.time else None)),
    TextColumn("B/tok", 13, _token_bytes),
    TextColumn("date", 2, lambda row: str(row.created.date()) if row.created else NOTHING, right=False),
    TextColumn("status", 9, lambda row: str(row.status or NOTHING), right=False),
    TextColumn("verdict", 1, _word, right=False),
    TextColumn("author", 5, lambda row: safe(row.verdict.author or NOTHING, _AUTHOR_CHARS), right=False),
    TextColumn("record", 0, title_of, right=False),
)


def legend(board: Board, rows: Sequence[Row]) -> str:
    """Return a legend: what the marks and the numbers mean, and which board this is."""
    ruleset, count = RULESETS[board.ruleset], len(board.rows)
    of = counted(count, "record")
    shown = of if len(rows) == count else f"{len(rows):,} of {of}"
    when = f" as of {board.as_of.date()}" if board.as_of else ""
    held = f"* was the record ({len(board.frontier)})" if board.frontier else "none was the record of a ranked track"
    asked = f"above {ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "above 0"
    rival = f"all against {safe(board.against, 80)}" if board.against else "against the record to beat when it was made"
    return (
        f"{shown}{when}; {held}. Δ and p: {rival}; p of a gain {asked} "
        f"(ruleset {board.ruleset}: below {ruleset.alpha:g})."
    )
