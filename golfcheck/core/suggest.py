"""Suggest the closest known word after a typo."""

from collections.abc import Iterable


def did_you_mean(text: str) -> str:
    """Return ` - did you mean 'TEXT'?`, the end of a message about something that was mistyped."""
    return f" - did you mean {text!r}?"


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ` - did you mean 'X'?` for a word that is close to one of `words`, else ""."""
    from difflib import get_close_matches  # takes 3 ms, and is needed only after a typo

    # Without their dashes, options that share no letter are not alike.
    bare = {other.lstrip("-"): other for other in words}
    close = get_close_matches(word.lstrip("-"), list(bare), n=1)
    return did_you_mean(bare[close[0]]) if close else ""
