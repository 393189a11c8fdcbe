"""Work that is counted instead of timed: how many calls Python and its built-in functions made."""

import sys
from collections.abc import Callable
from types import FrameType


def work_of(function: Callable[[], object]) -> int:
    """Return how many lines of Python a call executes, and how many functions it calls, those written in C included."""
    count = 0

    def called(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    def line(_frame: FrameType, _event: str, _argument: object) -> object:
        nonlocal count
        count += 1
        return line

    before, traced = sys.getprofile(), sys.gettrace()
    sys.setprofile(called)
    sys.settrace(line)  # type: ignore[arg-type]
    try:
        function()
    finally:
        sys.settrace(traced)
        sys.setprofile(before)
    return count
