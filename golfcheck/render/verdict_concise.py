"""The concise format: one line per finding, in the format that editors and grep understand, and a line of counts."""

from collections.abc import Sequence

from golfcheck.core.text import safe
from golfcheck.core.verdict import Verdict
from golfcheck.render.counts import counts_text, outcomes_text
from golfcheck.render.findings import in_order
from golfcheck.render.locations import location_in
from golfcheck.render.page import Page


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return `path:line: severity[rule] message` for every finding."""
    lines = []
    for verdict in verdicts:
        for finding in in_order(verdict.findings):
            word = finding.severity.label if finding.waived is None else "waived"
            style = finding.severity.label if finding.waived is None else "dim"
            reason = "" if finding.waived is None else f" (reason given: {safe(finding.waived)})"
            line = f"{page.paint(word, style)}[{finding.rule}] {safe(finding.message)}{reason}"
            lines.append(f"{location_in(verdict, finding)}: {line}")
    lines.append(f"{outcomes_text(verdicts)}; {counts_text(verdicts)}")
    return page.text(lines)
