"""Counts in words: of findings by severity, of records by outcome."""

from collections import Counter
from collections.abc import Sequence

from golfcheck.core.numbers import counted
from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Severity, Verdict


def counts_text(verdicts: Sequence[Verdict]) -> str:
    """Return `1 error, 0 warnings, 2 info`, and the number of waived findings if there are any."""
    parts = []
    for severity in sorted(Severity, reverse=True):
        count = sum(verdict.count(severity) for verdict in verdicts)
        parts.append(f"{count} {severity.label}{'' if count == 1 or severity is Severity.INFO else 's'}")
    waived = sum(finding.waived is not None for verdict in verdicts for finding in verdict.findings)
    return ", ".join([*parts, f"{waived} waived"] if waived else parts)


def outcomes_text(verdicts: Sequence[Verdict]) -> str:
    """Return `28 records: 3 invalid, 20 review, 5 valid`."""
    words = Counter(map(outcome, verdicts))
    parts = ", ".join(f"{words[word]} {word}" for word in Outcome if words[word])
    return ": ".join(filter(None, [counted(len(verdicts), "record"), parts]))
