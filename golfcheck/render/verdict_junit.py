"""The junit format: one test suite per record, one test case per rule; what could not be checked is skipped.

Errors are failures. JUnit has no lower severity, so warnings and info go into the case's output.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.render.locations import location_in
from golfcheck.render.page import Page


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the XML document, in ASCII, so no encoding on the way can garble it."""
    suites = [line for verdict in verdicts for line in _suite(verdict)]
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", *suites, "</testsuites>"]
    return "".join(f"{line}\n" for line in lines).encode("ascii", "xmlcharrefreplace").decode()


def _suite(verdict: Verdict) -> list[str]:
    by_rule: dict[str, list[Finding]] = {}
    for finding in verdict.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    failed = sum(any(map(_fails, findings)) for findings in by_rule.values())
    skipped = {skip.rule: skip.reason for skip in verdict.skipped}
    rules = sorted({*by_rule, *verdict.passed, *skipped})
    name = quoteattr(safe(verdict.path))
    lines = [
        f'  <testsuite name={name} tests="{len(rules)}" failures="{failed}" errors="0" '
        f'skipped="{len(skipped.keys() - by_rule.keys())}" time="{verdict.seconds:.3f}">'
    ]
    for rule in rules:
        inside = _case(verdict, by_rule[rule]) if rule in by_rule else _skipped(skipped.get(rule))
        case = f'    <testcase classname={name} name="{rule}"'
        lines += [f"{case}>", *inside, "    </testcase>"] if inside else [f"{case}/>"]
    return [*lines, "  </testsuite>"]


def _case(verdict: Verdict, findings: list[Finding]) -> list[str]:
    failures = [f"{location_in(verdict, finding)}: {safe(finding.message)}" for finding in findings if _fails(finding)]
    others = [_output(verdict, finding) for finding in findings if not _fails(finding)]
    lines = []
    if failures:
        text = escape("\n".join([*failures, findings[0].hint]))
        lines.append(f'      <failure type="error" message={quoteattr(failures[0])}>{text}</failure>')
    if others:
        lines.append(f"      <system-out>{escape(chr(10).join(others))}</system-out>")
    return lines


def _output(verdict: Verdict, finding: Finding) -> str:
    waived = "" if finding.waived is None else f" (waived: {safe(finding.waived)})"
    return f"{location_in(verdict, finding)}: {finding.severity.label}: {safe(finding.message)}{waived}"


def _skipped(reason: str | None) -> list[str]:
    return [] if reason is None else [f"      <skipped message={quoteattr(safe(reason))}/>"]


def _fails(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR and finding.waived is None
