"""A Python program read as a tree, never executed: imports, functions, calls, loops, names, each with its place.

The grammar is tree-sitter's, which knows newer syntax than the interpreter that runs golfcheck.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

from golfcheck.source import nodes, syntax
from golfcheck.source.nodes import Assignment, Call, Function, Import, Name, Span

_QUERY = """
(import_statement) @import
(import_from_statement) @from
(function_definition) @function
(for_statement) @loop
(while_statement) @loop
(call) @call
(assignment) @assignment
(identifier) @name
"""
_MAX_NAMES = 500_000
MAX_NODES = syntax.MAX_NODES  # of all programs of a record together, as of one


@lru_cache(maxsize=1)  # several rules ask for those of one record
def programs(texts: tuple[tuple[str, bytes], ...]) -> "tuple[Program, ...]":
    """Return the programs at these paths, with what is found in them kept from one call to the next."""
    return tuple(Program(path, text) for path, text in texts)


@dataclass(frozen=True)
class Program:
    """One source file. `path` is its place in the record."""

    path: str
    text: bytes

    @cached_property
    def _found(self) -> dict[str, list[Any]]:
        from tree_sitter import QueryCursor  # 20 ms: only where source is looked at

        if self.is_beyond_limits:
            return {}
        found = QueryCursor(_query()).captures(self._tree.root_node)
        return {name: sorted(nodes, key=lambda node: node.start_byte) for name, nodes in found.items()}

    @cached_property
    def _tree(self) -> Any:
        return syntax.parse(self.text)

    @property
    def nodes(self) -> int:
        """How many nodes its tree has: what it costs to examine it."""
        return int(self._tree.root_node.descendant_count)

    @cached_property
    def is_beyond_limits(self) -> bool:
        """Whether the text is too large or nests too deep to be examined; then nothing is found in it."""
        return syntax.is_too_deep(self._tree)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports, wherever they stand."""
        plain = [item for node in self._found.get("import", ()) for item in nodes.plain_imports(node)]
        return (*plain, *(nodes.from_import(node) for node in self._found.get("from", ())))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions and methods."""
        return tuple(nodes.function_of(node) for node in self._found.get("function", ()))

    @cached_property
    def loops(self) -> tuple[Span, ...]:
        """All `for` and `while` statements."""
        return tuple(nodes.span_of(node) for node in self._found.get("loop", ()))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls whose callee is a dotted name or ends in one."""
        return tuple(nodes.call_of(node) for node in self._found.get("call", ()))

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """All assignments to names."""
        return tuple(
            nodes.assignment_of(node) for node in self._found.get("assignment", ()) if node.child_by_field_name("right")
        )

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """All identifiers, in the order of the text."""
        found = (Name(nodes.text_of(node), nodes.span_of(node)) for node in self._found.get("name", ())[:_MAX_NAMES])
        return tuple(sorted(found, key=lambda name: name.span.start))

    @cached_property
    def _name_starts(self) -> list[int]:
        return [name.span.start for name in self.names]

    def names_in(self, span: Span) -> Iterator[Name]:
        """Yield the identifiers inside a span."""
        for index in range(bisect_right(self._name_starts, span.start - 1), len(self.names)):
            if self.names[index].span.start >= span.end:
                return
            yield self.names[index]

    @cached_property
    def _owners(self) -> tuple[list[int], list[Function | None]]:
        """Where each stretch of the text begins that has one innermost function, and that function."""
        edges = [(f.span.start, 1, f) for f in self.functions] + [(f.span.end, 0, f) for f in self.functions]
        starts: list[int] = [0]
        owners: list[Function | None] = [None]
        open_: list[Function] = []
        for position, begins, function in sorted(edges, key=lambda edge: edge[:2]):
            if begins:
                open_.append(function)
            else:
                open_.remove(function)
            starts.append(position)
            owners.append(open_[-1] if open_ else None)
        return starts, owners

    def function_at(self, span: Span) -> Function | None:
        """Return the innermost function that a span begins in, or None at the top of the module."""
        starts, owners = self._owners
        return owners[bisect_right(starts, span.start) - 1]

    def resolved(self, callee: str) -> str:
        """Return a called name with its import put in: `sp.run` is `subprocess.run` after `import subprocess as sp`."""
        head, dot, rest = callee.partition(".")
        return self._imported.get(head, head) + dot + rest

    @cached_property
    def _imported(self) -> dict[str, str]:
        return {local: thing for item in self.imports for local, thing in item.names.items()}

    @cached_property
    def _calls_by_function(self) -> dict[Function | None, list[Call]]:
        found: dict[Function | None, list[Call]] = {}
        for call in self.calls:
            found.setdefault(self.function_at(call.span), []).append(call)
        return found

    @cached_property
    def _calls_by_name(self) -> dict[str, list[Call]]:
        found: dict[str, list[Call]] = {}
        for call in self.calls:
            found.setdefault(call.callee, []).append(call)
        return found

    def calls_to(self, name: str) -> Sequence[Call]:
        """Return the calls of a name, as written."""
        return self._calls_by_name.get(name, ())

    def calls_of(self, function: Function | None) -> Sequence[Call]:
        """Return the calls of a function itself, not of functions inside it; None stands for the module's top."""
        return self._calls_by_function.get(function, ())

    @cached_property
    def _assignments_by_function(self) -> dict[Function | None, list[Assignment]]:
        found: dict[Function | None, list[Assignment]] = {}
        for assignment in self.assignments:
            found.setdefault(self.function_at(assignment.value), []).append(assignment)
        return found

    def assignments_of(self, function: Function | None) -> Sequence[Assignment]:
        """Return the assignments of a function itself, or of the module's top."""
        return self._assignments_by_function.get(function, ())

    @cached_property
    def _call_starts(self) -> list[int]:
        return [call.span.start for call in self.calls]

    def calls_in(self, span: Span) -> Sequence[Call]:
        """Return the calls that begin inside a span, in the order of the text."""
        starts = self._call_starts
        return self.calls[bisect_left(starts, span.start) : bisect_left(starts, span.end)]


@cache
def _query() -> Any:
    import tree_sitter_python
    from tree_sitter import Language, Query

    return Query(Language(tree_sitter_python.language()), _QUERY)
