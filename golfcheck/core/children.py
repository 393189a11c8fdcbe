"""How golfcheck starts other Pythons: none of them looks for modules in the current folder.

A pool that spawns its processes starts `python -c`, which puts the current folder first on its path: a record with a
`multiprocessing.py` would be run by whoever stands in it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

SAFE_PATH = "PYTHONSAFEPATH"  # of Python 3.11 and later, for `-c`, `-m` and scripts


@contextmanager
def without_current_folder() -> Iterator[None]:
    """Start no Python inside the block that puts the current folder, or its script's, on its path."""
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
    """Return the environment for a script of ours that imports the modules beside it."""
    return {name: value for name, value in environment.items() if name != SAFE_PATH}
