"""An author's standing: rank, gap to the first, and the score that the next record must have."""

from golfcheck.board.model import Board, Row, is_by
from golfcheck.core.numbers import bpb_text, delta_text
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.text import safe
from golfcheck.core.units import nats_per_bpb
from golfcheck.render.board_columns import title_of


def standing(board: Board, author: str) -> list[str]:
    """Return lines about the records of `author`, a name or a login on GitHub; none if that author has no score."""
    scored = [row for row in board.rows if is_by(row, author) and row.score_bpb is not None]
    if not scored or scored[0].score_bpb is None:
        return []
    mine, ranked = scored[0], [row for row in board.rows if row.rank is not None]
    score = bpb_text(scored[0].score_bpb)
    name = safe(mine.verdict.author or author, 40)
    if mine.rank is None:
        lines = [f"{name}: no rank with {score} bpb ({title_of(mine)}): {safe(mine.reason)}"]
    else:
        lines = [f"{name}: rank {mine.rank} of {len(ranked)} with {score} bpb ({title_of(mine)})"]
    if len(scored) > 1:
        lines[0] += f"; {len(scored) - 1} more on the board"
    if ranked and mine.score_bpb is not None and ranked[0].score_bpb is not None and mine.rank != 1:
        gap = mine.score_bpb - ranked[0].score_bpb
        lines.append(f"to rank 1: {delta_text(gap)} bpb{_in_nats(mine, gap)} behind {title_of(ranked[0])}")
    if board.frontier:
        lines.append(_next(board, mine))
    return lines


def _next(board: Board, mine: Row) -> str:
    ruleset, record = RULESETS[board.ruleset], board.frontier[-1]
    assert record.score_bpb is not None  # only a row with a score can have been the record
    asked = f"p < {ruleset.alpha:g}"
    if not ruleset.margin_nats or mine.verdict.token_bytes is None:
        margin = f" and {ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else ""
        return f"the next record: below {bpb_text(record.score_bpb)} bpb{margin} with {asked}"
    record_bpb = record.score_bpb
    margin_bpb = ruleset.margin_nats / nats_per_bpb(mine.verdict.token_bytes.bytes_per_token)
    return (
        f"the next record: below {bpb_text(record_bpb - margin_bpb)} bpb with {asked} ({bpb_text(record_bpb)} less "
        f"{ruleset.margin_nats:g} nats per token, which are {bpb_text(margin_bpb)} bpb for your tokenizer)"
    )


def _in_nats(row: Row, gap_bpb: float) -> str:
    tokens = row.verdict.token_bytes
    return f", {delta_text(gap_bpb * nats_per_bpb(tokens.bytes_per_token))} nats per token of yours" if tokens else ""
