"""How validation tokens may reach training, followed through the text of a program. Evidence, never proof.

A name that says so (`val_tokens`, `val_files`) holds validation data, and so does what is cut from it or gets it as an
argument. It reaches training where it is an argument or is indexed in a loop (or a function without one) that calls
`.backward()`, or is given to a function that collects Hessians or calibrates. Code that nothing calls is not looked at.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from golfcheck.source.nodes import Call, Function, Span
from golfcheck.source.program import Program

_HOLDS_VALIDATION = re.compile(
    r"(?:.*_)?val(?:id|idation)?_(?:tokens?|files|data|loader|ids|shards?|docs|set|stream|paths?|batch(?:es)?|seqs?|inputs)"
)
_READS = re.compile(r"load|read|get|stream|open|chunk|batch|slice|build|make", re.IGNORECASE)
_CALIBRATES = re.compile(r"hessian|calibrat", re.IGNORECASE)
_MEASURES = frozenset("len int float print log log0 range min max sum isinstance str enumerate ceil numel".split())
_MAX_ROUNDS = 8
_MAX_NAMESAKES = 4  # functions of one name that a call may mean
MAX_CALLS = 30_000  # in all files together: 8 times what the longest real script has
_LINES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A place on the way: the file, the line, and what happens there."""

    path: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A function of a program, or its top level (None)."""

    program: Program
    function: Function | None

    @property
    def key(self) -> tuple[str, int]:
        return self.program.path, self.function.span.start if self.function else -1


def validation_paths(programs: Sequence[Program]) -> Iterator[tuple[Step, ...]]:
    """Yield a way from validation tokens to training for each place that trains on them, the place itself last."""
    walk = _Walk(programs)
    walk.spread()
    yield from walk.ends()


class _Walk:
    """Which names hold validation data where, and from which call they got it."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.programs = programs
        self.by_name: dict[str, list[_Place]] = defaultdict(list)
        for program in programs:
            for function in program.functions:
                if len(self.by_name[function.name]) < _MAX_NAMESAKES:
                    self.by_name[function.name].append(_Place(program, function))
        self.places = self._reachable()
        self.held: dict[tuple[str, int], dict[str, tuple[Step, ...]]] = defaultdict(dict)  # name → the way there

    def _reachable(self) -> list[_Place]:
        """Return the top levels, and the functions whose names are used in what is reachable."""
        found = [_Place(program, None) for program in self.programs]
        seen = {place.key for place in found}
        for place in found:  # grows while it is walked
            for name in self._own_names(place):
                for other in self.by_name.get(name, ()):
                    if other.key not in seen:
                        seen.add(other.key)
                        found.append(other)
        return found

    def _own_names(self, place: _Place) -> set[str]:
        program = place.program
        if place.function:
            return {name.text for name in program.names_in(place.function.span)}
        return {name.text for name in program.names if program.function_at(name.span) is None}

    def _calls(self, place: _Place) -> Sequence[Call]:
        return place.program.calls_of(place.function)

    def spread(self) -> None:
        """Follow assignments and arguments until nothing new holds validation data."""
        for place in self.places:
            for name in self._own_names(place):
                if _HOLDS_VALIDATION.fullmatch(name):
                    self.held[place.key].setdefault(name, ())
        for _ in range(_MAX_ROUNDS):
            before = sum(map(len, self.held.values()))
            for place in self.places:
                self._assign(place)
                self._pass_on(place)
            if sum(map(len, self.held.values())) == before:
                return

    def _assign(self, place: _Place) -> None:
        held, program = self.held[place.key], place.program
        for assignment in program.assignments_of(place.function):
            if any(map(self._is_judged, program.calls_in(assignment.value))):
                continue
            used = next((name.text for name in program.names_in(assignment.value) if name.text in held), None)
            if used is not None:
                for target in assignment.targets:
                    held.setdefault(target, held[used])

    def _is_judged(self, call: Call) -> bool:
        """Whether a call gives back a result about the data (a loss), and not data."""
        name = call.callee.rpartition(".")[2]
        return name in _MEASURES or (name in self.by_name and not _READS.search(name))

    def _pass_on(self, place: _Place) -> None:
        held = self.held[place.key]
        for call in self._calls(place):
            for target in self.by_name.get(call.callee, ()):
                assert target.function
                for index, span in call.arguments.items():
                    name = _parameter(target.function, index)
                    used = next((n.text for n in place.program.names_in(span) if n.text in held), None)
                    if name and used is not None:
                        step = Step(place.program.path, call.span.line, f"{used} given to {target.function.name}()")
                        known = self.held[target.key]
                        if not known.get(name) and len(held[used]) < _LINES_SHOWN:
                            known[name] = (*held[used], step)

    def ends(self) -> Iterator[tuple[Step, ...]]:
        """Yield the ways that end in training."""
        for place in self.places:
            held, program = self.held[place.key], place.program
            backward = [call for call in self._calls(place) if call.callee.endswith(".backward")]
            for region, end in _regions(program, place.function, backward):
                if way := self._used(place, region, held):
                    yield (*way, Step(program.path, end.span.line, "backward()"))
                    break
            for call in self._calls(place):
                name = call.callee.rpartition(".")[2]
                used = next(
                    (n.text for s in call.arguments.values() for n in program.names_in(s) if n.text in held), None
                )
                if _CALIBRATES.search(name) and used is not None:
                    yield (*held[used], Step(program.path, call.span.line, f"{used} given to {name}()"))

    def _used(self, place: _Place, region: Span, held: dict[str, tuple[Step, ...]]) -> tuple[Step, ...] | None:
        """Return the way to a use of validation data inside a region that trains, or None."""
        for call in self._calls(place):
            name = call.callee.rpartition(".")[2]
            if not region.holds(call.span) or name in _MEASURES or name in self.by_name:
                continue  # a function of the program is looked at by itself
            for span in call.arguments.values():
                for used in place.program.names_in(span):
                    if used.text in held and self._innermost_is(place, call, used.span):
                        return (
                            *held[used.text],
                            Step(place.program.path, used.span.line, f"{used.text} used by {name}()"),
                        )
        return None

    def _innermost_is(self, place: _Place, call: Call, span: Span) -> bool:
        """Whether a name is an argument of this call itself, not of a call inside it that only measures or judges."""
        inner = place.program.calls_in(call.span)
        return not any(self._is_judged(other) for other in inner if other.span != call.span and other.span.holds(span))


def _parameter(function: Function, index: int | str) -> str | None:
    if isinstance(index, str):
        return index if index in function.parameters else None
    return function.parameters[index] if index < len(function.parameters) else None


def _regions(program: Program, function: Function | None, backward: Sequence[Call]) -> Iterator[tuple[Span, Call]]:
    """Yield what trains: the innermost loop around each `.backward()`, or the function where there is no loop."""
    for call in backward:
        loops = [
            loop for loop in program.loops if loop.holds(call.span) and (not function or function.span.holds(loop))
        ]
        region = min(loops, key=lambda loop: loop.end - loop.start, default=function.span if function else None)
        if region:
            yield region, call
