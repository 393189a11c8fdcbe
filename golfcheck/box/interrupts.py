"""Signals that wait: what is started must be known to whoever ends it before Ctrl-C is heard."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")


def uninterrupted(call: Callable[[], Result]) -> Result:
    """Return `call()`; a SIGINT or SIGTERM that comes meanwhile is handled after it, as it would have been before.

    Python handles signals in the main thread alone, so in another one nothing has to wait.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    must_wait, came = True, list[int]()

    def late(number: int, frame: FrameType | None) -> None:
        if must_wait:
            came.append(number)
        else:  # the loop below was itself interrupted: the old handler is still the one that decides
            handlers[signal.Signals(number)](number, frame)

    try:
        for number in handlers:
            signal.signal(number, late)
        return call()
    finally:
        must_wait = False
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for waiting in came:
            signal.raise_signal(waiting)
