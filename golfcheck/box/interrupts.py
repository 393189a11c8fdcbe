"""Delay Ctrl-C until whatever a call started has been handed to the code that ends it."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

Result = TypeVar("Result")


def uninterrupted(call: Callable[[], Result]) -> Result:
    """Return `call()`; a SIGINT or SIGTERM that arrives during it is handled by its usual handler afterward.

    Python handles signals only in the main thread, so in other threads nothing is delayed.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: handler for number in numbers if callable(handler := signal.getsignal(number))}
    is_delayed, pending = True, list[int]()

    def delay(number: int, frame: FrameType | None) -> None:
        if is_delayed:
            pending.append(number)
        else:  # it arrived while the loop below was restoring handlers: call the original one
            handlers[signal.Signals(number)](number, frame)

    try:
        for number in handlers:
            signal.signal(number, delay)
        return call()
    finally:
        is_delayed = False
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for arrived in pending:
            signal.raise_signal(arrived)
