"""Dataclasses → JSON values: the one module that decides names, units, and the form of untrusted strings."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from golfcheck.core.outcome import outcome
from golfcheck.core.text import safe
from golfcheck.core.verdict import Severity, Verdict


def plain(value: Any) -> Any:
    """Return `value` in dicts, lists, numbers and safe strings; a float that is not finite becomes None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Severity):
        return value.label
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """Return the object that the schema calls a verdict: the fields of `Verdict`, its outcome and its counts."""
    counts = {severity.label: verdict.count(severity) for severity in sorted(Severity, reverse=True)}
    out: dict[str, Any] = plain(verdict)
    return {"path": out.pop("path"), "outcome": str(outcome(verdict)), "counts": counts, **out}


def summary_object(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return the counts of many verdicts: records, outcomes, findings by severity and by rule."""
    counted = [finding for verdict in verdicts for finding in verdict.findings if finding.waived is None]
    by_severity = Counter(finding.severity for finding in counted)
    return {
        "records": len(verdicts),
        "outcomes": dict(Counter(str(outcome(verdict)) for verdict in verdicts)),
        "counts": {severity.label: by_severity[severity] for severity in sorted(Severity, reverse=True)},
        "rules": dict(Counter(finding.rule for finding in counted).most_common()),
    }
