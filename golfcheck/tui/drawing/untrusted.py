"""Untrusted text on a screen: what was submitted becomes content that is drawn as it stands, without markup.

Every name, author, path, message, log line and exception passes through one of these. A plain `str` in a widget may be
read as markup (`[@click=app.quit]`), and control characters would reach the terminal.
"""

from rich.text import Text
from textual.content import Content

from golfcheck.core.text import safe

LIMIT_CHARS = 500  # more than a line of any terminal


def content(text: object, style: str = "", limit: int = LIMIT_CHARS) -> Content:
    """Return untrusted text on one line for a widget; controls escaped, no markup, at most `limit` characters."""
    return Content.styled(safe(str(text), limit), style) if style else Content(safe(str(text), limit))


def rich_text(text: object, style: str = "", limit: int = LIMIT_CHARS) -> Text:
    """Return the same for what takes rich's Text: tables, and what is drawn by rich."""
    return Text(safe(str(text), limit), style, no_wrap=True, end="")
