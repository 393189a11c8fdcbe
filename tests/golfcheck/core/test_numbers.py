"""How numbers are printed for people, one function for each kind."""

import ast
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.core.numbers import counted, headroom_text, p_text, seconds_text, share_text
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.78712, "0.787"), (0.0096, "0.0096"), (4.03e-4, "4.0e-04"), (4.1e-5, "4.1e-05"), (0.0995, "0.100"), (1, "1.000"),
     (0, "< 1e-99")],
)  # fmt: skip
def test_a_p_value_is_printed_with_its_significant_digits(p: float, text: str):
    assert p_text(p) == text


@given(st.floats(1e-98, 1))
def test_a_printed_p_is_within_five_percent_of_the_real_one_and_never_zero(p: float):
    assert float(p_text(p)) == pytest.approx(p, rel=0.051)


@pytest.mark.parametrize(
    ("ms", "text"), [(77_230, "77.2"), (600_058, "600.06"), (600_000, "600.00"), (0, "0.0"), (1_234_567, "1,234.57")]
)
def test_seconds_show_hundredths_near_the_cap(ms: float, text: str):
    assert seconds_text(ms) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(16_059_704 / 16e6, "100.37%"), (15_999_999 / 16e6, "99.99%"), (16_000_001 / 16e6, "100.01%"), (1, "100.00%")],
)
def test_a_share_never_rounds_across_the_cap(share: float, text: str):
    assert share_text(share) == text


def test_headroom_says_left_or_over():
    assert [headroom_text(15_150), headroom_text(0), headroom_text(-6_540)] == ["15,150 left", "0 left", "6,540 over"]


def test_nouns_are_counted_in_the_singular_and_the_plural():
    assert [counted(1, "seed"), counted(0, "seed"), counted(1_000, "line")] == ["1 seed", "0 seeds", "1,000 lines"]


def test_no_other_module_formats_scores_or_p_values():
    own = re.compile(r"\{[^{}]*(?:_bpb|_nats|\.p|p_zero|p_margin):[+,]?\.[0-9][feg]\}")
    places = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for folder in ("render", "site", "tui", "board", "comparison")
        for path in sorted((ROOT / "golfcheck" / folder).rglob("*.py"))
        if path.name not in ("rescore_text.py", "watchreport.py")  # eight digits to compare bits; four of a live loss
        for match in own.finditer(path.read_text(encoding="utf-8"))
    ]
    assert places == []


# Coordinates and axes, XML for machines, a pattern to search for, and kinds of numbers that appear in one place.
OWN_FORMATS = {
    *("site/svg.py", "site/charts.py", "tui/widgets/chart.py", "render/verdict_junit.py", "submission/mentions.py"),
    *("rules/time.py", "rescore/probes.py"),
}


def test_no_other_module_rounds_numbers_for_people_by_itself() -> None:
    rounds = re.compile(r"\.[0-9]+[fe%]")
    modules = set()
    for path in sorted((ROOT / "golfcheck").rglob("*.py")):
        name = path.relative_to(ROOT / "golfcheck").as_posix()
        if name.startswith("reference/") or name == "core/numbers.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                spec = "".join(str(part.value) for part in node.format_spec.values if isinstance(part, ast.Constant))
                modules |= {name} if rounds.search(spec) else set()
    assert modules - OWN_FORMATS == set()
