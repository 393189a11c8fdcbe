"""Read a tree of records in a thread, which posts the results to the screen that asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from textual.message import Message

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.judging.config import JudgingSettings

_DRAWN_SECONDS = 0.25  # maximum time that judging waits until the rows are visible


@dataclass
class RowsArrived(Message):
    """Rows that have been read but not ranked; the receiver sets `drawn` once they are visible."""

    rows: tuple[Row, ...]
    drawn: Event = field(default_factory=Event)


@dataclass
class ReadingProgressed(Message):
    """Progress of reading."""

    done: int
    of: int


@dataclass
class ReadingNoted(Message):
    """A note about something that could not be used."""

    line: str


@dataclass
class BoardLoaded(Message):
    """Everything has been read and ranked."""

    board: Board


@dataclass
class ReadingFailed(Message):
    """Reading failed; `empty` if there are no records."""

    reason: str
    empty: bool


class ReadingCanceled(Exception):
    """The screen no longer needs the records."""


def read(root: Path, settings: JudgingSettings, post: Callable[[Message], object], gone: Callable[[], bool]) -> None:
    """Read the records of a tree and post them; stops as soon as `gone` says so, and ends its processes."""

    def idle() -> None:
        if gone():
            raise ReadingCanceled

    def progress(stage: str, done: int, of: int) -> None:
        idle()
        post(ReadingProgressed(done, of))

    def early(rows: Sequence[Row]) -> None:
        if not rows:
            return
        arrived = RowsArrived(tuple(rows))
        post(arrived)
        if not rows[0].judged:  # the processes that judge them would compete with drawing
            arrived.drawn.wait(_DRAWN_SECONDS)

    def say(line: str) -> None:
        post(ReadingNoted(line))

    try:
        board = load_board([root], settings, progress=progress, early=early, idle=idle, say=say)
    except ReadingCanceled:
        return
    except UsageError as error:
        post(ReadingFailed(str(error), empty=True))
    except (GolfcheckError, OSError) as error:
        post(ReadingFailed(str(error), empty=False))
    else:
        post(BoardLoaded(board))
