"""Start child Python processes that import nothing from the current directory.

A process pool that spawns its workers runs `python -c`, which puts the current directory first on the module path. A
record that contains a `multiprocessing.py` would then be executed by anyone who runs golfcheck inside it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"  # Python 3.11 and newer; applies to `-c`, `-m` and scripts


@contextmanager
def without_current_folder() -> Iterator[None]:
    """Inside the block, child Pythons put neither the current directory nor their script's on the module path."""
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SAFE_PATH, None)
        else:
            os.environ[SAFE_PATH] = before


def for_scripts(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for one of our scripts, which imports modules from its own directory."""
    return {name: value for name, value in environment.items() if name != SAFE_PATH}
