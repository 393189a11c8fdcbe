"""Findings for people, ordered by file and line, each with its numbers; the fix is printed once per rule."""

from collections.abc import Iterable

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity
from golfcheck.render.page import Page


def findings(items: Iterable[Finding], page: Page) -> list[str]:
    """Return the findings grouped by location; those that the submission waives are last, with its reason."""
    lines: list[str] = []
    previous, explained = "", set[str]()
    for finding in in_order(items):
        here = location(finding)
        if here != previous:
            lines += ["", f"  {page.paint(here, 'bold')}"]
            previous = here
        word = finding.severity.label if finding.waived is None else "waived"
        head = f"    {word}[{finding.rule}]  "
        text = page.prose(head + safe(finding.message), "", " " * 6)
        style = finding.severity.label if finding.waived is None else "dim"
        text[0] = text[0].replace(word, page.paint(word, style), 1)
        lines += text
        if finding.waived is not None:
            lines += page.prose(f"reason given: {safe(finding.waived)}", " " * 6, " " * 8)
        elif finding.hint and finding.rule not in explained:
            lines += page.prose(f"fix: {safe(finding.hint)}", " " * 6, " " * 11)
            explained.add(finding.rule)
    return lines


def briefly(items: Iterable[Finding], page: Page) -> list[str]:
    """Return a line or two for each rule with a finding above info, the worst first, with its first finding."""
    rules: dict[tuple[str, bool], list[Finding]] = {}
    for finding in in_order(items):
        if finding.waived is not None or finding.severity > Severity.INFO:
            rules.setdefault((finding.rule, finding.waived is not None), []).append(finding)
    lines: list[str] = []
    for (rule, waived), (first, *more) in sorted(rules.items(), key=lambda item: (item[0][1], -item[1][0].severity)):
        word, style = ("waived", "dim") if waived else (first.severity.label, first.severity.label)
        where = f"{location(first)}: " if first.path else ""
        others = f" (and {len(more)} more)" if more else ""
        text = page.prose(f"    {word}[{rule}]  {where}{safe(first.message)}{others}", "", " " * 8)
        text[0] = text[0].replace(word, page.paint(word, style), 1)
        lines += text
    return lines


def location(finding: Finding) -> str:
    """Return `path:line`, or `path`; `(record)` for a finding about the whole folder."""
    if finding.path is None:
        return "(record)"
    path = safe(finding.path, 400)
    return path if finding.line is None else f"{path}:{finding.line}"


def in_order(items: Iterable[Finding]) -> list[Finding]:
    """Return the findings by file, line and severity; the waived ones last."""
    return sorted(
        items,
        key=lambda finding: (finding.waived is not None, finding.path or "", finding.line or 0, -finding.severity),
    )
