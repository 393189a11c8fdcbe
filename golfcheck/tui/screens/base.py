"""The base of all screens: the application as a screen sees it, and the messages that open other screens.

The application imports the screens; a screen imports only this module. To open another screen, it posts one of the
messages below, which bubble up to the application.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from textual.message import Message
from textual.screen import Screen

from golfcheck.board.model import Board, Row
from golfcheck.board.query import Query
from golfcheck.judging.config import JudgingSettings
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record
from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.screens.session import Session

Severity = Literal["information", "warning", "error"]


class Records(Protocol):
    """The records of the tree that have been read so far."""

    board: Board | None  # None until all records are read and ranked
    reading: tuple[int, int] | None  # (records read, records in the tree); None while nothing is being read


class Host(Protocol):
    """What the application offers to screens."""

    root: Path
    settings: JudgingSettings
    glyphs: Glyphs
    ascii_only: bool
    session: Session

    @property
    def records(self) -> Records:
        """The records that the board shows."""

    def load_record(self, row: Row) -> Record:
        """Read the record of a row. Takes up to a second: call it in a thread."""

    def tell(self, text: object, severity: Severity = "information") -> None:
        """Show a toast; `text` may be untrusted."""

    def edit(self, path: Path, line: int | None = None) -> None:
        """Open the user's editor on a file, at a line."""

    def edit_record(self, row: Row) -> None:
        """Open the submission file of a record, or its README, in the user's editor."""

    def copy(self, text: str) -> None:
        """Copy one line of text to the terminal's clipboard (OSC 52)."""


class BaseScreen(Screen[None]):
    """A screen of this application."""

    @property
    def host(self) -> Host:
        """The application."""
        return cast(Host, self.app)


@dataclass
class OpenRecord(Message):
    """Open a record."""

    row: Row


@dataclass
class OpenPullRecord(Message):
    """Open a record that is not in a folder; `load` reads it, and `open_log` reads one of its logs."""

    row: Row
    load: Callable[[Row], Record]
    open_log: Callable[[str], LogText]


@dataclass
class OpenComparison(Message):
    """Show two to four records side by side, compared with the first."""

    rows: Sequence[Row]


@dataclass
class OpenDiff(Message):
    """Show the output of `golfcheck diff` for two records."""

    first: Row
    second: Row


@dataclass
class OpenTimeline(Message):
    """Show the frontier over time with the cursor on `row`; `query`, typed as `text`, selects the records."""

    board: Board
    row: Row | None
    query: Query
    text: str


@dataclass
class OpenWatch(Message):
    """Follow growing logs, compared with the record `best`."""

    logs: Sequence[Path]
    best: Row | None
