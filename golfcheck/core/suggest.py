"""What was perhaps meant: the nearest of the words that are known."""

from collections.abc import Iterable


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ` - did you mean 'X'?` for a word that is nearly one of `known`, else nothing."""
    from difflib import get_close_matches  # 3 ms, and only after a mistake

    close = get_close_matches(word, list(known), n=1)
    return f" - did you mean {close[0]!r}?" if close else ""
