"""Scrollbars for terminals without Unicode, since Textual draws the ends with block characters."""

from typing import ClassVar

from textual.scrollbar import ScrollBarRender
from textual.widget import Widget

from golfcheck.tui.drawing.glyphs import UNICODE, Glyphs


class PlainBar(ScrollBarRender):
    """A bar drawn by color alone, in whole cells."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def scrollbars_of(widget: Widget, glyphs: Glyphs) -> None:
    """Draw the vertical scrollbar of a widget with these characters."""
    if glyphs is not UNICODE:
        widget.vertical_scrollbar.renderer = PlainBar  # type: ignore[misc]
