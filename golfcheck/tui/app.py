"""The application: what all screens share."""

import subprocess
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import App, SuspendNotSupported
from textual.binding import Binding, BindingType

from golfcheck.cache import Cache
from golfcheck.config import Settings
from golfcheck.leaderboard import Row
from golfcheck.record import Record, load
from golfcheck.text import safe
from golfcheck.tui import editor
from golfcheck.tui.board import BoardScreen

Severity = Literal["information", "warning", "error"]


class GolfcheckApp(App[None]):
    """`golfcheck tui`; `root` is the tree of records that the board shows."""

    TITLE = "golfcheck"
    CSS_PATH = "golfcheck.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit", tooltip="leave golfcheck"),
        Binding("question_mark", "help", "help", key_display="?", tooltip="the keys of what has the focus"),
    ]

    def __init__(self, root: Path, settings: Settings, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.root = root
        self.settings = settings
        self.ascii_only = ascii_only

    def on_mount(self) -> None:
        """Open the board."""
        self.push_screen(BoardScreen())

    def load_record(self, row: Row) -> Record:
        """Read the record of a row. Takes up to a second: call it in a thread."""
        path = Path(row.verdict.path)
        if not self.settings.cache:
            return load(path)
        with Cache() as cache:
            return cache.load(path)

    def tell(self, text: object, severity: Severity = "information") -> None:
        """Show a toast; `text` may be a stranger's."""
        self.notify(safe(str(text)), severity=severity, markup=False)

    def edit(self, path: Path, line: int | None = None) -> None:
        """Open the user's editor on a file, at a line; the screen comes back when it ends."""
        command = editor.command(path, line)
        if command is None:
            self.tell("no editor: set $EDITOR to one that is installed", "error")
            return
        try:
            with self.suspend():
                subprocess.run(command, check=False)
        except (SuspendNotSupported, OSError) as error:
            self.tell(f"the editor could not be opened: {error}", "error")

    def copy(self, text: str) -> None:
        """Put a text of one line on the clipboard of the terminal (OSC 52)."""
        self.copy_to_clipboard(safe(text))
        self.tell(f"copied: {text}")
