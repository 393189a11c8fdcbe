"""The functions of programs and their top levels, each with its own names, calls, assignments and loops.

Nesting is determined by `Nesting` and by marks that are set once, never by comparing all pairs: a script of 40 KB can
contain 250,000 nested calls.
"""

import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from golfcheck.source.nesting import Nesting, T
from golfcheck.source.nodes import Assignment, Call, Function, Loop, SourceSpan
from golfcheck.source.program import Program
from golfcheck.source.uses import Uses

_READS = re.compile(r"load|read|get|stream|open|chunk|batch|slice|build|make", re.IGNORECASE)
_MEASURES = frozenset("len int float print log log0 range min max sum isinstance str enumerate ceil numel".split())
_MAX_NAMESAKES = 4  # functions with the same name that a call may refer to


class _Argument(NamedTuple):
    """An argument of a call in the block: the index of the call, the position or keyword, and the span."""

    call: int
    key: int | str
    span: SourceSpan


class _Value(NamedTuple):
    """The value of an assignment."""

    assignment: Assignment
    span: SourceSpan


@dataclass(eq=False)
class CodeBlock:
    """A function of a program, or its top level (None), without the contents of functions inside it."""

    program: Program
    index: int | None  # index of the function, None for the top level
    uses_by_function: Uses
    own_names: Container[str]  # the functions of all programs
    calls: list[Call] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    inner: list["CodeBlock"] = field(default_factory=list)  # the functions directly inside

    @property
    def function(self) -> Function | None:
        """The function, None for the top level."""
        return None if self.index is None else self.program.functions[self.index]

    @property
    def name(self) -> str:
        """The name of the function; "" for the top level."""
        return self.function.name if self.function else ""

    def uses(self, name: str) -> Sequence[int]:
        """Return the byte positions of a name in this block, in order."""
        return self.uses_by_function.of(name).get(self.index, ())

    @cached_property
    def _parameters(self) -> frozenset[str]:
        return frozenset(self.function.parameters if self.function else ())

    def parameter(self, key: int | str) -> str | None:
        """Return the parameter for an argument by position or keyword; None if there is none."""
        if isinstance(key, str):
            return key if key in self._parameters else None
        parameters = self.function.parameters if self.function else ()
        return parameters[key] if key < len(parameters) else None

    @cached_property
    def _values(self) -> Nesting[_Value]:
        return Nesting([_Value(assignment, assignment.value) for assignment in self.assignments])

    @cached_property
    def _arguments(self) -> Nesting[_Argument]:
        pairs = ((index, key, span) for index, call in enumerate(self.calls) for key, span in call.arguments.items())
        return Nesting([_Argument(*pair) for pair in pairs])

    @cached_property
    def _call_nesting(self) -> Nesting[Call]:
        return Nesting(self.calls)

    @cached_property
    def _followed_values(self) -> set[int]:
        return set()

    @cached_property
    def _followed_arguments(self) -> set[int]:
        return set()

    @cached_property
    def _judged_starts(self) -> list[int]:
        return [call.span.start for call in self.calls if self._is_judged(call)]

    def _is_judged(self, call: Call) -> bool:
        """Whether a call returns a result about the data (a loss) rather than data."""
        name = call.callee.rpartition(".")[2]
        return name in _MEASURES or (name in self.own_names and not _READS.search(name))

    def assigned_from(self, name: str) -> Iterator[str]:
        """Yield the targets of assignments whose value uses a name, each assignment once for all names.

        The result of a call that judges the data (a loss) is not data.
        """
        for value in self._around(name, self._values, self._followed_values):
            starts = self._judged_starts
            if bisect_left(starts, value.span.start) == bisect_left(starts, value.span.end):
                yield from value.assignment.targets

    def passed_on(self, name: str) -> Iterator[tuple[Call, int | str]]:
        """Yield the calls that get a name as an argument or inside one, and which argument; each once for all names."""
        for argument in self._around(name, self._arguments, self._followed_arguments):
            yield self.calls[argument.call], argument.key

    def _around(self, name: str, nesting: Nesting[T], followed: set[int]) -> Iterator[T]:
        for position in self.uses(name):
            index = nesting.index_at(position)
            while index is not None and index not in followed:  # what encloses a followed one has been followed too
                followed.add(index)
                yield nesting.items[index]
                index = nesting.parents[index]

    def training_of(self, position: int) -> tuple[int, int] | None:
        """Return how the name at a byte position is trained on: the `.backward()` and the call.

        Both are indices of `calls`: the first `.backward()` whose region contains an outer call that gets the name,
        with no call in between that only measures or judges. Functions of the program are examined separately.
        """
        call = self._call_nesting.index_at(position)
        if call is None:
            return None
        as_argument, as_part = self._trainings[call]
        return as_argument if self._owner(position) == call else as_part

    def _owner(self, position: int) -> int | None:
        """Return the innermost call with an argument that contains a position."""
        argument = self._arguments.index_at(position)
        return None if argument is None else self._arguments.items[argument].call

    @cached_property
    def _trainings(self) -> list[tuple[tuple[int, int] | None, tuple[int, int] | None]]:
        """For each call, the result of `training_of` for positions in its arguments, and for those in its callee."""
        nesting = self._call_nesting
        answers: list[tuple[tuple[int, int] | None, tuple[int, int] | None]] = [(None, None)] * len(self.calls)
        for index in sorted(range(len(self.calls)), key=lambda index: _outer_first(self.calls[index].span)):
            call, parent = self.calls[index], nesting.parents[index]
            if self._is_judged(call):
                continue
            outside = None
            if parent is not None:
                outside = answers[parent][0 if self._owner(call.span.start) == parent else 1]
            own = None
            if (
                call.callee.rpartition(".")[2] not in self.own_names
            ):  # not a measuring call either: that would be judged
                backward = self._backward_at(call.span.start)
                own = None if backward is None else (backward, index)
            answers[index] = min((answer for answer in (own, outside) if answer), default=None), outside
        return answers

    def _backward_at(self, position: int) -> int | None:
        """Return the first `.backward()` whose innermost loop contains a position, or that is outside all loops."""
        loop = self._loops.index_at(position)
        return self._outside_loops if loop is None else self._backwards[loop]

    @cached_property
    def _loops(self) -> Nesting[Loop]:
        return Nesting(self.loops)

    @cached_property
    def _outside_loops(self) -> int | None:
        if self.function is None:
            return None
        return next((index for index in self._backward_calls if self._loop_of(index) is None), None)

    @cached_property
    def _backward_calls(self) -> list[int]:
        return [index for index, call in enumerate(self.calls) if call.callee.endswith(".backward")]

    def _loop_of(self, call: int) -> int | None:
        return self._loops.index_at(self.calls[call].span.start)

    @cached_property
    def _backwards(self) -> list[int | None]:
        """For each loop, the first `.backward()` whose innermost loop is this one or encloses it."""
        first: dict[int | None, int] = {}
        for index in reversed(self._backward_calls):
            first[self._loop_of(index)] = index
        answers: list[int | None] = [None] * len(self.loops)
        for loop in sorted(range(len(self.loops)), key=lambda index: _outer_first(self.loops[index].span)):
            parent = self._loops.parents[loop]
            around = self._outside_loops if parent is None else answers[parent]
            answers[loop] = min((index for index in (first.get(loop), around) if index is not None), default=None)
        return answers

    def first_argument_use(self, call: int, positions: Sequence[int]) -> int | None:
        """Return the first of some positions, in order, that is inside an argument of a call."""
        for span in self.calls[call].arguments.values():
            at = bisect_left(positions, span.start)
            if at < len(positions) and positions[at] < span.end:
                return positions[at]
        return None


def _outer_first(span: SourceSpan) -> tuple[int, int]:
    return span.start, -span.end


class BlockIndex:
    """The blocks of several programs, the functions that a call may refer to, and the code that can run at all."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self._by_name: dict[str, list[CodeBlock]] = defaultdict(list)
        self._own_names: set[str] = set()  # outside the blocks, to avoid a reference cycle
        uses = [Uses(program) for program in programs]
        tops = [self._places_of(one) for one in uses]
        for one in uses:
            one.functions = one.by_function(name for name in self._by_name if name in one.program.names)
        self.reachable = self._reached_from(tops)

    def _places_of(self, uses: Uses) -> CodeBlock:
        """Assign everything in a program to its block, and return the top level."""
        program = uses.program
        nesting = program.function_nesting
        top = CodeBlock(program, None, uses, self._own_names)
        blocks = [CodeBlock(program, index, uses, self._own_names) for index in range(len(program.functions))]

        def place_at(position: int) -> CodeBlock:
            index = nesting.index_at(position)
            return top if index is None else blocks[index]

        for call in program.calls:
            place_at(call.span.start).calls.append(call)
        for assignment in program.assignments:
            place_at(assignment.value.start).assignments.append(assignment)
        for loop in program.loops:
            place_at(loop.span.start).loops.append(loop)
        for block, parent in zip(blocks, nesting.parents, strict=True):
            if parent is not None:
                blocks[parent].inner.append(block)
            self._own_names.add(block.name)
            if len(self._by_name[block.name]) < _MAX_NAMESAKES:
                self._by_name[block.name].append(block)
        return top

    def _reached_from(self, tops: Sequence[CodeBlock]) -> list[CodeBlock]:
        """Return the top levels, and the functions whose names are used in reached code, including nested functions."""
        reached = list(tops)
        seen = set(tops)
        read: set[CodeBlock] = set()
        for block in reached:  # grows during the iteration
            pending = deque([block])
            while pending:
                inside = pending.popleft()
                if inside in read:
                    continue
                read.add(inside)
                pending.extend(inside.inner)
                for name in inside.uses_by_function.functions.get(inside.index, ()):
                    others = [other for other in self._by_name[name] if other not in seen]
                    seen.update(others)
                    reached += others
        return reached

    def used(self, pattern: re.Pattern[str]) -> Iterator[tuple[CodeBlock, str]]:
        """Yield each reachable block with each name used in it that a pattern matches, in the order of the blocks."""
        matching = {
            uses: uses.by_function(filter(pattern.fullmatch, uses.program.names))
            for uses in dict.fromkeys(block.uses_by_function for block in self.reachable)
        }
        for block in self.reachable:
            for name in matching[block.uses_by_function].get(block.index, ()):
                yield block, name

    def called(self, callee: str) -> Sequence[CodeBlock]:
        """Return the functions that a call by this name may refer to."""
        return self._by_name.get(callee, ())
