"""Show a record's README: Markdown without active links."""

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.text import Text

from golfcheck.core.text import safe

_MAX_LINES = 2_000  # four times the longest real README
_LINE_CHARS = 4_000


def readme(text: str | None) -> RenderableType:
    """Return the README of a record, or its first lines."""
    if text is None:
        return Text("this record has no README", "dim")
    lines = text.replace("\r\n", "\n").split("\n")
    shown = "\n".join(safe(line.expandtabs(4), _LINE_CHARS) for line in lines[:_MAX_LINES])
    drawn = Markdown(shown, hyperlinks=False, code_theme="ansi_dark")
    if len(lines) <= _MAX_LINES:
        return drawn
    return Group(drawn, Text(f"\nonly the first {_MAX_LINES:,} of {len(lines):,} lines are shown", "dim"))
