"""The size ledger: every part's bytes on disk, in the log, and in submission.json, side by side."""

from golfcheck.core.numbers import bytes_text, headroom_text
from golfcheck.core.text import pad, safe, width
from golfcheck.core.verdict import LedgerRow, Verdict
from golfcheck.render.page import Page

_HEADINGS = ("file on disk", "log says", "submission.json")
_NUMBER_COLUMNS = 15


def disagrees(verdict: Verdict) -> bool:
    """Whether two sources give different byte counts for a part, in which case a reader needs the ledger."""
    return any(len({count for count in _counts(row) if count is not None}) > 1 for row in verdict.ledger)


def ledger(verdict: Verdict, page: Page) -> list[str]:
    """Return the table, with the bytes left under the cap in its last line."""
    if not verdict.ledger:
        return []
    labels = [f"{row.part:<6}{safe(row.path or '', 40)}".rstrip() for row in verdict.ledger]
    columns = min(max(map(width, labels)), max(12, page.columns - 3 * (_NUMBER_COLUMNS + 2) - 4))
    head = "  " + " " * columns + "".join(f"  {heading:>{_NUMBER_COLUMNS}}" for heading in _HEADINGS)
    lines = [page.paint(head.rstrip(), "dim")]
    for label, row in zip(labels, verdict.ledger, strict=True):
        numbers = "".join(f"  {_number(count):>{_NUMBER_COLUMNS}}" for count in _counts(row))
        lines.append(f"  {pad(label, columns)}{numbers}")
        if note := _note(row, verdict):
            lines += page.prose(note, "    ", "    ")
    return lines


def _counts(row: LedgerRow) -> tuple[int | None, ...]:
    return row.disk_bytes, row.logged_bytes, row.claimed_bytes


def _number(count: int | None) -> str:
    return "-" if count is None else bytes_text(count)


def _note(row: LedgerRow, verdict: Verdict) -> str:
    notes = [safe(row.note, 200)] if row.note else []
    present = [count for count in _counts(row) if count is not None]
    if row.part == "total" and verdict.size and present:
        left_bytes = verdict.size.cap_bytes - max(present)
        notes.append(f"cap {bytes_text(verdict.size.cap_bytes)} -> {headroom_text(left_bytes)}")
    return "; ".join(notes)
