"""The code: does it parse, is it what the log says ran, and what does it reach for."""

from collections.abc import Iterator

from golfcheck.record import Record
from golfcheck.rules.rule import ERROR, Context, Skip, rule
from golfcheck.verdict import Problem


@rule(ERROR, trainer=True)
def syntax_error(record: Record, ctx: Context) -> Iterator[Problem]:
    """A source file that the script reaches is not Python.

    The newest syntax is understood whatever Python runs golfcheck, and so are byte order marks and CRLF.
    Fix: correct the place that the message names; `python -m py_compile FILE` shows it.
    """
    if not record.sources:
        raise Skip("there is no source to read")
    yield from ctx.met
