"""The filter of a board: `quant author:ann bpb:<1.08 -verdict:invalid` → which rows to show, and in which order.

Terms are separated by blanks, and all must match. A term is a word or a "phrase", which is searched for in name, author
and path; or `key:value` with one of KEYS. A `-` before a term selects the rows that it does not match. Case is ignored.

    text      author:ann  name:"sliding window"   contains this text
    word      verdict:review  status:rescored      is this word
    number    bpb:<1.08  seeds:>=3  size:15.99m  p:0.01..0.25
              a plain number matches what rounds to it; a range includes both ends; k is 1,000 and m 1,000,000
    date      date:2026-04  after:2026-04-09  before:2026-05
              a day, a month or a year; `after` includes its first day, `before` ends the day before it
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from golfcheck.board.keys import KEYS, Key
from golfcheck.board.model import Row, names_of
from golfcheck.core.errors import UsageError
from golfcheck.core.suggest import did_you_mean, suggestion

Test = Callable[[Row], bool]

_TERM = re.compile(r'(?=\S)(-?)(?:([^\s:"]+):)?("[^"]*"?|\S*)')
_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9,_]*(?:\.([0-9]*))?|\.([0-9]+))(?:e[+-]?[0-9]{1,2})?([km]?)", re.IGNORECASE)
_COMPARED = re.compile(r"(<=|>=|<|>|=)?(.*)")
_NO_COLON = re.compile(r"([a-z-]+)((?:<=|>=|<|>|=).*)")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_DATE_OF_SIGN = {">": "after", ">=": "after", "<": "before", "<=": "before", "=": "date"}
_COMPARE_DATE = {"date": operator.eq, "after": operator.ge, "before": operator.lt}
_FORMER_WORDS = {("verdict", "human"): "review"}  # old names, still valid in saved filters
_UNITS = {"": 1.0, "k": 1e3, "m": 1e6}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; it selects the rows that it matches or, if negated, those that it does not match."""

    key: str | None  # None: just a word or a phrase
    value: str
    negated: bool
    test: Test = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter; without terms it matches every row."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: Row) -> bool:
        """Whether the row is to be shown."""
        for term in self.terms:  # noqa: SIM110 - all() takes 1.5 times as long, for 10,000 rows at every keystroke
            if term.test(row) is term.negated:
                return False
        return True


def parse(text: str, *, partial: bool = False, keys: Mapping[str, Key] = KEYS) -> Query:
    """Read a filter. Raises UsageError, one line that names the term, what was expected, and the nearest valid word.

    `keys` are those of the rows that are filtered: a board's, or a queue's.
    `partial` is for text that is still being typed: its last term is ignored if it is incomplete (`bpb:<`) and no blank
    follows it, and an open quote extends to the end.
    """
    terms: list[Term] = []
    for match in _TERM.finditer(text):
        try:
            terms.append(_term(match, partial, keys))
        except UsageError:
            if not partial or match.end() < len(text):
                raise
    return Query(tuple(terms))


def closed(text: str) -> str:
    """Return a filter with its last quote closed, if it is open."""
    last = ""
    for match in _TERM.finditer(text):
        last = match[3]
    return f'{text}"' if last.startswith('"') and (len(last) < 2 or not last.endswith('"')) else text


def _term(match: re.Match[str], partial: bool, keys: Mapping[str, Key]) -> Term:
    typed, (sign, name, value) = match[0], match.groups()
    if value.startswith('"'):
        if not partial and (len(value) < 2 or not value.endswith('"')):
            raise UsageError(f"{typed}: the quote is not closed")
        value = value.strip('"')
    elif name is None and (compared := _NO_COLON.fullmatch(value)) and compared[1] in keys:
        raise UsageError(f"{typed}: expected a colon after the key: {compared[1]}:{compared[2]}")
    if name is not None and name.lower() not in keys:
        hint = suggestion(name.lower(), keys) or f"; there are {', '.join(keys)}"
        raise UsageError(f"{typed}: unknown key {name!r}{hint} (put a word that has a colon in quotes)")
    if not value:
        example = keys[name.lower()].example if name else "-author:ann"
        raise UsageError(f"{typed}: expected something after it, as in {example}")
    if name is None:
        return Term(None, value, bool(sign), _anywhere(value.casefold()))
    name = name.lower()
    try:
        return Term(name, value, bool(sign), _TESTS[keys[name].kind](name, keys[name], value))
    except ValueError as error:
        raise UsageError(f"{typed}: expected {error}") from None


def _anywhere(word: str) -> Test:
    def test(row: Row) -> bool:
        verdict = row.verdict
        return word in "\n".join((verdict.name or "", *names_of(row), verdict.path)).casefold()

    return test


def _text(_name: str, key: Key, wanted: str) -> Test:
    value, wanted = key.value, wanted.casefold()

    def test(row: Row) -> bool:
        text = value(row)
        return text is not None and wanted in text.casefold()

    return test


def _word(name: str, key: Key, wanted: str) -> Test:
    value, words, wanted = key.value, key.words, wanted.casefold()
    wanted = _FORMER_WORDS.get((name, wanted), wanted)
    if wanted not in words:
        raise ValueError(f"one of {', '.join(words)}{suggestion(wanted, words)}")
    return lambda row: bool(value(row) == wanted)


def _number(_name: str, key: Key, text: str) -> Test:
    """Return the test for `<1.08`, `1.08..1.10`, or what rounds to `1.08`. ValueError says what was expected."""
    value = key.value
    low, dots, high = text.partition("..")
    if dots:
        return _between(value, _read_number(key, low)[0], _read_number(key, high)[0])
    compared = _COMPARED.fullmatch(text)
    assert compared is not None  # both groups may be empty
    bound, half = _read_number(key, compared[2])
    if compared[1] in (None, "="):
        return _between(value, bound - half, bound + half)
    compare = _COMPARE[compared[1]]

    def test(row: Row) -> bool:
        own = value(row)
        return own is not None and compare(own, bound)

    return test


def _between(value: Callable[[Row], Any], low: float, high: float) -> Test:
    def test(row: Row) -> bool:
        own = value(row)
        return own is not None and low <= own <= high

    return test


def _read_number(key: Key, text: str) -> tuple[float, float]:
    """Return a number and half a unit of its last digit."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"a number{f', not {text!r}' if text else ''}, as in {key.example}")
    unit = _UNITS[match[3].lower()]
    digits, exponent = text[: -1 if match[3] else None].replace(",", "").replace("_", "").lower(), 0
    if "e" in digits:
        exponent = int(digits.partition("e")[2])
    decimals = len(match[1] or match[2] or "") - exponent
    return float(digits) * unit, 0.5 * 10.0**-decimals * unit


def _date(name: str, key: Key, text: str) -> Test:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"a day as YYYY-MM-DD, or YYYY-MM, or YYYY, not {text!r}{_instead_of_sign(text)}")
    parts = tuple(int(part) for part in match.groups() if part)
    try:
        date(*(*parts, 1, 1)[:3])
    except ValueError:
        raise ValueError(f"a day that is in the calendar, not {text!r}") from None
    value, compare, depth = key.value, _COMPARE_DATE[name], len(parts)

    def test(row: Row) -> bool:
        day = value(row)
        return day is not None and compare((day.year, day.month, day.day)[:depth], parts)

    return test


def _instead_of_sign(text: str) -> str:
    """Return the term for a day with a comparison sign, which only numbers take: `>2026-04` is after:2026-04."""
    compared = _COMPARED.fullmatch(text)
    if compared is None or compared[1] is None or not _DATE.fullmatch(compared[2]):
        return ""
    return did_you_mean(f"{_DATE_OF_SIGN[compared[1]]}:{compared[2]}")


_TESTS: dict[str, Callable[[str, Key, str], Test]] = {"text": _text, "word": _word, "number": _number, "date": _date}
