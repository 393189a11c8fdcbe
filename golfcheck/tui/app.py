"""The application: everything that the screens share."""

import asyncio
import os
import signal
import stat
import subprocess
from collections.abc import Iterable, Sequence
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, ClassVar

from textual.app import SuspendNotSupported, SystemCommand
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input

from golfcheck.board.model import Board, Row
from golfcheck.core.text import safe
from golfcheck.judging.cache import Cache
from golfcheck.judging.config import JudgingSettings
from golfcheck.queue.build import QueueRequest
from golfcheck.submission.record import Record, load
from golfcheck.tui import editor, palette
from golfcheck.tui.asciionly import AsciiOnly
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.inturn import KeysInTurn
from golfcheck.tui.screens import help, session
from golfcheck.tui.screens.base import (
    OpenComparison,
    OpenDiff,
    OpenPullRecord,
    OpenRecord,
    OpenTimeline,
    OpenWatch,
    Records,
    Severity,
)
from golfcheck.tui.screens.board import BoardScreen
from golfcheck.tui.themes import THEMES

_TERMINATED = 128 + 15  # the exit code that a shell reports after SIGTERM
_HELP = "the keys that work here; F1 while typing"
_KEY_NAMES = str.maketrans({"⏎": "enter", "↑": "up", "↓": "down", "←": "left", "→": "right", "⌫": "backspace"})
_ASCII_ONLY = AsciiOnly()


class GolfcheckApp(KeysInTurn):
    """`golfcheck tui`. `root` is the tree of records to show, `board` the same if it has been read already.

    With `queue` it opens on the pull requests of a repository instead.
    """

    TITLE = "golfcheck"
    CSS_PATH = "golfcheck.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?", tooltip=_HELP),
        Binding("f1", "help", "help", show=False, tooltip=_HELP),
        Binding("q", "quit", "quit", tooltip="quit golfcheck"),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, tooltip="go to the shell; fg comes back"),
    ]

    def __init__(
        self,
        root: Path,
        settings: JudgingSettings,
        *,
        watch: Sequence[Path] = (),
        ascii_only: bool = False,
        board: Board | None = None,
        queue: QueueRequest | None = None,
    ) -> None:
        super().__init__()
        # Processes that read records start while Textual has replaced stderr by an object without a file descriptor,
        # which the resource tracker needs. So start it now.
        if os.name == "posix":
            resource_tracker.ensure_running()
        self.root = root
        self.settings = settings
        self.logs_to_watch = tuple(watch)
        self.ascii_only = ascii_only
        self.glyphs = ASCII if ascii_only else UNICODE
        self.board_screen = BoardScreen(board)
        self.queue = queue
        self.session = session.load()

    def get_driver_class(self) -> type[Driver]:
        """Return the class that reads the terminal."""
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from golfcheck.tui.driver import Terminal

        return Terminal

    def on_mount(self) -> None:
        """Open the board, and above it the logs to watch."""
        if os.name == "posix":  # restore the terminal
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, partial(self.exit, return_code=_TERMINATED))
        self.set_class(self.ascii_only, "-ascii")
        for theme in THEMES:
            self.register_theme(theme)
        name = self.session.theme
        self.theme = name if name in self.available_themes else session.Session().theme
        if self.queue is not None:
            from golfcheck.tui.screens.queue import QueueScreen

            self.push_screen(QueueScreen(self.queue))
            return
        self.push_screen(self.board_screen)
        if self.logs_to_watch:
            self.board_screen.watch_logs(self.logs_to_watch)

    def on_unmount(self) -> None:
        """Save the state of the board."""
        if self.queue is not None:
            return
        board = self.board_screen
        root = str(self.root.resolve())
        session.save(session.Session(board.filter_text, board.sort, board.reverse, self.theme, root, board.record))

    def get_key_display(self, binding: Binding) -> str:
        """Return the name of a key."""
        shown = super().get_key_display(binding)
        return shown.translate(_KEY_NAMES) if self.ascii_only else shown

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters for every line that a widget draws."""
        return [*super().get_line_filters(), *([_ASCII_ONLY] if self.ascii_only else [])]

    def action_help_quit(self) -> None:
        """Say how to quit. Ctrl-C must not close the application, because people use it to copy."""
        types = isinstance(self.focused, Input)
        self.tell("to quit golfcheck, press esc, then q" if types else "to quit golfcheck, press q")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Return the commands of the palette."""
        return palette.commands(self, self, screen)

    def action_help(self) -> None:
        """Show the keys that work here."""
        self.push_screen(help.HelpScreen(help.page(self.screen), self.glyphs))

    # Screens are imported when they are first opened: together they take a third of a second.

    def on_open_record(self, event: OpenRecord) -> None:
        """Open a record with its tabs."""
        from golfcheck.tui.screens.detail import DetailScreen

        self.push_screen(DetailScreen(event.row, self.load_record))

    def on_open_pull_record(self, event: OpenPullRecord) -> None:
        """Open the record of a pull request with its tabs."""
        from golfcheck.tui.screens.detail import DetailScreen

        self.push_screen(DetailScreen(event.row, event.load, open_log=event.open_log))

    def on_open_comparison(self, event: OpenComparison) -> None:
        """Show two to four records side by side."""
        from golfcheck.tui.screens.compare import CompareScreen

        self.push_screen(CompareScreen(event.rows))

    def on_open_diff(self, event: OpenDiff) -> None:
        """Show the differences between two records."""
        from golfcheck.tui.screens.diffscreen import DiffScreen

        self.push_screen(DiffScreen(event.first, event.second))

    def on_open_timeline(self, event: OpenTimeline) -> None:
        """Show the frontier over time."""
        from golfcheck.tui.screens.timeline import TimelineScreen

        self.push_screen(TimelineScreen(event.board, event.row, event.query, event.text))

    def on_open_watch(self, event: OpenWatch) -> None:
        """Follow growing logs."""
        from golfcheck.tui.screens.watchscreen import WatchScreen

        first, *more = event.logs
        self.push_screen(WatchScreen(first, event.best, more))

    # What screens use; see `Host`.

    @property
    def records(self) -> Records:
        """The records that the board shows."""
        return self.board_screen

    def load_record(self, row: Row) -> Record:
        """Read the record of a row. Takes up to a second: call it in a thread."""
        path = Path(row.verdict.path)
        if not self.settings.cache:
            return load(path)
        with Cache() as cache:
            return cache.load(path)

    def tell(self, text: object, severity: Severity = "information") -> None:
        """Show a toast; `text` may be untrusted."""
        self.notify(safe(str(text), 400), severity=severity, markup=False)

    def edit_record(self, row: Row) -> None:
        """Open the submission file of a record, or its README."""
        folder = Path(row.verdict.path)
        for pattern in ("submission*.json", "README*", "*.log"):
            for path in sorted(folder.glob(pattern)):
                if stat.S_ISREG(path.lstat().st_mode):
                    self.edit(path)
                    return
        self.tell(f"{folder}: no file to edit", "warning")

    def edit(self, path: Path, line: int | None = None) -> None:
        """Suspend the screen and open the user's editor at a line of a file."""
        command = editor.command(path, line)
        if command is None:
            self.tell("no editor found: set $EDITOR", "error")
            return
        try:
            with self.suspend():
                subprocess.run(command, check=False)
        except (SuspendNotSupported, OSError) as error:
            self.tell(f"the editor could not be opened: {error}", "error")

    def copy(self, text: str) -> None:
        """Copy one line of text to the clipboard of the terminal (OSC 52)."""
        self.copy_to_clipboard(safe(text))
        self.tell(f"copied: {text}")
