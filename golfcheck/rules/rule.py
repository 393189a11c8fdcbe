"""A rule is a function whose name is its identifier and whose docstring is its documentation."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from golfcheck.core.ruleset import Ruleset, Track
from golfcheck.core.verdict import Problem, Severity, ToBeat
from golfcheck.submission.agreement import agrees, mean_agrees
from golfcheck.submission.claims import Submission
from golfcheck.submission.examined import Entry
from golfcheck.submission.history import Branch
from golfcheck.submission.identity import Identity
from golfcheck.submission.mentions import Mention
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result
from golfcheck.trainlog.events import LoggedRun, TrainLog

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Skip(Exception):
    """Raised by a rule that cannot decide; its text is the reason that is printed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule gets besides the record."""

    ruleset: Ruleset
    identity: Identity
    trainer: bool  # the folder is a trainer's (no submission), so only its code can be judged
    today: date  # the latest day that has begun anywhere
    results: tuple[Result, ...] = ()
    no_results: str = ""  # why there are none
    runs: Sequence[tuple[TrainLog, LoggedRun]] = ()  # the runs judged: those of the results, or else all in the folder
    ours: Entry | None = None  # the record as the replay sees it, once it is compared with the record to beat
    best: Entry | None = None  # the record to beat
    to_beat: ToBeat | None = None  # the difference between the two
    load_problems: tuple[Problem, ...] = ()  # problems that loading reported for the rule that is running
    branch: Branch | None = None  # what the branch changes, if a base is named
    triggered: frozenset[str] = frozenset()  # rules with a finding: for the rules about waivers, which run last
    proven: frozenset[str] = frozenset()  # those of them that no submission can waive
    rule_names: frozenset[str] = frozenset()  # of all rules: a waiver may misspell one

    @property
    def track(self) -> Track:
        """The track whose limits hold."""
        return self.identity.track

    def scored(self) -> tuple[Result, ...]:
        """Return the results; Skip if there are none."""
        if not self.results:
            raise Skip(self.no_results)
        return self.results


Check = Callable[[Record, Context], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A check with its identifier, family, default severity, documentation, an example finding, and a hint."""

    name: str
    family: str
    severity: Severity
    doc: str
    example: (
        str  # `location: message`, as printed for the case that breaks the rule in tests/golfcheck/rules/test_rules.py
    )
    hint: str
    check: Check
    trainer: bool  # also judges a trainer's folder


def rule(severity: Severity, *, trainer: bool = False) -> Callable[[Check], Rule]:
    """Make a function a rule; its docstring ends with an `Example:` of a finding and a `Fix:`, which is the hint."""

    def make(check: Check) -> Rule:
        about, _, hint = inspect.cleandoc(check.__doc__ or "").partition("\nFix:")
        doc, _, example = about.partition("\nExample:")
        name, family = check.__name__.replace("_", "-"), check.__module__.rpartition(".")[2]
        assert doc and example and hint, f"rule {name} needs a docstring with an `Example:` and a `Fix:`"
        return Rule(
            name, family, severity, doc.strip(), " ".join(example.split()), " ".join(hint.split()), check, trainer
        )

    return make


def submission_of(record: Record) -> Submission:
    """Return the submission; Skip if there is no readable one."""
    if record.submission is None:
        raise Skip("there is no readable submission.json")
    return record.submission


def is_in_doubt(record: Record, ctx: Context) -> bool:
    """Return whether the judged runs may not be the submission's own.

    Either there is no claim about several runs, one of which may be a baseline, or about one that reached no score; or
    a file other than a log contains the claimed score, so that the logs may be of different runs.
    """
    submission = record.submission
    if submission is None or (submission.val_bpb is None and not submission.seeds):
        return len(ctx.runs) > 1 or not ctx.results
    claim = submission.val_bpb
    if claim is None or not ctx.results or mention_of(claim, record) is None:
        return False
    lines = [line for result in ctx.results for line in result.run.scores]
    return not mean_agrees(claim, ctx.results) and not any(agrees(claim, line.val_bpb, line.digits) for line in lines)


def mention_of(claim: float, record: Record) -> Mention | None:
    """Return where a file that is neither a log nor the submission contains a claimed number."""
    return next((mention for mention in record.mentions if agrees(claim, float(mention.number))), None)


def claim_line(submission: Submission, field: str) -> int | None:
    """Return the line of the key from which a field of the submission was read."""
    return submission.line_of.get(submission.key_of.get(field, field))
