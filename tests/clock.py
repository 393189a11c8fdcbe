"""Time in tests: what is claimed is CPU time, the least of several tries; what only guards against a hang is long.

A busy machine makes any one measurement slow, wall-clock time most of all. No test waits for a clock it does not own.
"""

import time
from collections.abc import Callable

HANG_SECONDS = 300  # after this a child that hangs is killed, or a wait given up: no claim about how long it takes


def cpu_seconds(call: Callable[[], object], below: float, tries: int = 5) -> float:
    """Return the least CPU seconds that this process needs for a call; it is repeated until one is below `below`."""
    least = float("inf")
    for _ in range(tries):
        start = time.process_time()
        call()
        least = min(least, time.process_time() - start)
        if least < below:
            break
    return least
