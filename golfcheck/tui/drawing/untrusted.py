"""Show untrusted text literally, without markup.

Every name, author, path, message, log line and exception passes through this function. In a plain `str`, a
widget may interpret markup (`[@click=app.quit]`), and control characters would reach the terminal.
"""

from textual.content import Content

from golfcheck.core.text import safe

LIMIT_CHARS = 500  # longer than a line of any terminal


def content(text: object, style: str = "", limit: int = LIMIT_CHARS) -> Content:
    """Return untrusted text for a widget: one line of at most `limit` characters, no control characters or markup."""
    return Content.styled(safe(str(text), limit), style) if style else Content(safe(str(text), limit))
