"""A log of any size with line numbers and search, drawn as it comes into view."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from golfcheck.core.text import safe, width
from golfcheck.submission.logtext import LogText
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.sheet import Scroller, plain

_SHOWN_CHARS = 2_000  # of a line
_NUMBER = Style(dim=True)
_AT = Style(bold=True, reverse=True)
_FOUND = Style(reverse=True)


class LogView(Scroller):
    """Shows a LogText with one line marked: a search match, or the line of a finding."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "again(False)", "next", show=False, tooltip="the next match"),
        Binding("N", "again(True)", "previous", show=False, tooltip="the previous match"),
    ]

    DEFAULT_CSS = """
    LogView { scrollbar-size-horizontal: 0; }
    """

    class Searched(Message):
        """The state of a search: at match `position` of `hits`, or 0; `around` says if it wrapped."""

        def __init__(self, words: str, position: int, hits: int, around: str) -> None:
            super().__init__()
            self.words, self.position, self.hits, self.around = words, position, hits, around

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.log_text = LogText(b"")
        self.at = 1
        self.words = ""

    def show(self, text: LogText, at: int = 1) -> None:
        """Show a log with line `at` marked."""
        self.log_text, self.words = text, ""
        self.virtual_size = Size(self._digits + 2 + _SHOWN_CHARS, len(text))
        self.scroll_to(0, 0, animate=False)
        self.go(at)
        self.refresh()

    def go(self, line: int) -> None:
        """Mark a line, and scroll to it and its context."""
        before, self.at = self.at, max(1, min(line, len(self.log_text)))
        far = abs(self.at - before) > 1
        spare = self.size.height // 3 if far else 0
        region = Region(self.scroll_offset.x, max(0, self.at - 1 - spare), 1, 1 + 2 * spare)
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    def find(self, words: str, *, backwards: bool = False) -> None:
        """Go to the next line that contains `words`."""
        self.words = words
        before, match = self.at, self.log_text.find(words, self.at, backwards=backwards)
        around = ""
        if match is not None:
            self.go(match)
            self._go_across(match)
            if match <= before and not backwards:
                around = "from the top again"
            elif match >= before and backwards:
                around = "from the bottom again"
        hits = self.log_text.lines_with(words)
        self.post_message(self.Searched(words, hits.index(match) + 1 if match else 0, len(hits), around))
        self.refresh()

    def action_scroll_down(self) -> None:
        """Mark the next line."""
        self.go(self.at + 1)

    def action_scroll_up(self) -> None:
        """Mark the previous line."""
        self.go(self.at - 1)

    def action_top(self) -> None:
        """Mark the first line."""
        self.go(1)

    def action_bottom(self) -> None:
        """Mark the last line."""
        self.go(len(self.log_text))

    def action_again(self, backwards: bool) -> None:
        """Search again for the same words."""
        self.find(self.words, backwards=backwards)

    def action_page_down(self) -> None:
        """Mark the line one page down."""
        self.go(self.at + max(1, self.size.height - 2))

    def action_page_up(self) -> None:
        """Mark the line one page up."""
        self.go(self.at - max(1, self.size.height - 2))

    def render_line(self, y: int) -> Strip:
        """Return line `y` of the visible part."""
        number = self.scroll_offset.y + y + 1
        columns, room = self.scrollable_content_region.width, self._columns_of_text
        if number > len(self.log_text):
            return Strip.blank(columns, self.rich_style)
        text, left = self._shown(number), self.scroll_offset.x
        head = Segment(f"{number:>{self._digits}}", _AT if number == self.at else _NUMBER)
        body = Strip(self._marked(text), width(text)).crop_extend(left, left + room, None)
        return Strip.join([Strip([head, Segment("  ")]), body]).apply_style(self.rich_style)

    def _marked(self, text: str) -> list[Segment]:
        """Return the line with matches highlighted."""
        parts, start, length = list[Segment](), 0, len(self.words)
        while (match := self._place(text, start)) >= 0:
            parts += [Segment(text[start:match]), Segment(text[match : match + length], _FOUND)]
            start = match + length
        return [*parts, Segment(text[start:])]

    def _place(self, text: str, start: int = 0) -> int:
        """Return the position of the next match in a line as shown, or -1."""
        needle, low = self.words.lower(), text.lower()
        return low.find(needle, start) if needle and len(low) == len(text) and len(needle) == len(self.words) else -1

    def _go_across(self, number: int) -> None:
        """Scroll sideways until the first match in the line is visible, preferably back to the start."""
        text = self._shown(number)
        position = self._place(text)
        if position < 0:  # the match is in the part of a long line that is cut; its end says how much
            position = max(0, len(text) - 1)
        start, room = width(text[:position]), self._columns_of_text
        end = start + min(room, width(text[position : position + len(self.words)]))
        if end <= room:
            self.scroll_to(0, None, animate=False)
        elif not self.scroll_offset.x <= start <= end <= self.scroll_offset.x + room:
            self.scroll_to(min(start, max(end - room, start - room // 3)), None, animate=False)

    def _shown(self, number: int) -> str:
        """Return a line as shown."""
        text = safe(self.log_text.line(number).expandtabs(4), _SHOWN_CHARS)
        return plain(text) if is_ascii(self) else text

    @property
    def _columns_of_text(self) -> int:
        return max(1, self.scrollable_content_region.width - self._digits - 2)

    @property
    def _digits(self) -> int:
        return max(4, len(str(len(self.log_text))))
