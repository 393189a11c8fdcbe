"""Do slow work in a thread, which posts its result to the widget that asked for it."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

from golfcheck.core.errors import GolfcheckError
from golfcheck.submission.bounded import UnreadableError


@dataclass
class WorkDone(Message):
    """The work called `what` is done."""

    what: str
    result: object


@dataclass
class WorkFailed(Message):
    """The work called `what` failed; the reason may contain untrusted text."""

    what: str
    reason: str


def begin(asker: Widget, what: str, work: Callable[[], object]) -> None:
    """Do `work` in a thread; post WorkDone or WorkFailed to `asker`, unless the same work was started again."""
    asker.run_worker(lambda: _run(asker, what, work), group=what, exclusive=True, thread=True, exit_on_error=False)


def _run(asker: MessagePump, what: str, work: Callable[[], object]) -> None:
    try:
        message: Message = WorkDone(what, work())
    except (GolfcheckError, OSError, UnreadableError) as error:
        message = WorkFailed(what, str(error))
    except Exception as error:  # a bug in golfcheck: show it, and keep the other screens working
        message = WorkFailed(what, f"{type(error).__name__}: {error}")
    asker.post_message(message)
