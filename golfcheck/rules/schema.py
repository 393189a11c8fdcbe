"""The format of submission.json and of the logs, from the problems that loading reported (`Context.load_problems`)."""

from collections import defaultdict
from collections.abc import Iterator

from golfcheck.core.ruleset import STRICT_FROM
from golfcheck.core.suggest import suggestion
from golfcheck.core.verdict import Problem, Severity
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, rule, submission_of
from golfcheck.submission.claims import KNOWN_KEYS
from golfcheck.submission.identity import parse_date
from golfcheck.submission.record import Record

_SHOWN = 4  # violations of one file in a message
_SUGGESTED = 32  # misspelled keys that get a suggestion


@rule(ERROR)
def json_invalid(record: Record, ctx: Context) -> Iterator[Problem]:
    """submission.json is not valid JSON.

    It is read strictly: UTF-8, no duplicate keys, no NaN, numbers within range, at most 256 KiB.
    Example: submission.json:33: column 1: text after the end of the value
    Fix: correct the error that the message names; `python -m json.tool submission.json` shows most mistakes.
    """
    yield from ctx.load_problems
    if record.submission is None and not ctx.load_problems:
        raise Skip("there is no submission.json")


@rule(ERROR)
def schema_violation(record: Record, ctx: Context) -> Iterator[Problem]:
    """submission.json does not have the format of a new submission.

    The format is schemas/submission.schema.json. Records of the contest itself use 139 different keys: for folders that
    are not dated June 2026 or later this is only reported as info, because golfcheck understands those keys.
    Example: submission.json: 'github_id' is missing: The submitter's GitHub login, without the @
    Fix: use the keys that the message names; `golfcheck verify --fix` rewrites what can be derived.
    """
    submission_of(record)
    yield from _by_file(ctx, _severity(ctx, ERROR))


@rule(WARNING)
def log_schema_violation(record: Record, ctx: Context) -> Iterator[Problem]:
    """A log lacks lines that a referee needs.

    The parsed log is compared with schemas/train_log.schema.json: seed, world size, validation tokens, steps, byte
    counts and a final score must be there. For folders that are not dated June 2026 or later this is only reported as
    info, and so is anything unusual in a log that was read anyway: UTF-16, CRLF, NUL bytes, more lines than any run
    prints.
    Example: train_seed42.log: 'params' is missing: The number of parameters: `model_params:N`
    Fix: print the missing lines in the script, and submit the logs as they were written.
    """
    if not record.logs:
        raise Skip("there is no log")
    yield from _by_file(ctx, _severity(ctx, WARNING))


def _severity(ctx: Context, severity: Severity) -> Severity:
    day = ctx.identity.folder_day
    return severity if day and day >= STRICT_FROM else INFO


def _by_file(ctx: Context, severity: Severity) -> Iterator[Problem]:
    """Yield one problem for each file and line, because missing keys seldom come alone."""
    together: dict[tuple[str | None, int | None, Severity | None], list[str]] = defaultdict(list)
    for problem in ctx.load_problems:
        together[problem.path, problem.line, problem.severity].append(problem.message)
    for (path, line, own), messages in together.items():
        more = f"; {len(messages) - _SHOWN} more" if len(messages) > _SHOWN else ""
        yield Problem("; ".join(messages[:_SHOWN]) + more, path, line, severity if own is None else own)


@rule(INFO)
def unknown_key(record: Record, ctx: Context) -> Iterator[Problem]:
    """submission.json has a key that means nothing to golfcheck.

    Such keys are harmless and not judged.
    Example: submission.json:33: key 'favorite_color' is not judged
    Fix: nothing to do, unless the key is misspelled.
    """
    submission = submission_of(record)
    for number, key in enumerate(submission.unknown_keys):
        hint = suggestion(key, KNOWN_KEYS) if number < _SUGGESTED else ""
        yield Problem(f"key {key!r} is not judged{hint}", submission.path, submission.line_of.get(key))


@rule(WARNING)
def date_invalid(record: Record, ctx: Context) -> Iterator[Problem]:
    """The date in submission.json is not a valid date.

    Records are ordered by date; the format is YYYY-MM-DD, with or without Thh:mm:ssZ.
    Example: submission.json:5: date '2026-06-31' is not YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ
    Fix: write the day as YYYY-MM-DD.
    """
    submission = submission_of(record)
    if submission.date is None:
        raise Skip("submission.json has no date")
    if parse_date(submission.date) is None:
        yield Problem(
            f"date {submission.date!r} is not YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ",
            submission.path,
            claim_line(submission, "date"),
        )
