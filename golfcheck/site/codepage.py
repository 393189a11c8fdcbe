"""Python source as highlighted lines for a page."""

from collections.abc import Sequence
from typing import Any

from golfcheck.source.reach import Source

Runs = tuple[tuple[str, str], ...]  # (kind of token, or "" for plain text; text)

MAX_CODE_BYTES = 256 * 2**10  # longer sources are not highlighted; the longest real one has 160 KB
_LINE_CHARS = 2_000  # longer lines are packed data


def code_runs(text: str) -> list[Runs]:
    """Return the lines of a Python source as runs of one kind of token; a source that is too long is plain text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).split("\n")
    if len(text) > MAX_CODE_BYTES or any(len(line) > _LINE_CHARS for line in lines):
        return [(("", line),) for line in lines]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]  # takes 30 ms

    runs: list[list[tuple[str, str]]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens("\n".join(lines)):
        kind = _kind(token)
        for index, part in enumerate(value.split("\n")):
            if index:
                runs.append([])
            if part:
                runs[-1].append((kind, part))
    return [tuple(line) for line in runs]


def _kind(token: Any) -> str:
    """Return the display kind of a token."""
    from pygments.token import Comment, Keyword, Literal, Name, Number, String  # type: ignore[import-untyped]

    if token in String.Doc or token in Comment:
        return "comment"
    if token in Keyword:
        return "keyword"
    if token in Number:
        return "number"
    if token in String or token in Literal:
        return "string"
    if token in Name.Function or token in Name.Class:
        return "name"
    return "name" if token in Name.Decorator else ""


def source_texts(sources: Sequence[Source]) -> list[tuple[str, bytes, str]]:
    """Return (title, text, note) of each source, and of the contents of packed ones.

    Nothing is executed: packed code was unpacked as data when the record was read.
    """
    texts = []
    for source in sources:
        packed = f"packed as {source.wrapper}" if source.wrapper else ""
        texts.append((source.path, source.text, "; ".join(filter(None, [packed, source.note]))))
        if source.unwrapped is not None:
            texts.append(
                (f"{source.path} (unpacked)", source.unwrapped, f"the code that {source.path} unpacks and runs")
            )
    return texts
