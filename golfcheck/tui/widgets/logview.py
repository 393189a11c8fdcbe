"""A log of any size, drawn line by line as it is seen, with line numbers and a search."""

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

_SHOWN_CHARS = 2_000  # of a line; one scrolls to the right through them
_NUMBER = Style(dim=True)
_AT = Style(bold=True, reverse=True)
_FOUND = Style(reverse=True)


class LogView(Scroller):
    """Shows a LogText; one line is marked, where the search stands or a finding points."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "again(False)", "next", show=False, tooltip="the next line with the words"),
        Binding("N", "again(True)", "previous", show=False, tooltip="the one before"),
    ]

    DEFAULT_CSS = """
    LogView { scrollbar-size-horizontal: 0; }
    """

    class Searched(Message):
        """Where a search stands: on line `place` of `hits`, or nowhere; `around` says which end it passed."""

        def __init__(self, words: str, position: int, hits: int, around: str) -> None:
            super().__init__()
            self.words, self.position, self.hits, self.around = words, position, hits, around

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.log_text = LogText(b"")
        self.at = 1
        self.words = ""

    def show(self, text: LogText, at: int = 1) -> None:
        """Show a log, with the line `at` marked."""
        self.log_text, self.words = text, ""
        self.virtual_size = Size(self._digits + 2 + _SHOWN_CHARS, len(text))
        self.scroll_to(0, 0, animate=False)
        self.go(at)
        self.refresh()

    def go(self, line: int) -> None:
        """Mark a line, and show it with some around it."""
        before, self.at = self.at, max(1, min(line, len(self.log_text)))
        far = abs(self.at - before) > 1
        spare = self.size.height // 3 if far else 0
        region = Region(self.scroll_offset.x, max(0, self.at - 1 - spare), 1, 1 + 2 * spare)
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    def find(self, words: str, *, backwards: bool = False) -> None:
        """Go to the next line that holds `words`."""
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
        """Mark a line that is a page below."""
        self.go(self.at + max(1, self.size.height - 2))

    def action_page_up(self) -> None:
        """Mark a line that is a page above."""
        self.go(self.at - max(1, self.size.height - 2))

    def render_line(self, y: int) -> Strip:
        """Return the line at `y` of what is seen."""
        number = self.scroll_offset.y + y + 1
        columns, room = self.scrollable_content_region.width, self._columns_of_text
        if number > len(self.log_text):
            return Strip.blank(columns, self.rich_style)
        text, left = self._shown(number), self.scroll_offset.x
        head = Segment(f"{number:>{self._digits}}", _AT if number == self.at else _NUMBER)
        body = Strip(self._marked(text), width(text)).crop_extend(left, left + room, None)
        return Strip.join([Strip([head, Segment("  ")]), body]).apply_style(self.rich_style)

    def _marked(self, text: str) -> list[Segment]:
        """Return the line with the words that are looked for set off."""
        parts, start, length = list[Segment](), 0, len(self.words)
        while (match := self._place(text, start)) >= 0:
            parts += [Segment(text[start:match]), Segment(text[match : match + length], _FOUND)]
            start = match + length
        return [*parts, Segment(text[start:])]

    def _place(self, text: str, start: int = 0) -> int:
        """Return where the words that are looked for come next in a line as it is shown, or -1."""
        needle, low = self.words.lower(), text.lower()
        return low.find(needle, start) if needle and len(low) == len(text) and len(needle) == len(self.words) else -1

    def _go_across(self, number: int) -> None:
        """Scroll to the side until the first of the words in a line are seen; all the way back where that does it."""
        text = self._shown(number)
        position = self._place(text)
        if position < 0:  # in what of a long line is not shown: its end says how much that is
            position = max(0, len(text) - 1)
        start, room = width(text[:position]), self._columns_of_text
        end = start + min(room, width(text[position : position + len(self.words)]))
        if end <= room:
            self.scroll_to(0, None, animate=False)
        elif not self.scroll_offset.x <= start <= end <= self.scroll_offset.x + room:
            self.scroll_to(min(start, max(end - room, start - room // 3)), None, animate=False)

    def _shown(self, number: int) -> str:
        """Return a line as it is drawn."""
        text = safe(self.log_text.line(number).expandtabs(4), _SHOWN_CHARS)
        return plain(text) if is_ascii(self) else text

    @property
    def _columns_of_text(self) -> int:
        return max(1, self.scrollable_content_region.width - self._digits - 2)

    @property
    def _digits(self) -> int:
        return max(4, len(str(len(self.log_text))))
