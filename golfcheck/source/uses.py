"""Where a program uses its names, grouped by function, and computed only for requested names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from golfcheck.source.program import Program


class Uses:
    """The uses of a program's names by function, computed only for requested names."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.functions: Mapping[int | None, Sequence[str]] = {}  # the function names used in each
        self._by_name: dict[str, dict[int | None, list[int]]] = {}

    def of(self, name: str) -> Mapping[int | None, Sequence[int]]:
        """Return the byte positions of a name by the index of the function (None: the top level)."""
        if name not in self._by_name:
            positions: dict[int | None, list[int]] = defaultdict(list)
            for position in self.program.uses(name):
                positions[self.program.function_nesting.index_at(position)].append(position)
            self._by_name[name] = positions
        return self._by_name[name]

    def by_function(self, names: Iterable[str]) -> dict[int | None, list[str]]:
        """Return which of the given names each function uses, in the order of their first uses."""
        first: dict[int | None, list[tuple[int, str]]] = defaultdict(list)
        for name in names:
            for index, positions in self.of(name).items():
                first[index].append((positions[0], name))
        return {index: [name for _, name in sorted(pairs)] for index, pairs in first.items()}
