"""README.md: do the scores that it states belong to this record."""

import re
from collections.abc import Iterator

from golfcheck.core import stats
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import WARNING, Context, Skip, rule
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs

_SCORE_IN_README = re.compile(r"(?<![\w.])(?:0|1|2|3)\.[0-9]{3,10}(?![\w%]|\.[0-9])")
_MAX_README_LINES = 5_000


@rule(WARNING)
def readme_score_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """README.md states scores, and none of them is the claim or in a log.

    Lines about bpb and the tables below them are read. They may also quote other records, so one number that agrees is
    enough.
    Example: README.md:3: states 1.1500 bpb; the claim is 1.11473509, and no log has any score that README.md states
    Fix: copy the mean and the scores of the seeds from submission.json to README.md.
    """
    if record.readme is None:
        raise Skip("there is no README.md")
    stated = list(_stated_scores(record.readme))
    claim = record.submission.val_bpb if record.submission else None
    results = ctx.scored()
    if not stated:
        raise Skip("README.md states no score")
    values = [result.score.val_bpb for result in results]
    shown = [*values, stats.mean(values), *([claim] if claim is not None else [])]
    shown += [line.val_bpb for _, run in distinct_runs(record) for line in run.scores]
    if any(_rounds_to(value, number) for value in shown for _, number in stated):
        return
    line, number = stated[0]
    yield Problem(
        f"states {number} bpb; the claim is {claim if claim is not None else 'none'}, and no log has any score that "
        "README.md states",
        "README.md",
        line,
    )


def _stated_scores(readme: str) -> Iterator[tuple[int, str]]:
    """Yield the numbers that can be scores on lines about bpb and in tables whose head is one, with their lines."""
    in_table = False
    for line, text in enumerate(readme.splitlines()[:_MAX_README_LINES], 1):
        is_row, is_about = text.lstrip().startswith("|"), "bpb" in text.lower()
        in_table = is_row and (in_table or is_about)
        if is_about or in_table:
            yield from ((line, number) for number in _SCORE_IN_README.findall(text))


def _rounds_to(value: float, number: str) -> bool:
    decimals = len(number.partition(".")[2])
    return abs(value - float(number)) <= 10.0 ** -min(decimals, 8) + 1e-12
