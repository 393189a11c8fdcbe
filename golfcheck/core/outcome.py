"""A verdict in one word, and whether it fails a check."""

from enum import StrEnum

from golfcheck.core.verdict import Severity, Verdict

RECORD_TRACK = "10min_16mb"
GAIN_RULE = "gain-not-significant"


class Outcome(StrEnum):
    """One word for a whole verdict, from worst to best."""

    INVALID = "invalid"  # arithmetic proves at least one error
    REVIEW = "review"  # evidence, or a waiver, that a person must look at
    UNVERIFIED = "unverified"  # nothing found against it, but what decides could not be checked
    VALID = "valid"  # score, size and time were read, and nothing found against them, but not shown to be a record
    RECORD = "record"  # nothing found against it, and its gain over the record to beat is significant

    @classmethod
    def _missing_(cls, value: object) -> "Outcome | None":
        """Return REVIEW for `human`, its name until version 0.1: filters and files of that time stay valid."""
        return cls.REVIEW if value == "human" else None


MEANINGS = {
    Outcome.RECORD: "nothing speaks against it, and its gain is significant",
    Outcome.VALID: "nothing speaks against it, but it is not shown to be a record",
    Outcome.UNVERIFIED: "nothing speaks against it, but its score, size or time could not be read from a log",
    Outcome.REVIEW: "a person must look at the evidence, or at a waiver",
    Outcome.INVALID: "arithmetic proves an error",
}


def outcome(verdict: Verdict) -> Outcome:
    """Return the word for `verdict`; the reason of a waiver is the submitter's, so a person must judge it."""
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
    """Say what decides and could not be checked: score, size or time that no log states; "" when all of them are read.

    A folder that holds only code states none of them.
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
    """Whether `verdict` has a finding at or above `at` (None: never), or is no record where one is required."""
    if require_record and outcome(verdict) is not Outcome.RECORD:
        return True
    return at is not None and any(verdict.count(severity) for severity in Severity if severity >= at)
