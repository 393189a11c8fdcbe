"""The csv format: one row per finding, and one for a record without findings, for spreadsheets and scripts."""

import csv
import io
from collections.abc import Sequence

from golfcheck.core.outcome import outcome
from golfcheck.core.verdict import Verdict
from golfcheck.render.board_data import csv_cell
from golfcheck.render.findings import in_order
from golfcheck.render.page import Page

COLUMNS = ("record", "outcome", "val_bpb", "bytes", "severity", "rule", "file", "line", "message", "fix", "waived")


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return a header and the rows; text that a spreadsheet would take for a formula is prefixed with '."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for verdict in verdicts:
        score, size = verdict.score, verdict.size
        head = (
            verdict.path,
            str(outcome(verdict)),
            score.mean_bpb if score else None,
            size.total_bytes if size else None,
        )
        if not verdict.findings:
            writer.writerow([csv_cell(value) for value in (*head, *[None] * 7)])
        for finding in in_order(verdict.findings):
            row = (finding.severity.label, finding.rule, finding.path, finding.line, finding.message, finding.hint)
            writer.writerow([csv_cell(value) for value in (*head, *row, finding.waived)])
    return out.getvalue()
