"""A filter for terminals without Unicode: every line that a widget draws, also one of Textual's, becomes ASCII."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from golfcheck.tui.widgets.sheet import plain


class AsciiOnly(LineFilter):
    """Replaces each character that the terminal lacks by a similar one, or by question marks; no cell moves."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line in ASCII."""
        return [s if s.text.isascii() else Segment(plain(s.text), s.style, s.control) for s in segments]
