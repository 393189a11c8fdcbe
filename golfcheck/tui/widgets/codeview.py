"""A unified diff of any length, drawn as it comes into view."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip

from golfcheck.core.text import width
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.sheet import Scroller, plain

_STYLES = {"+": "ok", "-": "error", "@": "info"}


class CodeView(Scroller):
    """Shows (sign, line) pairs, as `render.diff.code_lines` returns them: safe to draw."""

    DEFAULT_CSS = """
    CodeView { padding: 0 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[tuple[str, str]] = ()

    def show(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show another diff from the top."""
        self.lines = lines
        self.virtual_size = Size(max((width(text) for _, text in lines), default=0), len(lines))
        self.scroll_home(animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the visible part."""
        index, columns = self.scroll_offset.y + y, self.scrollable_content_region.width
        if index >= len(self.lines):
            return Strip.blank(columns, self.rich_style)
        sign, text = self.lines[index]
        style = self.styles_of_theme.get(_STYLES.get(sign, ""))
        strip = Strip([Segment(plain(text) if is_ascii(self) else text, style)])
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + columns, None).apply_style(self.rich_style)
