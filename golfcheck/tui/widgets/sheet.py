"""Scrollable rich renderables, wrapped to the width of the widget and drawn as they come into view."""

from collections.abc import Mapping
from typing import ClassVar

from rich.console import Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from rich.theme import Theme
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from golfcheck.core.text import drawn_parts
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.scrollbars import scrollbars_of

_MAX_LINES = 100_000
_LEAST_COLUMNS = 20
_ACROSS = 8  # columns per key press


def styles_of(app: App[object]) -> dict[str, Style]:
    """Return the named styles for renderables, in the colors of the app's theme."""
    theme = app.current_theme
    return {
        "error": Style(color=theme.error, bold=True),
        "warning": Style(color=theme.warning),
        "info": Style(color=theme.secondary),
        "ok": Style(color=theme.success),
    }


class Scroller(ScrollView, can_focus=True):
    """A view with the scrolling keys of all screens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll_down", "down", show=False, tooltip="a line down"),
        Binding("k,up", "scroll_up", "up", show=False, tooltip="a line up"),
        Binding("h,left", "scroll_left", "left", show=False, tooltip="to the left"),
        Binding("l,right", "scroll_right", "right", show=False, tooltip="to the right"),
        Binding("ctrl+d,pagedown,space", "page_down", "page down", show=False, tooltip="a page down"),
        Binding("ctrl+u,pageup", "page_up", "page up", show=False, tooltip="a page up"),
        Binding("g,home", "top", "top", show=False, tooltip="to the first line"),
        Binding("G,end", "bottom", "bottom", show=False, tooltip="to the last line"),
    ]
    DEFAULT_CSS = """
    Scroller { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.styles_of_theme: dict[str, Style] = {}

    def on_mount(self) -> None:
        """Draw the scrollbar with characters that the terminal can show, and redraw when the theme changes."""
        scrollbars_of(self, ASCII if is_ascii(self) else UNICODE)
        self.styles_of_theme = styles_of(self.app)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.rethemed())

    def rethemed(self) -> None:
        """Apply the colors of another theme."""
        self.styles_of_theme = styles_of(self.app)
        self.refresh()

    def action_scroll_down(self) -> None:
        """Scroll down one line, without animation: people hold the key."""
        self.scroll_relative(y=1, animate=False)

    def action_scroll_up(self) -> None:
        """Scroll up one line."""
        self.scroll_relative(y=-1, animate=False)

    def action_scroll_left(self) -> None:
        """Scroll left."""
        self.scroll_relative(x=-_ACROSS, animate=False)

    def action_scroll_right(self) -> None:
        """Scroll right."""
        self.scroll_relative(x=_ACROSS, animate=False)

    def action_page_down(self) -> None:
        """Scroll down one page."""
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """Scroll up one page."""
        self.scroll_page_up(animate=False)

    def action_top(self) -> None:
        """Show the first line."""
        self.scroll_home(animate=False)

    def action_bottom(self) -> None:
        """Show the last line."""
        self.scroll_end(animate=False)


class Sheet(Scroller):
    """Shows one rich renderable; untrusted text in it has been through `safe` and is not markup."""

    DEFAULT_CSS = """
    Sheet { padding: 0 1; overflow-x: hidden; scrollbar-gutter: stable; }
    """

    def __init__(self, renderable: RenderableType | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.renderable: RenderableType = renderable if renderable is not None else Text("reading", "dim")
        self.strips: list[Strip] = []

    def show(self, renderable: RenderableType) -> None:
        """Show another renderable from the top."""
        self.renderable = renderable
        self._draw()
        self.scroll_home(animate=False)

    def rethemed(self) -> None:
        """Apply the colors of another theme."""
        super().rethemed()
        self._draw()

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the visible part."""
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        strip = self.strips[index] if index < len(self.strips) else Strip.blank(width)
        return strip.crop_extend(0, width, None).apply_style(self.rich_style)

    @property
    def text(self) -> str:
        """The whole text without styles."""
        return "\n".join(strip.text.rstrip() for strip in self.strips)

    def _draw(self) -> None:
        columns = self.scrollable_content_region.width
        if columns < 1:
            return
        self.strips = rendered(self.renderable, columns, self.styles_of_theme, ascii_only=is_ascii(self))
        self.virtual_size = Size(columns, len(self.strips))
        self.refresh()


def rendered(
    renderable: RenderableType, columns: int, styles: Mapping[str, Style], *, ascii_only: bool = False
) -> list[Strip]:
    """Return the lines of a renderable as plain text and styles, without links or actions."""
    console = Console(
        width=max(columns, _LEAST_COLUMNS),
        color_system="truecolor",
        legacy_windows=False,
        theme=Theme(dict(styles)),
        _environ={},
    )
    options = console.options.update(width=max(columns, _LEAST_COLUMNS))
    if ascii_only:
        options.encoding = "ascii"
    strips = []
    for line in console.render_lines(renderable, options, pad=False)[:_MAX_LINES]:
        parts = (Segment(s.text, _inert(s.style)) for s in line if not s.control)
        strips.append(Strip(Segment(plain(s.text), s.style) if ascii_only else s for s in parts))
    return strips


def _inert(style: Style | None) -> Style | None:
    return style.clear_meta_and_links() if style is not None and (style.link or style.meta) else style


def plain(text: str) -> str:
    """Return `text` in ASCII with the same width: our own symbols become similar ones, others question marks."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _PLAIN.get(c) or "?" * columns for c, columns in drawn_parts(text))


_PLAIN = {
    **dict.fromkeys("●•·∙", "*"),
    **dict.fromkeys("│┃▌┤├┼▎", "|"),
    **dict.fromkeys("─━—–−╌", "-"),
    **dict.fromkeys("█▉▊", "#"),
    **{
        "○": "o",
        "✓": "+",
        "✗": "x",
        "▲": "^",
        "▼": "v",
        "◆": "#",
        "■": "#",
        "…": "~",
        "→": ">",
        "×": "x",
        "±": "~",
        "Δ": "d",
    },
    **dict.fromkeys("▏▍▐▕▋", "|"),
    **dict.fromkeys("▁▂▃▄▅▆▇", "_"),  # Textual's dialogs, toasts and scrollbars
    **{"▔": "-", "🔎": "> ", "⏎": "<", "▀": "-"},
    **{"░": ".", "“": '"', "”": '"', "’": "'", "‘": "'", "┬": "+", "└": "+", "┴": "+", "▸": ">"},
}
