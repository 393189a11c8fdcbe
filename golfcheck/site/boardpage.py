"""The leaderboard page: a row for each record, with the values that the script sorts and filters by."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from markupsafe import Markup

from golfcheck.board.keys import KEYS, Key
from golfcheck.board.model import Board, Row, Status, names_of
from golfcheck.core.numbers import bpb_text, bytes_text, delta_text, headroom_share, p_text, ratio_text, seconds_text
from golfcheck.core.outcome import MEANINGS
from golfcheck.core.ruleset import RULESETS
from golfcheck.render.board_columns import title_of
from golfcheck.site import charts
from golfcheck.site.template import page

MISSING = "–"
Number = TypeVar("Number", int, float)
STATUS_MEANINGS = {
    Status.CLAIMED: "only submission.json states the score",
    Status.LOGGED: "the submitted logs show it, seed by seed",
    Status.RESCORED: "golfcheck evaluated the artifact, and a maintainer confirmed the report",
    Status.BOXED: "golfcheck ran the submission's own predictor.py in a sandbox, and a maintainer confirmed the report",
}


@dataclass(frozen=True, slots=True)
class PageColumn:
    """A column: its sort key in the address, its heading, and an explanation.

    `priority` says when it is hidden on narrow screens: 0 never, otherwise the highest first.
    """

    key: str
    heading: str
    meaning: str
    priority: int = 0
    number: bool = True  # right-aligned


COLUMNS = (
    PageColumn("rank", "#", "rank; records without one do not take part"),
    PageColumn("name", "record", "name, and why it did not take the record or has no p-value", number=False),
    PageColumn("bpb", "val_bpb", "bits per byte of the validation text, mean of the seeds; lower is better"),
    PageColumn("delta", "Δ bpb", "difference from the record to beat on its day"),
    PageColumn("p", "p", "p-value of the gain under the board's ruleset"),
    PageColumn("seeds", "seeds", "number of seeds with scores in the logs", 2),
    PageColumn("verdict", "verdict", "verdict of golfcheck verify", number=False),
    PageColumn(
        "size", "bytes left", "room under the size cap, for the largest seed; the bar ranges from 1 kB to 1 MB", 1
    ),
    PageColumn("author", "author", "from submission.json", 1, number=False),
    PageColumn("date", "date", "date of the record", 1, number=False),
    PageColumn("status", "score is", "where the score comes from", 2, number=False),
    PageColumn("nats", "Δ nats", "the difference in nats per token", 3),
    PageColumn("train", "train s", "longest training, in seconds", 3),
    PageColumn("eval", "eval s", "longest evaluation, in seconds", 4),
    PageColumn("bytes", "bytes/tok", "bytes of validation text per token", 4),
)


@dataclass(frozen=True, slots=True)
class PageCell:
    """The text of a cell, and its sort key: a number or text; "" comes last."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class PageRow:
    """A record's row on the page."""

    href: str
    row: Row
    cells: Mapping[str, PageCell]
    share: float | None  # share of the size cap
    headroom: float | None  # how full the bar for the room left is
    over: bool


def board_page(board: Board, pages: Mapping[str, str]) -> bytes:
    """Return the page; `pages` maps each record's path to the address of its page."""
    ruleset = RULESETS[board.ruleset]
    best = board.frontier[-1] if board.frontier else None
    return page(
        "board.html",
        root="",
        title="Parameter Golf leaderboard",
        board=board,
        best=best,
        best_title=title_of(best) if best else "",
        best_href=pages[best.verdict.path] if best else "",
        asked=f"gain above {ruleset.margin_nats:g} nats per token, p below {ruleset.alpha:g}",
        columns=COLUMNS,
        lines=[line_of(row, pages[row.verdict.path]) for row in board.rows],
        search=search_data(board.rows),
        keys=KEYS,
        progress=charts.progress(board.rows, pages),
        spread=charts.spread(board.rows, pages),
        statuses=STATUS_MEANINGS,
        outcomes=MEANINGS,
    )


def search_data(rows: Iterable[Row], keys: Mapping[str, Key] = KEYS) -> Markup:
    """Return the data for the page's script as JSON: the keys of the filter grammar, and their values for each row.

    `<` is escaped so that text from a record cannot close the script element that contains the JSON.
    """
    grammar = {name: {"kind": key.kind, "words": key.words, "example": key.example} for name, key in keys.items()}
    values = [[_search_value(key.value(row)) for key in keys.values()] for row in rows]
    return Markup(json.dumps({"keys": grammar, "rows": values}, separators=(",", ":")).replace("<", "\\u003c"))


def _search_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def line_of(row: Row, href: str) -> PageRow:
    """Return a record's row; numbers are sorted by their full precision."""
    verdict = row.verdict
    size, time, tokens = verdict.size, verdict.time, verdict.token_bytes
    left = size.cap_bytes - size.total_bytes if size else None
    cells = {
        "rank": number(row.rank, str),
        "name": _words(title_of(row)),
        "author": PageCell(verdict.author or MISSING, "\n".join(names_of(row)).casefold()[:200]),
        "bpb": number(row.score_bpb, bpb_text),
        "delta": number(row.delta_bpb, delta_text),
        "nats": number(row.delta_nats, delta_text),
        "p": number(row.p, p_text),
        "seeds": number(len(row.seeds_bpb) or None, str),
        "size": number(left, bytes_text),
        "train": number(time.train_ms if time else None, seconds_text),
        "eval": number(time.eval_ms if time else None, seconds_text),
        "bytes": number(tokens.bytes_per_token if tokens else None, ratio_text),
        "date": _words(row.created.date().isoformat() if row.created else None),
        "status": _words(row.status),
        "verdict": _words(row.outcome),
    }
    share = size.total_bytes / size.cap_bytes if size else None
    headroom = None if left is None else headroom_share(left)
    return PageRow(href, row, cells, share, headroom, left is not None and left < 0)


def number(value: Number | None, text: Callable[[Number], str]) -> PageCell:
    """Return a number formatted by `text`, with a minus sign as wide as a plus."""
    if value is None:
        return PageCell(MISSING, "")
    shown = text(value)
    return PageCell(f"−{shown[1:]}" if shown.startswith("-") else shown, repr(value))


def _words(text: str | None) -> PageCell:
    return PageCell(text or MISSING, (text or "")[:200].casefold())
