"""The line diff: right for any two texts, as short as can be for small ones, and bounded for hostile ones."""

import difflib
import random
from functools import cache, partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.comparison.patience import MAX_LINES, hunks, paired
from tests.clock import cpu_seconds

TEXTS = st.lists(st.sampled_from("abcdefg"), max_size=24)


def applied(first: list[str], second: list[str], context: int) -> list[str]:
    """Apply the hunks to `first`, checking that they fit."""
    rebuilt: list[str] = []
    at = 0
    for hunk in hunks(first, second, context):
        rebuilt += first[at : hunk.first - 1]
        assert len(rebuilt) == hunk.second - 1
        at = hunk.first - 1
        for line in hunk.lines:
            if line.sign != "+":
                assert first[at] == line.text
                at += 1
            if line.sign != "-":
                rebuilt.append(line.text)
    return rebuilt + first[at:]


@given(TEXTS, TEXTS, st.integers(0, 4))
def test_the_hunks_turn_the_first_text_into_the_second(first: list[str], second: list[str], context: int):
    assert applied(first, second, context) == second


@given(TEXTS, TEXTS)
def test_pairs_are_of_equal_lines_and_keep_their_order(first: list[str], second: list[str]):
    pairs = [(i, j) for i, j in enumerate(paired(first, second)) if j >= 0]
    assert all(first[i] == second[j] for i, j in pairs)
    assert [j for _, j in pairs] == sorted({j for _, j in pairs})


def longest(first: str, second: str) -> int:
    @cache
    def length(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        return length(i + 1, j + 1) + 1 if first[i] == second[j] else max(length(i + 1, j), length(i, j + 1))

    return length(0, 0)


@given(st.text("ab", min_size=2, max_size=12), st.text("ab", min_size=2, max_size=12))
def test_texts_without_unique_lines_are_aligned_by_a_longest_common_subsequence(first: str, second: str):
    first, second = first * 2, second * 2  # no line of either occurs once
    pairs = sum(j >= 0 for j in paired(list(first), list(second)))
    assert pairs == longest(first, second)


@given(TEXTS)
def test_equal_texts_have_no_hunk(text: list[str]):
    assert hunks(text, list(text)) == ()


SCRIPT = [f"    line {i} = f({i % 7})" if i % 5 else "" for i in range(60)]


@pytest.mark.parametrize("edit", [slice(0, 1), slice(20, 21), slice(20, 24), slice(56, 60), slice(0, 0), slice(60, 60)])
@pytest.mark.parametrize("new", [[], ["new"], ["new", "newer"]])
def test_hunks_are_those_of_the_standard_library_where_a_text_is_edited_in_one_place(edit: slice, new: list[str]):
    changed = list(SCRIPT)
    changed[edit] = new
    lines = [
        text for hunk in hunks(SCRIPT, changed) for text in (hunk.head, *(line.sign + line.text for line in hunk.lines))
    ]
    expected = [line.rstrip("\n") for line in difflib.unified_diff(SCRIPT, changed, lineterm="")][2:]
    # The standard library leaves out a count of 1.
    assert [line.replace(",1 ", " ") for line in lines] == [line.replace(",1 ", " ") for line in expected]


def test_lines_that_moved_are_shown_once_each_way_and_the_rest_stays():
    first = [f"def f{i}(): return {i}" for i in range(40)]
    second = first[10:] + first[:10]
    assert sum(j >= 0 for j in paired(first, second)) == 30


def hostile() -> dict[str, tuple[list[str], list[str]]]:
    draw = random.Random(7)
    n = MAX_LINES
    nested = [str(i) for i in range(n // 2)]
    return {
        "all lines equal": ([""] * n, ["x"] + [""] * (n - 2) + ["y"]),
        "two lines in turn": (["a", "b"] * (n // 2), ["b", "a", "a"] * (n // 3)),
        "few different lines": (draw.choices("abcdefgh", k=n), draw.choices("abcdefgh", k=n)),
        "nothing in common": ([f"a{i}" for i in range(n)], [f"b{i}" for i in range(n)]),
        "reversed": ([str(i) for i in range(n)], [str(i) for i in range(n - 1, -1, -1)]),
        "shuffled": (nested, draw.sample(nested, len(nested))),
        "doubled inside out": (nested + nested[::-1], nested[::-1] + nested),
        "many small gaps": (["a", "b", "x"] * (n // 3), [c for i in range(n // 4) for c in ("b", "a", "a", str(i))]),
    }


@pytest.mark.parametrize("kind", hostile())
def test_no_pair_of_texts_takes_long(kind: str):
    first, second = hostile()[kind]
    assert (
        cpu_seconds(partial(hunks, first, second), 10, tries=2) < 10
    )  # 1 s or less each where measured; a quadratic way takes minutes
