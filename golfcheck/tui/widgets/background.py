"""Work that takes its time: done in a thread, which posts its result to the widget that asked for it."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

from golfcheck.core.errors import GolfcheckError
from golfcheck.submission.bounded import UnreadableError


@dataclass
class WorkDone(Message):
    """The work called `what` is done; its result is of the type that its asker knows."""

    what: str
    result: object


@dataclass
class WorkFailed(Message):
    """The work called `what` could not be done, and why; the reason may hold untrusted text."""

    what: str
    reason: str


def begin(asker: Widget, what: str, work: Callable[[], object]) -> None:
    """Do `work` in a thread; post WorkDone or WorkFailed to `asker`. Of two works of one name the later one counts."""
    asker.run_worker(lambda: _run(asker, what, work), group=what, exclusive=True, thread=True, exit_on_error=False)


def _run(asker: MessagePump, what: str, work: Callable[[], object]) -> None:
    try:
        message: Message = WorkDone(what, work())
    except (GolfcheckError, OSError, UnreadableError) as error:
        message = WorkFailed(what, str(error))
    except Exception as error:  # a bug of golfcheck's: shown, and the other screens go on
        message = WorkFailed(what, f"{type(error).__name__}: {error}")
    asker.post_message(message)
