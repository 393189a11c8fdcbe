"""A record's README as it is drawn: Markdown whose links lead nowhere."""

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.text import Text

from golfcheck.core.text import safe

_MAX_LINES = 2_000  # the longest real README has a quarter
_LINE_CHARS = 4_000


def readme(text: str | None) -> RenderableType:
    """Return the README of a record, its first lines at least."""
    if text is None:
        return Text("this record has no README", "dim")
    lines = text.replace("\r\n", "\n").split("\n")
    shown = "\n".join(safe(line.expandtabs(4), _LINE_CHARS) for line in lines[:_MAX_LINES])
    drawn = Markdown(shown, hyperlinks=False, code_theme="ansi_dark")
    if len(lines) <= _MAX_LINES:
        return drawn
    return Group(drawn, Text(f"\nthe first {_MAX_LINES:,} of {len(lines):,} lines", "dim"))
