"""Where a program uses its names: by the function that a use is in, and only for the names that are asked for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from golfcheck.source.program import Program


class Uses:
    """Where the names of a program are used, by the function that they are in; only for names that are asked for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.functions: Mapping[int | None, Sequence[str]] = {}  # in each, the functions' names that are used there
        self._by_name: dict[str, dict[int | None, list[int]]] = {}

    def of(self, name: str) -> Mapping[int | None, Sequence[int]]:
        """Return the bytes at which a name begins, by the index of the function (None: the top level)."""
        if name not in self._by_name:
            positions: dict[int | None, list[int]] = defaultdict(list)
            for position in self.program.uses(name):
                positions[self.program.function_nesting.index_at(position)].append(position)
            self._by_name[name] = positions
        return self._by_name[name]

    def by_function(self, names: Iterable[str]) -> dict[int | None, list[str]]:
        """Return which of some names each function uses, in the order of their first uses there."""
        first: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
        for name in names:
            for index, positions in self.of(name).items():
                first[index].append((positions[0], name))
        return {index: [name for _, name in sorted(pairs)] for index, pairs in first.items()}
