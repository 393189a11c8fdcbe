"""The logs of a record, one at a time: the name, the text, and a search line."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from golfcheck.core.text import safe
from golfcheck.submission.logtext import LogText
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.logview import LogView
from golfcheck.tui.widgets.sheet import plain


class LogPane(Vertical):
    """Shows the first log at first; each log is read in a thread when it is needed."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    LogPane > .head { height: 1; padding: 0 1; color: $text-muted; }
    LogPane > Input { height: 1; border: none; padding: 0 1; display: none; }
    LogPane > Input.-open { display: block; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.open_log: Callable[[str], LogText] = lambda path: LogText(b"")
        self.paths: tuple[str, ...] = ()
        self.path: str | None = None  # the one shown
        self._at = 1
        self._head = ""  # the log's name, its position among the logs, its size

    def compose(self) -> ComposeResult:
        """Yield the name of the log, its text, and the search line."""
        yield Static("reading", classes="head", markup=False)
        yield LogView()
        yield Input(placeholder="search this log    enter: find    n, N: next, previous    esc: close", compact=True)

    @property
    def line(self) -> int:
        """The marked line."""
        return self.query_one(LogView).at

    def show(self, open_log: Callable[[str], LogText], paths: Sequence[str]) -> None:
        """Set the logs of a record; `open_log`, which reads one, is called in a thread."""
        self.open_log, self.paths = open_log, tuple(paths)
        if not self.paths:
            self.query_one(".head", Static).update("this record has no log")
        else:
            self.open(self.path or self.paths[0], self._at)

    def open(self, path: str, at: int = 1) -> bool:
        """Show a log with a line marked; returns whether the record has it."""
        if path not in self.paths:
            return False
        if path == self.path and len(self.query_one(LogView).log_text):
            self.query_one(LogView).go(at)
            return True
        self.path, self._at = path, at
        background.begin(self, "log", lambda: (path, self.open_log(path)))
        return True

    def turn(self, by: int) -> None:
        """Show the next or the previous log."""
        if self.paths and self.path is not None:
            self.open(self.paths[(self.paths.index(self.path) + by) % len(self.paths)])

    def take_focus(self) -> None:
        """Focus the search line if it is open, else the log."""
        line = self.query_one(Input)
        self.screen.set_focus(line if line.has_class("-open") else self.query_one(LogView))

    def ask(self) -> None:
        """Open the search line."""
        self.query_one(Input).add_class("-open")
        self.take_focus()

    def leave_search(self) -> bool:
        """Close the search line; returns whether it was open."""
        line = self.query_one(Input)
        if not line.has_class("-open"):
            return False
        line.remove_class("-open")
        self.screen.set_focus(self.query_one(LogView))
        return True

    def on_work_done(self, message: background.WorkDone) -> None:
        """Show the log that was read, if it is still wanted."""
        message.stop()
        path, text = message.result if isinstance(message.result, tuple) else (None, None)
        if path is None or path != self.path or not isinstance(text, LogText):
            return
        self.query_one(LogView).show(text, self._at)
        position = (
            f"log {self.paths.index(path) + 1} of {len(self.paths)} ([ and ] turn)" if len(self.paths) > 1 else ""
        )
        said = [safe(path, 80), position, f"{len(text):,} lines, {len(text.data):,} bytes", *text.notes]
        self._head = "   ".join(filter(None, said))
        self._say(self._head)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for the words."""
        event.stop()
        self.leave_search()
        self.query_one(LogView).find(event.value)

    def on_log_view_searched(self, message: LogView.Searched) -> None:
        """Show the position among the matches before the name of the log."""
        message.stop()
        hit = ""
        if message.words:
            words = safe(message.words, 30)
            count = f"{message.position:,} of {message.hits:,} lines" if message.hits else "nowhere in this log"
            hit = f"{words}: {count}" + (f", {message.around}" if message.around else "")
        self._say("   ".join(filter(None, [hit, self._head])))

    def _say(self, head: str) -> None:
        self.query_one(".head", Static).update(Content(plain(head) if is_ascii(self) else head))
