"""Suggestions after a typing mistake: the nearest of a list of words."""

from collections.abc import Iterable


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ` - did you mean 'X'?` for a word that is nearly one of `words`, else ""."""
    from difflib import get_close_matches  # 3 ms, and only after a mistake

    close = get_close_matches(word, list(words), n=1)
    return f" - did you mean {close[0]!r}?" if close else ""
