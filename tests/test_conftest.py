"""The suite itself: skips are listed in a short table, and a lack of resources is not a failure."""

import errno
from collections import Counter

import pytest
from hypothesis import settings

from tests.clock import cpu_seconds
from tests.conftest import resource_lack, skip_table


def test_every_reason_is_listed_if_there_is_room():
    assert skip_table(Counter({"needs tmux": 2, "needs chromium": 30})) == [
        "32 tests skipped, because something was not available:",
        "     30  needs chromium",
        "      2  needs tmux",
    ]
    assert skip_table(Counter()) == []


@pytest.mark.parametrize("count", [9, 10, 50])
def test_the_table_has_at_most_ten_lines_and_counts_every_test(count: int):
    lines = skip_table(Counter({f"needs thing {i}": i + 1 for i in range(count)}))
    assert len(lines) == 10
    assert sum(int(line.split()[0]) for line in lines[1:]) == sum(range(1, count + 1))


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), True),
        (RuntimeError("can't start new thread"), True),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable", "a.fifo"), False),
        (OSError(errno.ENOENT, "No such file or directory"), False),
        (RuntimeError("a defect"), False),
        (AssertionError(), False),
    ],
)
def test_only_a_system_error_counts_as_a_lack_of_resources(error: BaseException, lacks: bool):
    assert bool(resource_lack(error)) is lacks


def test_no_example_has_a_deadline():
    assert settings.default is not None
    assert settings.default.deadline is None


def test_the_fastest_of_several_tries_counts_and_the_first_good_one_is_the_last():
    calls: list[int] = []
    assert cpu_seconds(lambda: calls.append(1), below=10.0) < 10.0
    assert len(calls) == 1
    cpu_seconds(lambda: calls.append(1), below=0.0, tries=3)
    assert len(calls) == 4
