"""Waivers: submission.json may ask to ignore a rule and say why, `"golfcheck": {"ignore": {"rule-name": "reason"}}`."""

from collections.abc import Iterator

from golfcheck.core.suggest import suggestion
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import INFO, WARNING, Context, Skip, rule, submission_of
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record

_SUGGESTED = 32  # misspelled names that get a suggestion
FAMILY = __name__.rpartition(".")[2]


def asked(submission: Submission | None) -> dict[str, object]:
    """Return what the submission asks to ignore: rule → the value given as its reason."""
    block = submission.raw.get("golfcheck") if submission else None
    ignore = block.get("ignore") if isinstance(block, dict) else None
    return {str(name): reason for name, reason in ignore.items()} if isinstance(ignore, dict) else {}


def waivers(submission: Submission | None) -> dict[str, str]:
    """Return the valid waivers: those with a reason."""
    return {name: reason for name, reason in asked(submission).items() if isinstance(reason, str) and reason.strip()}


def _with_waivers(record: Record) -> Submission:
    submission = submission_of(record)
    if not asked(submission):
        raise Skip("submission.json waives nothing")
    return submission


@rule(WARNING)
def waiver_without_reason(record: Record, ctx: Context) -> Iterator[Problem]:
    """A waiver gives no reason, so it is invalid.

    Example: submission.json:33: thin-margin is waived without a reason
    Fix: write why the rule does not apply here, for the person who reads the report.
    """
    submission = _with_waivers(record)
    holding = waivers(submission)
    for name in (name for name in asked(submission) if name not in holding):
        yield Problem(f"{name} is waived without a reason", submission.path, submission.line_of.get("golfcheck"))


@rule(INFO)
def waiver_unused(record: Record, ctx: Context) -> Iterator[Problem]:
    """A waiver has no effect: the rule has no finding here, does not exist, or proves a claimed number wrong.

    Only a ruling of the maintainers waives a finding that proves a score, a size or a time wrong.

    Example: submission.json:33: thin-margin is waived, but has no finding
    Fix: remove it from submission.json.
    """
    submission = _with_waivers(record)
    for number, name in enumerate(waivers(submission)):
        if name not in ctx.triggered:
            why = "has no finding"
            why += "" if name in ctx.rule_names or number >= _SUGGESTED else suggestion(name, ctx.rule_names)
        elif name in ctx.proven:
            why = "proves the claim wrong: only the maintainers can waive it"
        else:
            continue
        yield Problem(f"{name} is waived, but {why}", submission.path, submission.line_of.get("golfcheck"))
