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
from golfcheck.render.page import Page
from golfcheck.render.place import path_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the document, in ASCII; waived findings are suppressed results with their justification."""
    found = [(verdict, finding) for verdict in verdicts for finding in verdict.findings]
    hints = {finding.rule: finding.hint for _, finding in found}
    rules = sorted(hints)
    driver = {"name": "golfcheck", "version": __version__, "rules": [_rule(rule, hints[rule]) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(verdict, finding, rules.index(finding.rule)) for verdict, finding in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: str, hint: str) -> dict[str, Any]:
    made: dict[str, Any] = {"id": rule, "shortDescription": {"text": rule.replace("-", " ")}}
    if hint:
        made["help"] = {"text": hint}
    return made


def _result(verdict: Verdict, finding: Finding, index: int) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(path_of(verdict, finding))}}
    if finding.line is not None:
        location["region"] = {"startLine": finding.line}
    # GitHub matches findings of two runs by this; a line number would make every edit above it a new finding.
    told = "\0".join((finding.rule, path_of(verdict, finding), finding.message))
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": safe(finding.message)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"golfcheck/v1": hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()},
    }
    if finding.waived is not None:
        made["suppressions"] = [{"kind": "inSource", "justification": safe(finding.waived)}]
    return made


def _uri(path: str) -> str:
    return PurePath(path).as_uri() if PurePath(path).is_absolute() else quote(path)
