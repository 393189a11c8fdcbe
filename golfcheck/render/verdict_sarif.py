"""The sarif format: Static Analysis Results Interchange Format 2.1.0 (OASIS), for code scanning."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from golfcheck import __version__
from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.render.locations import path_of
from golfcheck.render.page import Page
from golfcheck.rules import RULES, Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RESULTS = 25_000  # of a run: GitHub refuses a file with more
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_INDEX = {rule.name: index for index, rule in enumerate(RULES)}


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the document, in ASCII; waived findings are suppressed results with their justification.

    All rules are declared, with the text of `golfcheck explain`. If there are more than MAX_RESULTS findings, the most
    severe are written, and a notification says how many are left out.
    """
    findings = [(verdict, finding) for verdict in verdicts for finding in verdict.findings]
    written = sorted(findings, key=lambda pair: -pair[1].severity)[:MAX_RESULTS]  # stable: records stay in order
    if len(findings) <= MAX_RESULTS:
        written = findings
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "golfcheck", "version": __version__, "rules": list(map(_rule, RULES))}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(verdict, finding) for verdict, finding in written],
    }
    if left_out := len(findings) - len(written):
        text = f"{left_out:,} of {len(findings):,} findings are left out: code scanning takes {MAX_RESULTS:,}"
        notification = {"level": "warning", "message": {"text": text}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [notification]}]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    """Return a rule's declaration in SARIF."""
    title, _, reason = rule.doc.partition("\n")
    explanation = " ".join(reason.split()) or title
    return {
        "id": rule.name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": explanation},
        "help": {
            "text": f"{explanation} Example: {rule.example} Fix: {rule.hint}",
            "markdown": f"{explanation}\n\n**Example:** `{rule.example.replace('`', chr(39))}`\n\n**Fix:** {rule.hint}",
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.family]},
    }


def _result(verdict: Verdict, finding: Finding) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(path_of(verdict, finding))}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line}
    # GitHub matches findings of two runs by this; a line number would make every edit above it a new finding.
    identity = "\0".join((finding.rule, path_of(verdict, finding), finding.message))
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": safe(finding.message)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"golfcheck/v1": hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()},
    }
    if finding.rule in _INDEX:
        result["ruleIndex"] = _INDEX[finding.rule]
    if finding.waived is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": safe(finding.waived)}]
    return result


def _uri(path: str) -> str:
    return PurePath(path).as_uri() if PurePath(path).is_absolute() else quote(path)
