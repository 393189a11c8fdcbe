"""The messages about a value that violates a schema."""

import pytest

from golfcheck.core.schema import violations


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("waivers", "'waivers' is unexpected here: expected ignore"),
        ("ignores", "'ignores' is unexpected here - did you mean 'ignore'?"),
        ("x" * 10_000, f"'{'x' * 50}' is unexpected here: expected ignore"),
    ],
)
def test_an_unexpected_key_is_named_with_the_keys_that_are_expected(key: str, said: str):
    result = violations("submission", {"golfcheck": {key: {}}})
    assert [violation.message for violation in result if violation.pointer == "/golfcheck"] == [said]
