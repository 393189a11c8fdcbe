"""`golfcheck diff` on a screen: scores, sizes, settings, findings and code of two records."""

from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from golfcheck.board.model import Row
from golfcheck.comparison.difference import Difference, difference
from golfcheck.core.text import safe
from golfcheck.render.diff_text import render
from golfcheck.render.page import Page
from golfcheck.tui.drawing.tablecolumns import name_of
from golfcheck.tui.drawing.untrusted import LIMIT_CHARS, content
from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets.keyline import Keys
from golfcheck.tui.widgets.sheet import Scroller


class DiffLines(Scroller):
    """Lines that the renderer has colored and made safe, drawn when they come into view."""

    DEFAULT_CSS = """
    DiffLines { overflow-x: hidden; overflow-y: scroll; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def fill(self, text: str) -> None:
        """Show these lines."""
        self.lines = text.split("\n")
        self.virtual_size = Size(self.size.width, len(self.lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        columns, index = self.scrollable_content_region.width, y + self.scroll_offset.y
        if index >= len(self.lines):
            return Strip.blank(columns, self.rich_style)
        text = Text.from_ansi(self.lines[index], no_wrap=True, end="")
        strip = Strip(list(text.render(self.app.console)))
        return strip.crop(0, columns).extend_cell_length(columns).apply_style(self.rich_style)


class DiffScreen(BaseScreen):
    """Two records; the second is compared with the first."""

    HELP = "Lines of the first record begin with -, lines of the second with +. No code is executed."
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "back"),
        Binding("S", "swap", "swap", tooltip="swap the two records"),
    ]

    def __init__(self, first: Row, second: Row) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.compared: Difference | None = None

    def compose(self) -> ComposeResult:
        """Yield the title, the lines and the keys."""
        yield Static(id="diff-title", markup=False)
        yield DiffLines()
        yield Keys()

    def on_mount(self) -> None:
        """Begin to compare."""
        self.set_focus(self.query_one(DiffLines))
        self._begin()

    def _begin(self) -> None:
        self.compared = None
        title = self.host.glyphs.plain(f" {name_of(self.first)}  to  {name_of(self.second)}")
        self.query_one("#diff-title", Static).update(content(title, "bold $primary"))
        self.query_one(DiffLines).fill("  reading both records")
        self._compare()

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _compare(self) -> None:
        rows = (self.first, self.second)
        records = [self.host.load_record(row) for row in rows]
        compared = difference(records, [row.verdict for row in rows], [row.created for row in rows])
        self.app.call_from_thread(self._show, compared)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show what went wrong, except for a worker that was replaced by another."""
        if event.state is WorkerState.ERROR:
            reason = f"the records could not be compared: {safe(str(event.worker.error), LIMIT_CHARS)}"
            self.query_one(DiffLines).fill(f"  {reason}")
            self.host.tell(reason, "error")

    def _show(self, compared: Difference) -> None:
        self.compared = compared
        self._draw()

    def _draw(self) -> None:
        if self.compared is not None:
            page = Page(max(self.size.width - 2, 40), color=True, ascii=self.host.ascii_only)
            self.query_one(DiffLines).fill(render(self.compared, page, whole=True))

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out the page for the new width."""
        self._draw()

    def action_swap(self) -> None:
        """Swap the two records."""
        self.first, self.second = self.second, self.first
        self._begin()
