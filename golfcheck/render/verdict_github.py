"""The github format: workflow commands that GitHub shows as annotations next to the changed lines.

GitHub shows only the first ten of a step, so errors come first, and the tenth says how many more there are.
Escaping follows the runner's own (actions/toolkit, `command.ts`): `%`, CR, LF, and in properties also `:` and `,`.
"""

from collections.abc import Sequence

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.render.counts import counts_text, outcomes_text
from golfcheck.render.locations import path_of
from golfcheck.render.page import Page

MAX_ANNOTATIONS = 10
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the annotations, and a line of counts for the log."""
    pairs = [(verdict, finding) for verdict in verdicts for finding in verdict.findings]
    pairs.sort(key=lambda pair: (pair[1].waived is not None, -pair[1].severity))
    shown = pairs if len(pairs) <= MAX_ANNOTATIONS else pairs[: MAX_ANNOTATIONS - 1]
    lines = [_annotation(verdict, finding) for verdict, finding in shown]
    if len(pairs) > len(shown):
        more = f"{len(pairs) - len(shown)} more findings: see the summary of this job, or run golfcheck verify"
        lines.append(f"::notice title=golfcheck::{_data(more)}")
    lines.append(f"golfcheck: {outcomes_text(verdicts)}; {counts_text(verdicts)}")
    return "\n".join(lines) + "\n"


def _annotation(verdict: Verdict, finding: Finding) -> str:
    waived = finding.waived is not None
    command = "notice" if waived else _COMMANDS[finding.severity]
    title = f"golfcheck: {finding.rule}" + (" (waived)" if waived else "")
    note = f"reason given: {safe(finding.waived)}" if finding.waived is not None else finding.hint
    properties = [f"file={_property(path_of(verdict, finding))}"]
    if finding.line is not None:
        properties.append(f"line={finding.line}")
    properties.append(f"title={_property(title)}")
    message = safe(finding.message) + (f"\n{note}" if note else "")
    return f"::{command} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    # "##[" is the runner's older command syntax, and is obeyed anywhere in a line.
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return escaped.replace("##[", "# #[")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
