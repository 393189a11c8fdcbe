"""The explanation of a rule that is shown next to a finding, as in `golfcheck explain`."""

from functools import cache

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Skipped
from golfcheck.rules import RULES, Rule
from golfcheck.rules.seen import seen

ICONS = {Severity.ERROR: "✗", Severity.WARNING: "▲", Severity.INFO: "·"}
STYLES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}


@cache
def rules() -> dict[str, Rule]:
    """Return the rules by name."""
    return {rule.name: rule for rule in RULES}


def location_text(path: str | None, line: int | None) -> str:
    """Return the location of a finding as `file:line`; "" if it is about the whole record."""
    return "" if path is None else f"{safe(path, 200)}:{line}" if line else safe(path, 200)


def of_finding(finding: Finding) -> RenderableType:
    """Return a finding with its numbers, the fix, and the explanation of its rule."""
    severity = finding.severity
    word = severity.label if finding.waived is None else f"waived {severity.label}"
    head = Text.assemble(
        (f"{ICONS[severity]} {word}", STYLES[severity] if finding.waived is None else "dim"),
        ("  " + finding.rule, "bold"),
    )
    parts: list[RenderableType] = [head]
    if at := location_text(finding.path, finding.line):
        parts.append(Text(at, "dim"))
    parts += [Text(), Text(safe(finding.message))]
    if finding.waived is not None:
        parts += [Text(), _labelled("waived", finding.waived)]
    return Group(*parts, *_about(finding.rule, finding.hint))


def of_skipped(skipped: Skipped) -> RenderableType:
    """Return why a rule was skipped, and its explanation."""
    head = Text.assemble(("○ skipped", "info"), ("  " + skipped.rule, "bold"))
    return Group(head, Text(), Text(f"reason: {safe(skipped.reason)}"), *_about(skipped.rule, ""))


def of_passed(rule: str) -> RenderableType:
    """Return the explanation of a rule that passed."""
    head = Text.assemble(("✓ passed", "ok"), ("  " + rule, "bold"))
    return Group(head, Text(), Text("passed: no problem found"), *_about(rule, ""))


def _about(name: str, hint: str) -> list[RenderableType]:
    rule = rules().get(name)
    if rule is None:
        return [Text(), _labelled("fix", hint)] if hint else []
    parts: list[RenderableType] = [Text(), Text("why", "bold dim")]
    parts += [Padding(Text(" ".join(each.split())), (0, 0, 1, 0)) for each in rule.doc.split("\n\n")]
    parts += [_labelled("fix", hint or rule.hint), _labelled("example", rule.example)]
    parts.append(_labelled("seen", seen(rule.name)))
    parts.append(_labelled("waive", f'"golfcheck": {{"ignore": {{"{rule.name}": "why"}}}} in submission.json'))
    return parts


def _labelled(label: str, text: str) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(style="bold dim", width=8, no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(Text(label), Text(safe(text)))
    return table
