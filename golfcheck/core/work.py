"""The work that reading one record may take: counted, not timed, so that a verdict does not depend on the machine.

Every reader (submission.json, logs, sources, README, whether from a folder or from git) spends from the one budget of
the record. Prices are microseconds of CPU on the machine that docs/security.md names, rounded up from the costliest
inputs that we have tried (tests/bench/bench_hostile.py). The price of reading something includes what it will cost the
rules later.
"""

from dataclasses import dataclass

BUDGET_US = 4_000_000  # of the 5 CPU seconds a folder may take; the rest is the start of the program and its output

FILE_US = 100.0  # opened and listed
BYTE_US = 0.03  # read, decoded and searched, for secrets too
JSON_BYTE_US = 1.0
COLORED_BYTE_US = 0.04  # of a log with escape sequences
LOG_LINE_US = 18.0  # its facts are used by some twenty rules
SCORE_LINE_US = 100.0  # more than another line
LINE_CHAR_US = 0.08  # of a line of a log
SEARCHED_CHAR_US = 0.25  # more of a line that seems to state a score or a size, or has a decimal
SETTING_US = 4.0  # kept, and again for each run that inherits it
RUN_PAIR_US = 20.0  # of two runs, which the rules about seeds compare
RUN_POINT_US = 0.05  # of a step or a score, for each other run
LONG_LINE_BYTE_US = 0.08  # of a line that may hold several
SOURCE_US = 1_000.0
SOURCE_BYTE_US = 0.5  # packed, to see how small it gets
NODE_US = 10.0  # of a syntax tree, with all analyses
PARSE_BYTE_US = 0.25
PARSE_CALL_US = 25.0  # of the parser's report after each hundred of its operations, and of its requests for 4 KiB
PARSE_ERROR_CALL_US = 600.0  # of such a report, where the parser recovers from a mistake
PARSE_ERROR_EXTRA_US = 1.0  # more of it for each comment and continued line before
RUN_LINE_US = 0.03  # of each pair of lines in a row of comments or continued lines
RUN_SPACE_US = 0.008  # more of each pair for each space before a line: each level of indentation that it ends costs
STEP_US = 5.0  # an expression that is evaluated
UNPACKED_BYTE_US = 0.2  # base85 is decoded in Python
PACKED_BYTE_US = 1.0  # of a source that is packed as `golfcheck pack` does, besides its parse
FAILED_BYTE_US = 0.02  # that a decoder may have produced before it failed
TABLE_BYTE_US = 0.1
README_BYTE_US = 0.8

TOO_COSTLY = "the record costs more to read than the 5 CPU seconds that docs/security.md allows"


@dataclass(slots=True)
class Work:
    """What is left of a record's budget, in microseconds; below zero it is used up."""

    left_us: float = BUDGET_US

    def spend(self, count: float, price_us: float) -> bool:
        """Charge for `count` items; returns whether the budget sufficed: if not, the reader stops here."""
        self.left_us -= count * price_us
        return not self.is_spent

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self.left_us < 0
