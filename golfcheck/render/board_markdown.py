"""The markdown format of a board: untrusted text is in code spans, as in verdict_markdown.py.

GitHub splits a table into cells before it sees code spans, so `|` is escaped in each cell.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from golfcheck.board.model import Board, Row
from golfcheck.render.board_columns import COLUMNS, NOTHING, legend
from golfcheck.render.verdict_markdown import code

_UNTRUSTED = ("author", "record")


def render(
    board: Board, rows: Sequence[Row], *, from_file: Path | None = None, why: bool = False, notes: Sequence[str] = ()
) -> str:
    """Return the table; names link to their folders, relative to `from_file` if it is given."""
    titles = [column.title for column in COLUMNS] + (["why"] if why else [])
    lines = [
        f"| {' | '.join(titles)} |",
        f"|{'|'.join('--:' if column.right else '---' for column in COLUMNS)}|{'---|' if why else ''}",
    ]
    lines += [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in _cells(row, from_file, why))} |" for row in rows
    ]
    lines += ["", legend(board, rows).replace("*", "\\*")]
    for row in rows:
        lines += [f"- {code(row.verdict.name or row.verdict.path)}: {code(ruling.text)}" for ruling in row.rulings]
    lines += [f"- {code(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _cells(row: Row, from_file: Path | None, why: bool) -> list[str]:
    cells = []
    for column in COLUMNS:
        text = column.cell(row).strip()
        if column.title in _UNTRUSTED and text != NOTHING:
            text = code(text)
        if column.title == "record" and from_file is not None:
            text = f"[{text}]({_address(row.verdict.path, from_file)})"
        cells.append(text.replace("*", "\\*") if column.title == "#" else text)
    return [*cells, code(row.reason) if row.reason else ""] if why else cells


def _address(path: str, from_file: Path) -> str:
    """Return the link to a record's folder, relative to a file, with special characters escaped."""
    return quote(os.fsencode(os.path.relpath(path, from_file.parent)), safe="/._-")
