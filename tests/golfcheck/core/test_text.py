"""Untrusted text reaches a terminal only as visible characters on one line."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.commands.unpack import safe_line
from golfcheck.core.text import LIMIT_CHARS, fit, pad, safe, width
from tests.golfcheck.hostile_text import PAYLOADS

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=200)


def is_harmless(text: str) -> bool:
    return all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in text)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_every_payload_becomes_visible_text_within_the_limit(payload: str):
    shown = safe(payload)
    assert is_harmless(shown)
    assert len(shown) <= LIMIT_CHARS
    assert shown.encode("utf-8")


@given(ANY_TEXT, st.integers(1, 300))
def test_any_text_becomes_harmless_within_any_limit(text: str, limit: int):
    shown = safe(text, limit)
    assert is_harmless(shown)
    assert len(shown) <= limit


@given(ANY_TEXT)
def test_safe_text_is_unchanged(text: str):
    assert safe(safe(text)) == safe(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=500))
def test_plain_text_is_unchanged(text: str):
    assert safe(text) == text


@pytest.mark.parametrize(
    "name", ["Renée Müller", "李明", "Иван", "अनिल कुमार", "नमस्ते", "Nguyễn Văn A", "أحمد", "e\u0301te\u0301"]
)
def test_names_in_living_scripts_are_unchanged(name: str):
    assert safe(name) == name


def test_cut_characters_are_counted():
    assert safe("x" * 100_000, 100) == "x" * 68 + "… (99,932 more characters)"


def test_marks_after_the_fourth_are_escaped():
    assert safe("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + "\\u0301\\u0301"


@given(ANY_TEXT, st.integers(1, 80))
def test_a_padded_cell_has_exactly_its_width(text: str, columns: int):
    assert width(pad(safe(text), columns)) == columns


@given(ANY_TEXT, st.integers(1, 80))
def test_fitted_text_is_not_wider_than_its_columns(text: str, columns: int):
    assert width(fit(safe(text), columns)) <= columns


def test_wide_characters_take_two_columns():
    assert width("李明") == 4
    assert fit("李明李明", 6) == "李明…"


def test_ten_thousand_strings_of_dangerous_pieces_become_harmless():
    seed = random.randrange(2**32)
    print("seed", seed)  # shown when it fails
    chance = random.Random(seed)
    pieces = [
        *PAYLOADS.values(),
        *map(chr, range(0, 0x300)),
        *map(chr, range(0x2000, 0x2070)),
        "\U000e0020",
        "李",
        "ａ",
    ]
    for _ in range(10_000):
        text = "".join(piece[:200] for piece in chance.choices(pieces, k=chance.randint(1, 8)))
        limit = chance.choice((1, 10, 63, 64, 65, 200, LIMIT_CHARS))
        shown = safe(text, limit)
        assert len(shown) <= limit
        assert shown.isprintable()
        assert is_harmless(shown)


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧", "❤️", "🏳️‍🌈", "👍🏽", "👩🏽‍💻"])
def test_an_emoji_of_several_characters_is_drawn_as_one(emoji: str):
    assert safe(f"a {emoji} b") == f"a {emoji} b"
    assert width(emoji) == 2 and fit(f"ab{emoji}c", 4) == "ab…" and fit(f"a{emoji}bc", 4) == f"a{emoji}…"


@pytest.mark.parametrize(
    "text", ["a\u200db", "👨\u200d", "\u200d👨", "a\ufe0f", "👨\u200d\u200d👩", "x\U0001f3fd\u200dy"]
)
def test_a_joiner_that_joins_no_emoji_is_escaped(text: str):
    assert "\u200d" not in safe(text) and "\ufe0f" not in safe(text)


@pytest.mark.parametrize(
    "text, shown",
    [
        ("::stop-commands::t", r"\x3a:stop-commands::t"),
        ("a ::error file=x,line=1::b", r"a \x3a:error file=x,line=1::b"),
        ("x##[set-env name=A]B", r"x##\x5bset-env name=A]B"),
        ("x[:, ::2], y[::n], std::vector, a::b", "x[:, ::2], y[::n], std::vector, a::b"),
    ],
)
def test_a_command_to_the_runner_of_a_job_is_shown_and_not_obeyed(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_unpack_prints_workflow_commands_in_a_source_unchanged() -> None:
    line = 'x = "##[a] ::error::b"\t# ::stop-commands::t ##[x]'
    assert safe_line(line) == line
