"""The last station before a terminal without Unicode: what a widget draws, of ours or of Textual's, leaves as ASCII."""

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from golfcheck.tui.widgets.sheet import plain


class AsciiOnly(LineFilter):
    """Puts a like sign, or a question mark, in the place of what the terminal has not; no cell moves."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments of a line in ASCII."""
        return [s if s.text.isascii() else Segment(plain(s.text), s.style, s.control) for s in segments]
