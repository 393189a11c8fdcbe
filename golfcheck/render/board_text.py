"""The text format of a board: a table as wide as the terminal, rulings below their rows, and what the marks mean."""

from collections.abc import Sequence

from golfcheck.board.model import Board, Row
from golfcheck.core.outcome import Outcome
from golfcheck.core.text import fit, pad, safe, width
from golfcheck.render.board_columns import COLUMNS, TextColumn, legend
from golfcheck.render.page import Page

_GAP = "  "
_MAX_COLUMNS = {"author": 16, "verdict": 19}
_LEAST_RECORD = 24  # columns for the record's name; others are dropped before it gets fewer
_STYLE = {
    Outcome.INVALID: "error",
    Outcome.REVIEW: "warning",
    Outcome.UNVERIFIED: "dim",
    Outcome.VALID: "",
    Outcome.RECORD: "ok",
}


def render(board: Board, rows: Sequence[Row], page: Page, *, why: bool = False, notes: Sequence[str] = ()) -> str:
    """Return the table of `rows`, which belong to the board; with `why`, the reason below each row that has one."""
    cells = [[column.cell(row) for column in COLUMNS] for row in rows]
    widths = {
        column.title: min(
            _MAX_COLUMNS.get(column.title, 400), max(map(width, [column.title, *(line[index] for line in cells)]))
        )
        for index, column in enumerate(COLUMNS)
    }
    fitting = _fitting(widths, page.columns)
    last = fitting[-1].title
    taken = sum(widths[column.title] + len(_GAP) for column in fitting[:-1])
    widths[last] = max(8, page.columns - taken)
    delta = "d" if page.ascii else "Δ"
    lines = [page.paint(_line([column.title.replace("Δ", delta) for column in fitting], fitting, widths), "dim")]
    shown = [index for index, column in enumerate(COLUMNS) if column in fitting]
    for row, line in zip(rows, cells, strict=True):
        style = "dim" if row.rank is None else _STYLE[row.outcome] or ("bold" if row.held else "")
        lines.append(page.paint(_line([line[index] for index in shown], fitting, widths), style))
        remarks = [ruling.text for ruling in row.rulings]
        if why and row.reason and row.reason not in remarks:
            remarks.append(row.reason)
        for text in remarks:
            lines += [page.paint(part, "dim") for part in page.prose(safe(text), "      ", "      ")]
    lines.append("")
    lines += [page.paint(part, "dim") for part in page.prose(legend(board, rows).replace("Δ", delta), "", "")]
    return page.text([*lines, *(part for note in notes for part in page.prose(note, "", "  "))])


def _fitting(widths: dict[str, int], columns: int) -> list[TextColumn]:
    """Return the columns that fit, each as wide as it needs."""
    fitting = list(COLUMNS)
    while True:
        room = columns - sum(widths[column.title] + len(_GAP) for column in fitting[:-1])
        falling = [column for column in fitting if column.falls]
        if room >= _LEAST_RECORD or not falling:
            return fitting
        fitting.remove(max(falling, key=lambda column: column.falls))


def _line(cells: Sequence[str], fitting: Sequence[TextColumn], widths: dict[str, int]) -> str:
    parts = []
    for text, column in zip(cells, fitting, strict=True):
        room = widths[column.title]
        cut = fit(text, room)
        parts.append(" " * (room - width(cut)) + cut if column.right else pad(cut, room))
    return _GAP.join(parts).rstrip()
