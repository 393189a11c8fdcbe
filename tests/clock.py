"""Time in tests: claims are about CPU time, the minimum of several tries; guards against hangs are generous.

On a busy machine any single measurement can be slow, wall-clock time most of all.
"""

import time
from collections.abc import Callable

HANG_SECONDS = 300  # when to give up on a child or a wait; not a claim about how long it takes


def cpu_seconds(call: Callable[[], object], below: float, tries: int = 5) -> float:
    """Return the minimum CPU seconds of a call in this process; it is repeated until one is below `below`."""
    least = float("inf")
    for _ in range(tries):
        start = time.process_time()
        call()
        least = min(least, time.process_time() - start)
        if least < below:
            break
    return least
