"""A board's rows as flat values, for machines: the json and the csv format."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from golfcheck import __version__
from golfcheck.board.model import Board, Row
from golfcheck.core.text import safe
from golfcheck.core.verdict import Severity
from golfcheck.judging.decisions import Ruling
from golfcheck.render.jsonable import plain

# What a spreadsheet may take for the beginning of a formula, including full-width characters.
_FORMULA = re.compile(r"(?:^|;)\s*(?=[=+@＝＋－＠-])")


# The names of a row's values in both formats, and what they are.
FIELDS: dict[str, Callable[[Row], Any]] = {
    "rank": lambda row: row.rank,
    "val_bpb": lambda row: row.score_bpb,
    "status": lambda row: row.status and str(row.status),
    "delta_bpb": lambda row: row.delta_bpb,
    "delta_nats": lambda row: row.delta_nats,
    "p": lambda row: row.p,
    "held": lambda row: row.held,
    "reason": lambda row: row.reason,
    "verdict": lambda row: str(row.outcome),
    "errors": lambda row: row.verdict.count(Severity.ERROR),
    "warnings": lambda row: row.verdict.count(Severity.WARNING),
    "seeds": lambda row: len(row.seeds_bpb),
    "sd_bpb": lambda row: row.verdict.score and row.verdict.score.sd_bpb,
    "mean_nats": lambda row: row.verdict.score and row.verdict.score.mean_nats,
    "claimed_bpb": lambda row: row.verdict.score and row.verdict.score.claimed_bpb,
    "bytes": lambda row: row.verdict.size and row.verdict.size.total_bytes,
    "bytes_left": lambda row: row.verdict.size and row.verdict.size.cap_bytes - row.verdict.size.total_bytes,
    "train_ms": lambda row: row.verdict.time and row.verdict.time.train_ms,
    "eval_ms": lambda row: row.verdict.time and row.verdict.time.eval_ms,
    "bytes_per_token": lambda row: row.verdict.token_bytes and row.verdict.token_bytes.bytes_per_token,
    "tokenizer": lambda row: row.verdict.token_bytes and row.verdict.token_bytes.tokenizer,
    "created": lambda row: row.created and row.created.isoformat(),
    "author": lambda row: row.verdict.author,
    "github_id": lambda row: row.github_id,
    "name": lambda row: row.verdict.name,
    "path": lambda row: row.verdict.path,
    "track": lambda row: row.verdict.track,
    "to_beat": lambda row: row.verdict.to_beat and row.verdict.to_beat.name,
}


def render_json(board: Board, rows: Sequence[Row]) -> str:
    """Return the document, in ASCII: the rows that are shown, and the paths of the whole board's frontier."""
    document = {
        "golfcheck": __version__,
        "ruleset": board.ruleset,
        "as_of": board.as_of.date().isoformat() if board.as_of else None,
        "against": board.against,
        "records": len(board.rows),
        "frontier": [safe(row.verdict.path) for row in board.frontier],
        "rows": [{**row_object(row), "rulings": [_ruling(ruling) for ruling in row.rulings]} for row in rows],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def render_csv(rows: Sequence[Row]) -> str:
    """Return a header and one line for each row; text that a spreadsheet would take for a formula is quoted with '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*FIELDS, "rulings"])
    for row in rows:
        rulings = "; ".join(ruling.text for ruling in row.rulings)
        writer.writerow([csv_cell(value) for value in (*row_object(row).values(), rulings)])
    return out.getvalue()


def row_object(row: Row) -> dict[str, Any]:
    """Return a row's values by name; text is safe, missing values are None."""
    return {name: plain(value(row)) for name, value in FIELDS.items()}


def _ruling(ruling: Ruling) -> dict[str, Any]:
    values = {field.name: getattr(ruling, field.name) for field in fields(ruling) if field.name != "record"}
    return {name: plain(str(value) if name in ("kind", "on") else value) for name, value in values.items()}


def csv_cell(value: Any) -> Any:
    """Return a value for a CSV cell: safe text, with a quotation mark before anything that a spreadsheet would execute.

    In countries with decimal commas, spreadsheets begin a new cell at each semicolon.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    return _FORMULA.sub(r"\g<0>'", safe(value))
