"""A pull request with its judged folders, its triage, and the reasons for it."""

from dataclasses import dataclass, field
from enum import StrEnum

from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Verdict
from golfcheck.judging.decisions import Rulings
from golfcheck.queue.content import Content
from golfcheck.queue.heads import Head, Own
from golfcheck.queue.lineage import Lineage
from golfcheck.queue.overlap import Overlap


class Triage(StrEnum):
    """What a maintainer should do with a pull request, most urgent first."""

    READY = "ready"
    REVIEW = "review"
    REFUTED = "refuted"
    NONE = "none"

    @property
    def heading(self) -> str:
        """The heading of its part of the queue."""
        return _HEADINGS[self]

    @property
    def meaning(self) -> str:
        """Its meaning, in a sentence."""
        return _MEANINGS[self]


_HEADINGS = {
    Triage.READY: "ready",
    Triage.REVIEW: "needs review",
    Triage.REFUTED: "refuted by arithmetic",
    Triage.NONE: "not a submission",
}
_MEANINGS = {
    Triage.READY: "no objections; records come first, in the order of their numbers",
    Triage.REVIEW: "a person must decide; the reasons are listed, and claimed records come first",
    Triage.REFUTED: "its own numbers contradict each other, or a limit",
    Triage.NONE: "it adds no record folder of its own",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason for the triage: a finding of a rule, or something that the commits show."""

    kind: str  # a rule's name, or one defined in `reasons.py`
    weight: int  # larger is more serious
    text: str
    path: str | None = None
    line: int | None = None
    hint: str = ""
    is_rule: bool = False


@dataclass(frozen=True, slots=True)
class JudgedFolder:
    """One of the record folders that a pull request adds or changes, judged."""

    own: Own
    content: Content
    lineage: Lineage | None
    overlaps: tuple[Overlap, ...]
    rulings: Rulings = field(default_factory=Rulings)  # of the maintainers, on this folder

    @property
    def verdict(self) -> Verdict | None:
        """Its verdict; None if there was nothing to judge."""
        return self.content.judged.verdict if self.content.judged else None


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request in the queue."""

    head: Head
    submissions: tuple[JudgedFolder, ...]
    triage: Triage
    reasons: tuple[Reason, ...]  # the most serious first
    contends: bool  # its score, logged or else claimed, is better than the record to beat at its number

    @property
    def number(self) -> int:
        """Its number."""
        return self.head.number

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that represents it: the one with the best score."""
        judged = [one.verdict for one in self.submissions if one.verdict]
        return min(judged, key=lambda verdict: (score_of(verdict) is None, score_of(verdict) or 0.0), default=None)

    @property
    def outcome(self) -> Outcome | None:
        """That verdict in one word."""
        verdict = self.verdict
        return outcome(verdict) if verdict else None

    @property
    def claimed_bpb(self) -> float | None:
        """The score that it claims."""
        score = self.verdict.score if self.verdict else None
        return score.claimed_bpb if score else None

    @property
    def logged_bpb(self) -> float | None:
        """The score that its logs show."""
        score = self.verdict.score if self.verdict else None
        return score.mean_bpb if score else None

    @property
    def name(self) -> str:
        """Its name, or that of its folder, or what it is."""
        if self.verdict and self.verdict.name:
            return self.verdict.name
        if self.submissions:
            return self.submissions[0].own.path.rsplit("/", 1)[-1]
        return "no record folder"

    @property
    def author(self) -> str | None:
        """The author, from submission.json."""
        return self.verdict.author if self.verdict else None


@dataclass(frozen=True, slots=True)
class Queue:
    """All pull requests, those that need a maintainer first."""

    repository: str
    base: str  # the name given by the user
    ruleset: str
    pulls: tuple[Pull, ...]
    num_heads: int  # in the repository, not only those shown
    num_contents: int  # distinct folders that were needed
    num_judged: int  # of these in this run; the others were cached

    def of(self, triage: Triage) -> tuple[Pull, ...]:
        """Return those in one part."""
        return tuple(pull for pull in self.pulls if pull.triage is triage)


def score_of(verdict: Verdict) -> float | None:
    """Return the score that counts: the logged one, else the claimed one."""
    score = verdict.score
    return None if score is None else score.claimed_bpb if score.mean_bpb is None else score.mean_bpb
