"""A line filter for terminals without Unicode, which converts all widgets to ASCII, including Textual's."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from golfcheck.tui.widgets.sheet import plain


class AsciiOnly(LineFilter):
    """Replaces each character outside ASCII with a similar one, or with question marks of the same width."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line in ASCII."""
        return [s if s.text.isascii() else Segment(plain(s.text), s.style, s.control) for s in segments]
