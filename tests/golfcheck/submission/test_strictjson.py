"""Our JSON reader accepts what both Python's reader and RFC 8259 accept, and states the position of an error."""

import json
import math
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.submission.strictjson import MAX_DEPTH, JsonError, parse

numbers = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values, st.booleans(), st.sampled_from([None, 1, "\t"]))
@settings(max_examples=300)
def test_whatever_python_writes_is_read_as_python_reads_it(value: object, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, allow_nan=False)
    read = parse(text.encode()).value
    assert read == json.loads(text)
    assert json.dumps(read) == json.dumps(json.loads(text))  # 1 and 1.0 and True are equal, and not the same


def test_ten_thousand_broken_texts_raise_nothing_but_json_errors() -> None:
    seed = 20260501
    print("seed", seed)
    rng = random.Random(seed)
    base = json.dumps({"a": [1, -2.5e3, True, None], "b": {"c": "x\u00e9\n\\", "d": {}}, "e": []}).encode()
    alphabet = b'{}[]",:\\u0123456789abcdefNaInty.+-eE \n\t\x00\xff\xed\xa0'
    for _ in range(10_000):
        data = bytearray(base)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[at] = rng.choice(alphabet)
                case 1:
                    del data[at : at + rng.randrange(1, 4)]
                case _:
                    data[at:at] = bytes(rng.choices(alphabet, k=rng.randrange(1, 4)))
        try:
            document = parse(bytes(data))
        except JsonError as error:
            assert error.line >= 1 and error.column >= 1 and error.message.isprintable()
        else:
            assert json.loads(bytes(data).decode("utf-8-sig")) == document.value


@given(st.text(string.printable, max_size=30))
@settings(max_examples=300)
def test_json_that_we_accept_is_accepted_by_python_too(text: str) -> None:
    try:
        value = parse(text.encode()).value
    except JsonError:
        return
    assert value == json.loads(text)


def test_an_error_is_located_by_line_and_character() -> None:
    with pytest.raises(JsonError, match="line 2, column 16: expected a value") as caught:
        parse('{\n "été": 1, "b":}'.encode())
    assert (caught.value.line, caught.value.column) == (2, 16)


def test_each_key_and_each_key_of_an_object_in_it_knows_its_line() -> None:
    document = parse(b'{"a": 1,\n\n "b": {"c":\n 2}, "d": 3}')
    assert document.line_of == {"a": 1, "b": 3, "b/c": 3, "d": 4}


def test_depth_is_allowed_up_to_the_limit_and_not_beyond() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).value
    with pytest.raises(JsonError, match="nested more than 32 deep"):
        parse(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))


@pytest.mark.parametrize("digits", [1, 18, 19])
def test_integers_of_up_to_nineteen_digits_are_exact(digits: int) -> None:
    assert parse(b"9" * digits).value == int("9" * digits)


def test_a_tiny_number_becomes_zero_and_a_huge_one_is_refused() -> None:
    assert parse(b"1e-400").value == 0.0
    with pytest.raises(JsonError, match="too large"):
        parse(b"-1e309")
    assert math.isfinite(parse(b"1.7976931348623157e308").value)
