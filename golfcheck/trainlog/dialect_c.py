"""Dialect C, terse: 17 of 165 real logs. Its steps are variants of dialect A's."""

import re

from golfcheck.trainlog.dialect_a import settings
from golfcheck.trainlog.events import Fact, Size
from golfcheck.trainlog.pairs import INT, pairs
from golfcheck.trainlog.runs import Runs

_BUDGET = re.compile(rf"budget:({INT})/({INT})")
_CODE = re.compile(rf" code:({INT})(?!\S)")


def shape(runs: Runs, line: int, text: str) -> bool:
    """Read `params:N L:10 d:768 h:8 kv:4 ws:8 ga:1 s:7`."""
    values = pairs(text)
    if "params" not in values or "L" not in values:
        return False
    run = runs.header()
    for name, field in (("params", "params"), ("ws", "world_size"), ("s", "seed")):
        number = values.get(name, ("", ""))[0]
        if number.isdecimal() and getattr(run, field) is None:
            setattr(run, field, Fact(int(number), line))
    return True


def hyperparameters(runs: Runs, line: int, text: str) -> bool:
    """Read the one line of `name=value` pairs."""
    return text.count("=") > 20 and settings(runs, line, text)


def artifact(runs: Runs, line: int, text: str) -> bool:
    """Read the code's size from `artifact:15.92MB ternary:… fp:… code:N`; the artifact's own size is rounded there."""
    if not text.startswith("artifact:") or not (match := _CODE.search(text)):
        return False
    runs.now.code_bytes.append(Size(line, "", int(match[1])))
    return True


def budget(runs: Runs, line: int, text: str) -> bool:
    """Read the total from `budget:N/16000000 (…) FITS`."""
    if not (match := _BUDGET.match(text)):
        return False
    runs.now.total_bytes.append(Size(line, "budget", int(match[1])))
    return True
