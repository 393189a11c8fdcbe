"""A verdict in one word, and whether it fails a check."""

from enum import StrEnum

from golfcheck.core.verdict import Severity, Verdict

RECORD_TRACK = "10min_16mb"
GAIN_RULE = "gain-not-significant"


class Outcome(StrEnum):
    """One word for a whole verdict, from worst to best."""

    INVALID = "invalid"  # at least one error, proven by arithmetic
    REVIEW = "review"  # a warning or a waiver: a person must decide
    UNVERIFIED = "unverified"  # no findings, but its score, size or time could not be read
    VALID = "valid"  # no findings; score, size and time were read; not shown to be a record
    RECORD = "record"  # no findings, and a significant gain over the record to beat

    @classmethod
    def _missing_(cls, value: object) -> "Outcome | None":
        """Return REVIEW for `human`, its name before version 0.1, so that old filters and files stay valid."""
        return cls.REVIEW if value == "human" else None


MEANINGS = {
    Outcome.RECORD: "no problems found, and its gain is significant",
    Outcome.VALID: "no problems found, but it is not shown to be a record",
    Outcome.UNVERIFIED: "no problems found, but its score, size or time could not be read from a log",
    Outcome.REVIEW: "a person must review the evidence, or a waiver",
    Outcome.INVALID: "arithmetic proves an error",
}


def outcome(verdict: Verdict) -> Outcome:
    """Return the word for `verdict`. A waiver is the submitter's own, so it needs review."""
    if verdict.count(Severity.ERROR):
        return Outcome.INVALID
    waived = any(finding.waived is not None and finding.severity > Severity.INFO for finding in verdict.findings)
    if waived or verdict.count(Severity.WARNING):
        return Outcome.REVIEW
    if undecided(verdict):
        return Outcome.UNVERIFIED
    if verdict.track == RECORD_TRACK and verdict.to_beat is not None and GAIN_RULE in verdict.passed:
        return Outcome.RECORD
    return Outcome.VALID


def undecided(verdict: Verdict) -> str:
    """Return which of score, size and time could not be read from a log; "" if all were read.

    A folder with nothing but code has none of them.
    """
    missing = []
    if verdict.score is None or verdict.score.mean_bpb is None:
        missing.append("score")
    if verdict.size is None:
        missing.append("size")
    if verdict.time is None or (verdict.time.train_cap_ms is not None and verdict.time.train_ms is None):
        missing.append("time")
    return f"no {' and no '.join(missing)} could be read from a log" if missing else ""


def fails(verdict: Verdict, at: Severity | None, require_record: bool = False) -> bool:
    """Whether `verdict` has a finding at or above `at` (None: never), or is not a record although one is required."""
    if require_record and outcome(verdict) is not Outcome.RECORD:
        return True
    return at is not None and any(verdict.count(severity) for severity in Severity if severity >= at)
