"""The location of a finding, relative to the folder that golfcheck runs in."""

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Verdict

_PATH_CHARS = 1_000


def path_of(verdict: Verdict, finding: Finding) -> str:
    """Return the file that a finding is about, or the record's folder if it is not about a single file."""
    folder = verdict.path.rstrip("/")
    return safe(f"{folder}/{finding.path}" if finding.path else folder or "/", _PATH_CHARS)


def location_in(verdict: Verdict, finding: Finding) -> str:
    """Return `path:line`, or `path` for a finding without a line."""
    path = path_of(verdict, finding)
    return path if finding.line is None else f"{path}:{finding.line}"
