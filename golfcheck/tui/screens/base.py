"""What every screen builds on: the application as a screen sees it, and the messages that ask it for another screen.

The application knows the screens; a screen knows this module only. To open another screen it posts one of the messages
below, which travel up to the application.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from textual.message import Message
from textual.screen import Screen

from golfcheck.board.model import Board, Row
from golfcheck.board.query import Query
from golfcheck.judging.config import Settings
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record
from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.screens.session import Session

Severity = Literal["information", "warning", "error"]


class Records(Protocol):
    """The tree of records, as far as it has been read."""

    board: Board | None  # None until all records are read and ranked
    reading: tuple[int, int] | None  # (records read, records in the tree); None while nothing is being read


class Host(Protocol):
    """What the application offers its screens."""

    root: Path
    settings: Settings
    glyphs: Glyphs
    ascii_only: bool
    session: Session

    @property
    def records(self) -> Records:
        """The records of the tree that the board shows."""

    def load_record(self, row: Row) -> Record:
        """Read the record of a row. Takes up to a second: call it in a thread."""

    def tell(self, text: object, severity: Severity = "information") -> None:
        """Show a toast; `text` may be untrusted."""

    def edit(self, path: Path, line: int | None = None) -> None:
        """Open the user's editor on a file, at a line."""

    def edit_record(self, row: Row) -> None:
        """Open the submission file of a record, or its README, in the user's editor."""

    def copy(self, text: str) -> None:
        """Put one line of text on the terminal's clipboard (OSC 52)."""


class BaseScreen(Screen[None]):
    """A screen of this application."""

    @property
    def host(self) -> Host:
        """The application."""
        return cast(Host, self.app)


@dataclass
class OpenRecord(Message):
    """Asks for the screen of one record."""

    row: Row


@dataclass
class OpenPullRecord(Message):
    """Asks for the screen of a record that lies in no folder; `load` reads it, and `open_log` one of its logs."""

    row: Row
    load: Callable[[Row], Record]
    open_log: Callable[[str], LogText]


@dataclass
class OpenComparison(Message):
    """Asks for two to four records side by side; the others are compared with the first."""

    rows: Sequence[Row]


@dataclass
class OpenDiff(Message):
    """Asks for what `golfcheck diff` prints of two records."""

    first: Row
    second: Row


@dataclass
class OpenTimeline(Message):
    """Asks for the frontier through time with the cursor on `row`; `query`, typed as `text`, selects what is drawn."""

    board: Board
    row: Row | None
    query: Query
    text: str


@dataclass
class OpenWatch(Message):
    """Asks to follow growing logs, compared with the record of `best`."""

    logs: Sequence[Path]
    best: Row | None
