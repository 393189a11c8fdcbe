"""A Python program read as a tree, never executed: imports, functions, calls, loops, names, each with its place.

The grammar is tree-sitter's, which knows newer syntax than the interpreter that runs golfcheck.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from golfcheck import syntax

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


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the source: bytes [start, end), and the line it begins on (from 1)."""

    start: int
    end: int
    line: int

    def holds(self, other: "Span") -> bool:
        """Whether `other` lies inside."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier where it is used."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported; `names` says which dotted thing each new local name stands for."""

    module: str
    names: dict[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the names of its parameters; the span is all of it."""

    name: str
    parameters: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the dotted name that is called, as written, and its arguments' spans by position or keyword."""

    callee: str
    arguments: dict[int | str, Span]
    span: Span
    words: tuple[str, ...]  # of the first argument: the words of a string, or the items of a list, as far as literal


@dataclass(frozen=True, slots=True)
class Assignment:
    """Names that get the value of an expression."""

    targets: tuple[str, ...]
    value: Span


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

    @cached_property
    def is_beyond_limits(self) -> bool:
        """Whether the text is too large or nests too deep to be examined; then nothing is found in it."""
        return syntax.is_too_deep(self._tree)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports, wherever they stand."""
        plain = [item for node in self._found.get("import", ()) for item in _plain_import(node)]
        return (*plain, *(_from_import(node) for node in self._found.get("from", ())))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions and methods."""
        return tuple(_function(node) for node in self._found.get("function", ()))

    @cached_property
    def loops(self) -> tuple[Span, ...]:
        """All `for` and `while` statements."""
        return tuple(_span(node) for node in self._found.get("loop", ()))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls whose callee is a dotted name or ends in one."""
        return tuple(_call(node) for node in self._found.get("call", ()))

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """All assignments to names."""
        return tuple(
            _assignment(node) for node in self._found.get("assignment", ()) if node.child_by_field_name("right")
        )

    @cached_property
    def names(self) -> tuple[Name, ...]:
        """All identifiers, in the order of the text."""
        found = (Name(_text(node), _span(node)) for node in self._found.get("name", ())[:_MAX_NAMES])
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


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", "replace"))


def _span(node: Any) -> Span:
    return Span(node.start_byte, node.end_byte, node.start_point[0] + 1)


def _plain_import(node: Any) -> Iterator[Import]:
    for item in node.children_by_field_name("name"):
        if item.type == "aliased_import":
            module, alias = _text(item.child_by_field_name("name")), _text(item.child_by_field_name("alias"))
            yield Import(module, {alias: module}, node.start_point[0] + 1)
        else:
            top = _text(item).partition(".")[0]
            yield Import(_text(item), {top: top}, node.start_point[0] + 1)


def _from_import(node: Any) -> Import:
    module = _text(node.child_by_field_name("module_name"))
    names = {}
    for item in node.children_by_field_name("name"):
        aliased = item.type == "aliased_import"
        name = _text(item.child_by_field_name("name")) if aliased else _text(item)
        names[_text(item.child_by_field_name("alias")) if aliased else name] = f"{module}.{name}"
    return Import(module, names, node.start_point[0] + 1)


def _function(node: Any) -> Function:
    parameters = []
    for item in node.child_by_field_name("parameters").named_children:
        name = item
        while name is not None and name.type != "identifier":  # `*args: int = 0` wraps its name up to three times
            name = name.child_by_field_name("name") or next(iter(name.named_children), None)
        if name is not None:
            parameters.append(_text(name))
    return Function(_text(node.child_by_field_name("name")), tuple(parameters), _span(node))


def _call(node: Any) -> Call:
    arguments: dict[int | str, Span] = {}
    values = node.child_by_field_name("arguments")
    for index, item in enumerate(values.named_children if values.type == "argument_list" else [values]):
        keyed = item.type == "keyword_argument"
        value = item.child_by_field_name("value") if keyed else item
        arguments[_text(item.child_by_field_name("name")) if keyed else index] = _span(value)
    callee = _text(node.child_by_field_name("function"))
    if not callee.replace(".", "").replace("_", "").isalnum():
        callee = "." + callee.rpartition(".")[2]  # a method of an expression: `(loss * scale).backward`
    first = next(iter(values.named_children), None) if values.type == "argument_list" else None
    return Call(callee, arguments, _span(node), tuple(_words(first)) if first is not None else ())


def _words(node: Any) -> Iterator[str]:
    if node.type == "string":
        yield from "".join(_text(part) for part in node.named_children if part.type == "string_content").split()
    elif node.type in ("list", "tuple"):
        yield from (_text(item).strip("'\"") for item in node.named_children)
    else:
        yield _text(node)


def _assignment(node: Any) -> Assignment:
    left = node.child_by_field_name("left")
    inside = left.named_children if left.type in ("pattern_list", "tuple_pattern", "list_pattern") else [left]
    targets = tuple(_text(item) for item in inside if item.type == "identifier")
    return Assignment(targets, _span(node.child_by_field_name("right")))
