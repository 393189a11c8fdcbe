"""Reading a tree of records in a thread, which posts what it has read to the screen that asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from textual.message import Message

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.judging.config import Settings

_DRAWN_SECONDS = 0.25  # that reading waits at most for rows to be seen before it judges them


@dataclass
class RowsArrived(Message):
    """Rows that have been read; they have no rank yet. `drawn` is to be set when they are on the screen."""

    rows: tuple[Row, ...]
    drawn: Event = field(default_factory=Event)


@dataclass
class ReadingProgressed(Message):
    """So many records have been read, of so many."""

    done: int
    of: int


@dataclass
class ReadingNoted(Message):
    """What could not be used on the way, in a line."""

    line: str


@dataclass
class BoardLoaded(Message):
    """All has been read and ranked."""

    board: Board


@dataclass
class ReadingFailed(Message):
    """Nothing could be read, and why; `empty` where there is simply no record."""

    reason: str
    empty: bool


class ReadingCanceled(Exception):
    """Nobody waits for the records any more."""


def read(root: Path, settings: Settings, post: Callable[[Message], object], gone: Callable[[], bool]) -> None:
    """Read the records of a tree and post them; stops at once when `gone` says so, and ends what works for it."""

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
        if not rows[0].judged:  # the processes that judge them would take the time that drawing needs
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
