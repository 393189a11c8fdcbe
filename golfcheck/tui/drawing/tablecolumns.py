"""The columns of the board: what each shows, its width, and which are dropped on a narrow terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from golfcheck.board import model
from golfcheck.board.model import Row, Status
from golfcheck.core.numbers import headroom_share, p_text
from golfcheck.core.outcome import Outcome
from golfcheck.core.text import LIMIT_CHARS, safe
from golfcheck.tui.drawing.glyphs import Glyphs, bar

MIN_NAME = 16
_BAR = 5  # cells of the bar for the room left; it grows on a wide terminal
# The names of styles; the table turns them into colors of the theme.
OUTCOMES = {
    Outcome.INVALID: "bad",
    Outcome.REVIEW: "warn",
    Outcome.UNVERIFIED: "dim",
    Outcome.VALID: "",
    Outcome.RECORD: "good",
}


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column. `cell` returns text for any width, and the name of a style ("" for none)."""

    title: str
    width: int
    sort: str  # a key of query.SORT_KEYS
    priority: int  # columns with the highest number are dropped first
    cell: Callable[[Row, int, Glyphs], tuple[str, str]]
    right: bool = True
    last_first: bool = False  # sorted in descending order at first
    grows: int = 0  # grows up to this width


def _number(digits: int, value: Callable[[Row], float | None], sign: str = "") -> Callable[..., tuple[str, str]]:
    def cell(row: Row, width: int, _glyphs: Glyphs) -> tuple[str, str]:
        shown = value(row)
        return ("" if shown is None else _digits(shown, digits, width, sign)), ""

    return cell


def _digits(value: float, digits: int, width: int, sign: str = "") -> str:
    """Return a number with as many of `digits` decimals as fit, or a bound if none do.

    It is never cut, because a cut number reads as a different one.
    """
    for decimals in range(digits, -1, -1):
        shown = f"{value:{sign}.{decimals}f}"
        if len(shown) <= width:
            return shown
    nines = "9" * (width - 1)
    return f">{nines}" if value > 0 else f"<-{nines[1:]}"


def _score(row: Row, width: int, glyphs: Glyphs) -> tuple[str, str]:
    if row.score_bpb is None:
        return f"{glyphs.dash} ", ""
    ours = dict.fromkeys((Status.RESCORED, Status.BOXED), glyphs.rescored)
    sign = {Status.CLAIMED: glyphs.claimed, **ours}.get(row.status or Status.LOGGED, " ")
    return f"{_digits(row.score_bpb, 5, width - 1)}{sign}", "score"


def _rank(row: Row, width: int, glyphs: Glyphs) -> tuple[str, str]:
    return (_digits(row.rank, 0, width) if row.rank is not None else glyphs.dash), ""


def _p(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    if row.p is None:
        return "", ""
    return p_text(row.p), ""


def _megabytes(row: Row) -> float | None:
    return row.verdict.size.total_bytes / 1e6 if row.verdict.size else None


def _bar(row: Row, width: int, glyphs: Glyphs) -> tuple[str, str]:
    size = row.verdict.size
    if size is None:
        return "", ""
    left = size.cap_bytes - size.total_bytes
    return bar(headroom_share(left), width, glyphs), "bad" if left < 0 else "bar"


def _train(row: Row) -> float | None:
    ms = row.verdict.time.train_ms if row.verdict.time else None
    return None if ms is None else ms / 1e3


def _eval(row: Row) -> float | None:
    ms = row.verdict.time.eval_ms if row.verdict.time else None
    return None if ms is None else ms / 1e3


def _bytes_per_token(row: Row) -> float | None:
    return row.verdict.token_bytes.bytes_per_token if row.verdict.token_bytes else None


def _seeds(row: Row, width: int, glyphs: Glyphs) -> tuple[str, str]:
    count = len(row.verdict.score.seeds) if row.verdict.score else 0
    return (_digits(count, 0, width) if count else glyphs.dash), ""  # stated in no log, or not read yet


def _text(value: Callable[[Row], object | None], style: str = "") -> Callable[..., tuple[str, str]]:
    def cell(row: Row, width: int, glyphs: Glyphs) -> tuple[str, str]:
        shown = value(row)
        return (safe(str(shown), LIMIT_CHARS) if shown is not None else glyphs.dash), style

    return cell


def name_of(row: Row) -> str:
    """Return a record's name, or its folder's, safe to print."""
    return safe(model.name_of(row))


def _outcome(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    return (row.outcome.value, OUTCOMES[row.outcome]) if row.judged else ("judging", "")


COLUMNS = (
    TableColumn("#", 5, "rank", 0, _rank),
    TableColumn("val_bpb", 8, "bpb", 0, _score),
    TableColumn("Δ bpb", 8, "delta", 3, _number(5, lambda row: row.delta_bpb, "+")),
    TableColumn("Δ nats", 8, "delta-nats", 9, _number(5, lambda row: row.delta_nats, "+")),
    TableColumn("p", 7, "p", 5, _p),
    TableColumn("n", 2, "seeds", 6, _seeds, last_first=True),
    TableColumn("MB", 5, "size", 4, _number(2, _megabytes)),
    TableColumn("room", _BAR, "size", 4, _bar, right=False, grows=16),
    TableColumn("train", 5, "train", 7, _number(0, _train)),
    TableColumn("eval", 4, "eval", 8, _number(0, _eval)),
    TableColumn("B/tok", 5, "bytes-per-token", 11, _number(3, _bytes_per_token)),
    TableColumn("verdict", 7, "verdict", 2, _outcome, right=False, last_first=True, grows=10),
    TableColumn("date", 10, "date", 2, _text(lambda r: r.created and r.created.date()), right=False, last_first=True),
    TableColumn("author", 8, "author", 10, _text(lambda r: r.verdict.author), right=False, grows=20),
    TableColumn("status", 8, "status", 12, _text(lambda r: r.status), right=False, last_first=True),
    TableColumn("name", MIN_NAME, "name", 0, lambda row, width, glyphs: (name_of(row), "name"), right=False, grows=400),
)


def fitting(columns: int, table: Sequence[TableColumn] = COLUMNS) -> tuple[TableColumn, ...]:
    """Return the columns that fit into `columns` cells, with their widths, one space between two columns.

    The name is always shown, with at least MIN_NAME cells if the terminal is that wide.
    """
    remaining = list(table)
    while len(remaining) > 1 and _taken(remaining) > columns:
        least = max(remaining, key=lambda column: column.priority)
        if least is table[0]:  # only then does the rank lose its fifth digit
            remaining[0] = replace(least, width=least.width - 1)
        else:
            remaining.remove(least)
    spare = columns - _taken(remaining)
    widened = []
    for index, column in enumerate(remaining):
        rest = sum(1 for other in remaining[index + 1 :] if other.grows)
        # The name gets half of the remaining space.
        share = spare if not rest else spare // (2 * rest + 2)
        more = min(share, column.grows - column.width) if column.grows else 0
        spare -= max(more, 0)
        widened.append(replace(column, width=max(column.width + more, 1)))
    return tuple(widened)


def _taken(columns: Sequence[TableColumn]) -> int:
    return sum(column.width for column in columns) + len(columns) - 1
