"""How validation tokens may reach training, followed through the text of a program. Evidence, never proof.

A name that says so (`val_tokens`, `val_files`) holds validation data, and so does what is cut from it or gets it as an
argument. It reaches training where it is an argument or is indexed in a loop (or a function without one) that calls
`.backward()`, or is given to a function that collects Hessians or calibrates. Code that nothing calls is not looked at.

Every name, call and loop is visited a fixed number of times, however they nest: `tests/golfcheck/source/test_work.py`
counts the visits.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from golfcheck.source.places import Place, PlaceIndex
from golfcheck.source.program import Program

_HOLDS_VALIDATION = re.compile(
    r"(?:.*_)?val(?:id|idation)?_(?:tokens?|files|data|loader|ids|shards?|docs|set|stream|paths?|batch(?:es)?|seqs?|inputs)"
)
_CALIBRATES = re.compile(r"hessian|calibrat", re.IGNORECASE)
_LINES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A place on the way: the file, the line, and what happens there."""

    path: str
    line: int
    what: str


Way = tuple[Step, ...]


def validation_paths(programs: Sequence[Program]) -> Iterator[Way]:
    """Yield a way from validation tokens to training for each place that trains on them, the place itself last."""
    index = PlaceIndex(programs)
    ways = _spread(index)
    for place in index.reachable:
        yield from _ends(place, ways[place])


def _spread(index: PlaceIndex) -> dict[Place, dict[str, Way]]:
    """Return for each place the names that hold validation data there, each with the calls it came through.

    Places that call come before those they call: a name that says so by itself gets the way to it before it is used.
    """
    ways: dict[Place, dict[str, Way]] = defaultdict(dict)
    order = {place: number for number, place in enumerate(index.reachable)}
    pending: list[tuple[int, int, str]] = []  # a heap: the place, the turn, the name
    turns = count()

    def give(place: Place, name: str, way: Way) -> None:
        """Note that a name holds validation data; a way through calls replaces none, and nothing replaces it."""
        if name not in ways[place] or (way and not ways[place][name]):
            ways[place][name] = way
            heappush(pending, (order[place], next(turns), name))

    for place, name in index.used(_HOLDS_VALIDATION):
        give(place, name, ())
    while pending:
        number, _, name = heappop(pending)
        place = index.reachable[number]
        way = ways[place][name]
        for target in place.assigned_from(name):
            give(place, target, way)
        if len(way) == _LINES_SHOWN:
            continue
        for call, argument in place.passed_on(name):
            for callee in index.called(call.callee):
                if callee in order and (parameter := callee.parameter(argument)):
                    step = Step(place.program.path, call.span.line, f"{name} given to {callee.name}()")
                    give(callee, parameter, (*way, step))
    return ways


def _ends(place: Place, ways: dict[str, Way]) -> Iterator[Way]:
    """Yield the ways that end in training at this place: one of those to a `.backward()`, and all that calibrate."""
    names = {position: name for name in ways for position in place.uses(name)}
    positions = sorted(names)
    program = place.program
    trained = [(*training, position) for position in positions if (training := place.training_of(position))]
    if trained:
        backward, via, position = min(trained)
        name, what = names[position], place.calls[via].callee.rpartition(".")[2]
        used = Step(program.path, program.line_at(position), f"{name} used by {what}()")
        yield (*ways[name], used, Step(program.path, place.calls[backward].span.line, "backward()"))
    for number, call in enumerate(place.calls):
        what = call.callee.rpartition(".")[2]
        if _CALIBRATES.search(what) and (first := place.first_argument_use(number, positions)) is not None:
            name = names[first]
            yield (*ways[name], Step(program.path, call.span.line, f"{name} given to {what}()"))
