"""The filter grammar and the sorting of boards."""

import operator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.board.keys import KEYS, SORT_KEYS, sorted_rows
from golfcheck.board.model import Row, Status
from golfcheck.board.query import closed, parse
from golfcheck.core.errors import UsageError
from golfcheck.core.outcome import Outcome
from golfcheck.judging.decisions import Ruling, RulingKind
from tests.golfcheck.verdicts import BYTES, RECORD, SEEDS, a_verdict

ROW = Row(
    RECORD,
    datetime(2026, 3, 25, tzinfo=UTC),
    1.11474,
    Status.LOGGED,
    (1.11437, 1.11474, 1.1151),
    (1.88157, 1.88218, 1.88281),
    rank=4,
    delta_bpb=-0.00464,
    delta_nats=-0.00784,
    p=0.0096,
    held=True,
)
EMPTY = Row(
    a_verdict(name=None, author=None, date=None, score=None, size=None, time=None, token_bytes=None, to_beat=None),
    None,
    None,
    None,
    (),
    (),
)
BROKEN = replace(ROW, verdict=a_verdict(findings=(BYTES,), name='An "odd" name: none', author="Zoë"), held=False)
ROWS = (ROW, EMPTY, BROKEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "bigram",
        "GPTQ xsa-ALL",
        '"XSA-all + BigramHash"',
        "author:ABAY",
        'name:"Self-Gen GPTQ"',
        "path:2026-03",
        "track:10min",
        "bpb:<1.12",
        "bpb:1.115",
        "bpb:=1.11474",
        "bpb:1.11..1.12",
        "nats:>1.88",
        "delta:<-0.001",
        "delta-nats:<-7e-3",
        "p:<0.01",
        "rank:4",
        "seeds:>=3",
        "size:>15.98m",
        "size:15985k",
        "size:15,984,850",
        "train:>600",
        "train:600",
        "eval:<2e2",
        "bytes-per-token:2.436",
        "rule:over-cap",
        "verdict:record",
        "status:logged",
        "held:yes",
        "date:2026-03-25",
        "date:2026-3",
        "date:2026",
        "after:2026-03-25 before:2026-03-26",
        "after:2026-03 before:2026-04",
        "-author:zoë -verdict:invalid",
        "-zzz",
    ],
)
def test_a_filter_keeps_the_record_that_it_describes(text: str):
    assert parse(text).matches(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "bigram transformer",
        "-gptq",
        '"BigramHash XSA-all"',
        "author:zoë",
        "bpb:<1.11474",
        "bpb:>1.11474",
        "bpb:1.114",
        "size:>16m",
        "size:15984k",
        "seeds:2",
        "rule:total-drift",
        "verdict:invalid",
        "status:claimed",
        "held:no",
        "date:2026-03-24",
        "after:2026-03-26",
        "before:2026-03-25",
        "before:2026-03",
    ],
)
def test_a_filter_leaves_out_the_record_that_it_does_not_describe(text: str):
    assert not parse(text).matches(ROW)


@pytest.mark.parametrize("key", [key for key, entry in KEYS.items() if entry.kind in ("number", "date")])
def test_a_missing_value_matches_no_comparison(key: str):
    for value in ("2026", "<2026", "<=2026", ">-2026", ">=-2026", "-9e9..9e9"):
        if KEYS[key].kind == "number" or value == "2026":
            assert not parse(f"{key}:{value}").matches(EMPTY)


def test_the_last_ruling_on_a_record_is_the_one_that_a_filter_looks_at():
    rulings = [
        Ruling("a", kind, "me", date(2026, 4, day), "why")
        for day, kind in ((1, RulingKind.REMOVED), (2, RulingKind.WAIVED))
    ]
    ruled = replace(ROW, rulings=tuple(rulings))
    assert parse("ruling:waived -ruling:removed").matches(ruled)
    assert not parse("ruling:waived").matches(ROW)


def test_the_word_none_does_not_match_a_missing_name():
    assert not parse("none").matches(EMPTY)
    assert parse("none").matches(BROKEN)


def test_quotes_protect_blanks_and_colons():
    assert parse('"name: none"').matches(BROKEN)
    assert not parse('"name: none"').matches(ROW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("autor:x", "autor:x: unknown key 'autor' - did you mean 'author'?"),
        ("http://x", "in quotes"),
        ("bpb:<x", "expected a number, not 'x', as in bpb:<1.08"),
        ("bpb:<", "expected a number, as in bpb:<1.08"),
        ("p:0.1..", "expected a number"),
        ("size:1g", "expected a number, not '1g', as in size:>15.99m"),
        ("bpb:", "expected something after it, as in bpb:<1.08"),
        ("bpb<1.08", "expected a colon after the key: bpb:<1.08"),
        ("verdict:reviwe", "expected one of invalid, review, unverified, valid, record - did you mean 'review'?"),
        ("after:yesterday", "expected a day as YYYY-MM-DD"),
        ("date:>2026-04-01", "not '>2026-04-01' - did you mean 'after:2026-04-01'?"),
        ("after:>=2026-04", "did you mean 'after:2026-04'?"),
        ("date:<2026", "did you mean 'before:2026'?"),
        ("date:>soon", "expected a day as YYYY-MM-DD, or YYYY-MM, or YYYY, not '>soon'"),
        ("date:2026-02-30", "a day that is in the calendar"),
        ("date:0000", "a day that is in the calendar"),
        ("-", "expected something after it"),
        ('""', "expected something after it"),
        ('name:"a b', "the quote is not closed"),
    ],
)
def test_an_invalid_filter_is_refused_in_one_line_that_says_what_was_expected(text: str, expected: str):
    with pytest.raises(UsageError) as refused:
        parse(f"gptq {text}")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "whole"),
    [('"a', '"a"'), ('ann "sliding w', 'ann "sliding w"'), ('name:"a b', 'name:"a b"'), ('"', '""'), ('"a" b', '"a" b'),
     ('"a b"', '"a b"'), ("", ""), ('5" disk', '5" disk')],
)  # fmt: skip
def test_a_quote_that_is_still_open_can_be_closed(text: str, whole: str):
    assert closed(text) == whole
    assert closed(whole) == whole


def test_the_former_word_human_still_selects_the_verdict_review():
    doubtful = replace(ROW, verdict=a_verdict(findings=(SEEDS,)))
    assert Outcome("human") is doubtful.outcome is Outcome.REVIEW
    for word in ("human", "Human", "review"):
        assert parse(f"verdict:{word}").matches(doubtful) and not parse(f"-verdict:{word}").matches(doubtful)
        assert not parse(f"verdict:{word}").matches(ROW)


FULL = 'gptq author:ann "a phrase" bpb:<1.08 -seeds:>=3 p:0.01..0.25 size:>15.99m after:2026-04-01 verdict:review'


@pytest.mark.parametrize("length", range(len(FULL) + 1))
def test_every_beginning_of_a_filter_can_be_read_while_it_is_typed(length: int):
    typed = parse(FULL[:length], partial=True).terms
    whole = parse(FULL).terms
    assert typed[:-1] == whole[: max(len(typed) - 1, 0)]


def test_an_unfinished_term_is_left_out_only_at_the_end():
    assert parse("gptq bpb:<", partial=True) == parse("gptq")
    for finished in ("gptq bpb:< ", "bpb:< gptq"):
        with pytest.raises(UsageError):
            parse(finished, partial=True)


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_key_can_be_read_and_is_of_that_key(key: str):
    (term,) = parse(KEYS[key].example).terms
    assert term.key == key


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    try:
        query = parse(text)
    except UsageError:
        return
    assert {query.matches(row) for row in ROWS} <= {True, False}


TERMS = st.sampled_from(["gptq", '"odd" name', *(entry.example for entry in KEYS.values()), "bpb:>1", "date:2026-03"])


@given(st.lists(TERMS, max_size=4), st.sampled_from(ROWS))
def test_a_row_matches_a_filter_when_it_matches_each_of_its_terms(terms: list[str], row: Row):
    assert parse(" ".join(terms)).matches(row) == all(parse(term).matches(row) for term in terms)


@given(TERMS.filter(lambda text: " " not in text), st.sampled_from(ROWS))
def test_a_term_and_its_negation_part_the_rows(term: str, row: Row):
    assert parse(term).matches(row) != parse(f"-{term}").matches(row)


NUMBERS = st.floats(-10, 10, allow_nan=False)


COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@given(st.none() | NUMBERS, NUMBERS, st.sampled_from(sorted(COMPARISONS)))
def test_a_comparison_agrees_with_pythons(value: float | None, bound: float, sign: str):
    row = replace(ROW, delta_bpb=value)
    expected = value is not None and COMPARISONS[sign](value, float(f"{bound:.6f}"))
    assert parse(f"delta:{sign}{bound:.6f}").matches(row) == expected


@given(st.floats(0.5, 5), st.integers(0, 5))
def test_a_number_matches_every_value_that_is_printed_like_it(value: float, decimals: int):
    assert parse(f"bpb:{value:.{decimals}f}").matches(replace(ROW, score_bpb=value))


SCORED = st.lists(st.sampled_from([None, float("nan"), 1.0, 1.1, 1.2]), max_size=12).map(
    lambda scores: [replace(ROW, score_bpb=score, rank=index) for index, score in enumerate(scores)]
)


@given(SCORED, st.booleans())
def test_rows_are_sorted_with_missing_values_last_and_equal_ones_in_their_order(rows: list[Row], reverse: bool):
    ordered = sorted_rows(rows, "bpb", reverse)
    present = [row for row in rows if row.score_bpb is not None and row.score_bpb == row.score_bpb]
    sign = -1 if reverse else 1
    expected = sorted(present, key=lambda row: (sign * (row.score_bpb or 0), row.rank))
    assert list(ordered[: len(present)]) == expected
    assert [row.rank for row in ordered[len(present) :]] == [row.rank for row in rows if row not in present]


@pytest.mark.parametrize("key", SORT_KEYS)
@pytest.mark.parametrize("reverse", [False, True])
def test_every_sort_key_sorts_rows_with_missing_values(key: str, reverse: bool):
    ordered = sorted_rows(ROWS, key, reverse)
    assert set(map(id, ordered)) == set(map(id, ROWS))
    if KEYS[key].value(EMPTY) is None:
        assert ordered[-1] is EMPTY


def test_verdicts_are_sorted_from_the_worst_to_the_best():
    assert [row.outcome for row in sorted_rows(ROWS, "verdict")] == ["invalid", "unverified", "record"]


def test_an_unknown_sort_key_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'author'"):
        sorted_rows(ROWS, "autor")
