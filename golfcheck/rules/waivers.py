"""Waivers: submission.json may ask to ignore a rule and say why, `"golfcheck": {"ignore": {"rule-name": "reason"}}`."""

from collections.abc import Iterator

from golfcheck.record import Record
from golfcheck.rules.rule import INFO, WARNING, Context, Skip, rule
from golfcheck.verdict import Problem

FAMILY = __name__.rpartition(".")[2]


def asked(record: Record) -> dict[str, object]:
    """Return what the submission asks to ignore: rule → whatever stands there as a reason."""
    block = record.submission.raw.get("golfcheck") if record.submission else None
    ignore = block.get("ignore") if isinstance(block, dict) else None
    return {str(name): reason for name, reason in ignore.items()} if isinstance(ignore, dict) else {}


def waivers(record: Record) -> dict[str, str]:
    """Return the waivers that hold: those with a reason."""
    return {name: reason for name, reason in asked(record).items() if isinstance(reason, str) and reason.strip()}


@rule(WARNING)
def waiver_without_reason(record: Record, ctx: Context) -> Iterator[Problem]:
    """A waiver gives no reason, so it does not hold.

    Fix: write why the rule does not apply here, for the person who reads the report.
    """
    if not asked(record):
        raise Skip("submission.json waives nothing")
    holding = waivers(record)
    for name in (name for name in asked(record) if name not in holding):
        yield Problem(f"{name} is waived without a reason", record.submission.path if record.submission else None)


@rule(INFO)
def waiver_unused(record: Record, ctx: Context) -> Iterator[Problem]:
    """A waiver is of a rule that found nothing here, or that does not exist.

    Fix: remove it from submission.json.
    """
    if not asked(record):
        raise Skip("submission.json waives nothing")
    for name in (name for name in waivers(record) if name not in ctx.found):
        yield Problem(f"{name} is waived, but has found nothing", record.submission.path if record.submission else None)
