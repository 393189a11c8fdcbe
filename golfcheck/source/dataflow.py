"""How validation tokens may reach training, followed through the text of a program. Evidence, never proof.

A name like `val_tokens` or `val_files` holds validation data, and so does anything sliced from it, or a parameter that
gets it as an argument. It reaches training if it is an argument or is indexed in a loop (or a function without loops)
that calls `.backward()`, or is given to a function that collects Hessians or calibrates. Unreachable code is ignored.

Every name, call and loop is visited a fixed number of times, however they nest:
`tests/golfcheck/source/test_linear_work.py` counts the visits.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count

from golfcheck.source.blocks import BlockIndex, CodeBlock
from golfcheck.source.program import Program

_HOLDS_VALIDATION = re.compile(
    r"(?:.*_)?val(?:id|idation)?_(?:tokens?|files|data|loader|ids|shards?|docs|set|stream|paths?|batch(?:es)?|seqs?|inputs)"
)
_CALIBRATES = re.compile(r"hessian|calibrat", re.IGNORECASE)
_LINES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the path: the file, the line, and what happens there."""

    path: str
    line: int
    what: str


Way = tuple[Step, ...]


def validation_paths(programs: Sequence[Program]) -> Iterator[Way]:
    """Yield a path from validation tokens to training for each block that trains on them, the block itself last."""
    index = BlockIndex(programs)
    ways = _spread(index)
    for block in index.reachable:
        yield from _ends(block, ways[block])


def _spread(index: BlockIndex) -> dict[CodeBlock, dict[str, Way]]:
    """Return for each block the names that hold validation data there, each with the calls through which it came.

    Callers come before callees, so that the paths to a name are complete before it is used.
    """
    ways: dict[CodeBlock, dict[str, Way]] = defaultdict(dict)
    order = {block: number for number, block in enumerate(index.reachable)}
    pending: list[tuple[int, int, str]] = []  # a heap of (block, insertion order, name)
    turns = count()

    def give(block: CodeBlock, name: str, way: Way) -> None:
        """Record that a name holds validation data; a path through calls replaces an empty one, and then stays."""
        if name not in ways[block] or (way and not ways[block][name]):
            ways[block][name] = way
            heappush(pending, (order[block], next(turns), name))

    for block, name in index.used(_HOLDS_VALIDATION):
        give(block, name, ())
    while pending:
        number, _, name = heappop(pending)
        block = index.reachable[number]
        way = ways[block][name]
        for target in block.assigned_from(name):
            give(block, target, way)
        if len(way) == _LINES_SHOWN:
            continue
        for call, argument in block.passed_on(name):
            for callee in index.called(call.callee):
                if callee in order and (parameter := callee.parameter(argument)):
                    step = Step(block.program.path, call.span.line, f"{name} given to {callee.name}()")
                    give(callee, parameter, (*way, step))
    return ways


def _ends(block: CodeBlock, ways: dict[str, Way]) -> Iterator[Way]:
    """Yield the paths that end in training in this block: one of those to `.backward()`, and all that calibrate."""
    names = {position: name for name in ways for position in block.uses(name)}
    positions = sorted(names)
    program = block.program
    trained = [(*training, position) for position in positions if (training := block.training_of(position))]
    if trained:
        backward, via, position = min(trained)
        name, what = names[position], block.calls[via].callee.rpartition(".")[2]
        used = Step(program.path, program.line_at(position), f"{name} used by {what}()")
        yield (*ways[name], used, Step(program.path, block.calls[backward].span.line, "backward()"))
    for number, call in enumerate(block.calls):
        what = call.callee.rpartition(".")[2]
        if _CALIBRATES.search(what) and (first := block.first_argument_use(number, positions)) is not None:
            name = names[first]
            yield (*ways[name], Step(program.path, call.span.line, f"{name} given to {what}()"))
