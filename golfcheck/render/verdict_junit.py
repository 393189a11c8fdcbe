"""The junit format: one test suite per record, one test case per rule; what could not be checked is skipped.

Errors are failures. JUnit knows no lesser grade, so warnings and info stand in the case's output.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.render.page import Page
from golfcheck.render.place import place


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the XML document, in ASCII: no encoding on the way can spoil it."""
    suites = [line for verdict in verdicts for line in _suite(verdict)]
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", *suites, "</testsuites>"]
    return "".join(f"{line}\n" for line in lines).encode("ascii", "xmlcharrefreplace").decode()


def _suite(verdict: Verdict) -> list[str]:
    found: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        found.setdefault(finding.rule, []).append(finding)
    failed = sum(any(map(_fails, findings)) for findings in found.values())
    skipped = {skip.rule: skip.reason for skip in verdict.skipped}
    rules = sorted({*found, *verdict.passed, *skipped})
    name = quoteattr(safe(verdict.path))
    lines = [
        f'  <testsuite name={name} tests="{len(rules)}" failures="{failed}" errors="0" '
        f'skipped="{len(skipped.keys() - found.keys())}" time="{verdict.seconds:.3f}">'
    ]
    for rule in rules:
        inside = _found(verdict, found[rule]) if rule in found else _skipped(skipped.get(rule))
        case = f'    <testcase classname={name} name="{rule}"'
        lines += [f"{case}>", *inside, "    </testcase>"] if inside else [f"{case}/>"]
    return [*lines, "  </testsuite>"]


def _found(verdict: Verdict, findings: list[Finding]) -> list[str]:
    failures = [f"{place(verdict, finding)}: {safe(finding.message)}" for finding in findings if _fails(finding)]
    others = [_told(verdict, finding) for finding in findings if not _fails(finding)]
    lines = []
    if failures:
        text = escape("\n".join([*failures, findings[0].hint]))
        lines.append(f'      <failure type="error" message={quoteattr(failures[0])}>{text}</failure>')
    if others:
        lines.append(f"      <system-out>{escape(chr(10).join(others))}</system-out>")
    return lines


def _told(verdict: Verdict, finding: Finding) -> str:
    waived = "" if finding.waived is None else f" (waived: {safe(finding.waived)})"
    return f"{place(verdict, finding)}: {finding.severity.label}: {safe(finding.message)}{waived}"


def _skipped(reason: str | None) -> list[str]:
    return [] if reason is None else [f"      <skipped message={quoteattr(safe(reason))}/>"]


def _fails(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and finding.waived is None
