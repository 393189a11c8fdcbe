"""How long the filter of a board and a comparison of two records take: `make bench`, or this file alone.

Baselines in the same run: for the filter, one pass over the rows that reads a field; for the line diff, the standard
library's on the same texts.
"""

import difflib
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from golfcheck.board.keys import sorted_rows
from golfcheck.board.model import Row, Status
from golfcheck.board.query import parse
from golfcheck.comparison.patience import hunks
from tests.golfcheck.comparison.test_patience import hostile
from tests.golfcheck.verdicts import a_verdict

ROWS = 10_000
FILTER_MS = 20.0  # a board of 10,000 rows is filtered at every key that is pressed; a keystroke has 100 ms in all
HOSTILE_SECONDS = 5.0


def milliseconds(work: Callable[[], object], times: int = 5) -> float:
    """Return the CPU time of the fastest of some calls."""
    took = []
    for _ in range(times):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took) * 1e3


def board() -> list[Row]:
    start = datetime(2026, 3, 17, tzinfo=UTC)
    return [
        Row(
            a_verdict(name=f"record {i}: GPTQ and XSA", author=f"golfer{i % 211}", path=f"records/{i}"),
            start + timedelta(days=i % 60),
            1.0 + i % 997 / 1_000,
            Status.LOGGED,
            (1.1,),
            (1.8,),
            p=None if i % 3 else i % 100 / 100,
        )
        for i in range(ROWS)
    ]


@pytest.mark.parametrize(
    "text",
    ["gptq", "author:golfer7 bpb:<1.08", "xsa seeds:>=3 size:>15.9m after:2026-04-01", "-verdict:invalid p:<0.01"],
)
def test_a_filter_goes_through_10_000_rows_within_a_frame(text: str) -> None:
    rows = board()
    query = parse(text)
    plain_ms = milliseconds(lambda: [row for row in rows if row.verdict.score is not None])
    took_ms = milliseconds(lambda: [row for row in rows if query.matches(row)])
    print(f"\n{text}: {took_ms:.1f} ms for {ROWS:,} rows; reading a field of each {plain_ms:.1f} ms")
    assert took_ms < FILTER_MS


@pytest.mark.parametrize("key", ["bpb", "name", "verdict"])
def test_10_000_rows_are_sorted_while_a_filter_goes_through_them(key: str) -> None:
    rows = board()
    took_ms = milliseconds(lambda: sorted_rows(rows, key))
    print(f"\nsorted by {key}: {took_ms:.1f} ms for {ROWS:,} rows")
    assert took_ms < 2 * FILTER_MS


def test_two_scripts_of_80_kb_are_compared_faster_than_by_the_standard_library() -> None:
    lines = [f"    x{i % 611} = layer_{i}(x{i % 97})" if i % 4 else "" for i in range(4_000)]
    other = [f"{line}  # new" if i % 9 == 0 else line for i, line in enumerate(lines[200:] + lines[:200])]
    ours_ms = milliseconds(lambda: hunks(lines, other))
    theirs_ms = milliseconds(lambda: list(difflib.unified_diff(lines, other)), times=1)
    size = sum(map(len, lines))
    print(f"\ntwo scripts of {size:,} bytes: {ours_ms:.0f} ms; difflib {theirs_ms:.0f} ms ({theirs_ms / ours_ms:.1f}x)")
    assert ours_ms < theirs_ms


@pytest.mark.parametrize("kind", hostile())
def test_texts_designed_to_be_slow_are_compared_within_the_bound(kind: str) -> None:
    first, second = hostile()[kind]
    took_ms = milliseconds(lambda: hunks(first, second), times=1)
    print(f"\n{kind}, {len(first):,} lines: {took_ms / 1e3:.2f} s")
    assert took_ms < HOSTILE_SECONDS * 1e3


if __name__ == "__main__":
    command = [sys.executable, "-m", "pytest", __file__, "-q", "-s", "-p", "no:cacheprovider"]
    sys.exit(subprocess.run(command, check=False).returncode)
