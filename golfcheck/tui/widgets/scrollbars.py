"""Scrollbars for terminals without Unicode: Textual draws the ends of a bar with block characters."""

from typing import ClassVar

from textual.scrollbar import ScrollBarRender
from textual.widget import Widget

from golfcheck.tui.drawing.glyphs import UNICODE, Glyphs


class PlainBar(ScrollBarRender):
    """A bar that is drawn by color alone, in whole cells."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def scrollbars_of(widget: Widget, glyphs: Glyphs) -> None:
    """Have the vertical scrollbar of a widget drawn with these signs."""
    if glyphs is not UNICODE:
        widget.vertical_scrollbar.renderer = PlainBar  # type: ignore[misc]
