"""The vocabulary of judging: a rule yields problems, a problem becomes a finding, findings make a verdict."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How sure a finding is: arithmetic proves an error, a person must look at a warning, the rest is info."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The word that is printed."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Problem:
    """What a rule yields; it does not know the rule's name. `path` is relative to the record, `line` counts from 1."""

    message: str
    path: str | None = None
    line: int | None = None
    severity: Severity | None = None  # where one rule proves some cases and only suspects others


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem with the rule that found it, its severity, and the hint of what to do."""

    rule: str
    severity: Severity
    message: str
    path: str | None
    line: int | None
    hint: str
    waived: str | None = None  # the reason that the submission gives for ignoring the rule


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that could not decide, and why."""

    rule: str
    reason: str
