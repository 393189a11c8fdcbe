"""A Python program read as a tree, never executed: imports, functions, calls, loops, names, each with its position.

The grammar is tree-sitter's, which knows newer syntax than the interpreter that runs golfcheck.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from golfcheck.source import nodes, syntax
from golfcheck.source.nesting import Nesting
from golfcheck.source.nodes import Assignment, Call, Function, Import, Loop, SourceSpan

_MAX_STARS = 16  # modules of `from … import *`


@lru_cache(maxsize=1)  # several rules request those of one record
def programs(texts: tuple[tuple[str, bytes], ...]) -> "tuple[Program, ...]":
    """Return the programs at these paths; their parsed parts are cached between calls."""
    return tuple(Program(path, text) for path, text in texts)


@dataclass(frozen=True)
class Program:
    """One source file. `path` is its path in the record."""

    path: str
    text: bytes

    @cached_property
    def _captures(self) -> dict[str, Sequence[Any]]:
        return dict(syntax.captures(self.text))

    def _captured(self, kind: str) -> Sequence[Any]:
        return self._captures.get(kind, ())

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All imports, wherever they are."""
        plain = [item for node in self._captured("import") for item in nodes.plain_imports(node)]
        named = [nodes.from_import(node) for node in self._captured("from")]
        called = map(nodes.called_import, self.calls)
        return (*plain, *named, *(item for item in called if item))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """All functions and methods."""
        return tuple(nodes.function_of(node) for node in self._captured("function"))

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """All `for` and `while` statements."""
        return tuple(Loop(nodes.span_of(node)) for node in self._captured("loop"))

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls whose callee is a dotted name or ends in one."""
        return tuple(nodes.call_of(node) for node in self._captured("call"))

    @cached_property
    def assignments(self) -> tuple[Assignment, ...]:
        """All assignments to names."""
        return tuple(
            nodes.assignment_of(node)
            for node in self._captured("assignment")
            if node.child_by_field_name("right")  # `x: int` has a type but no value
        )

    @property
    def names(self) -> Collection[str]:
        """All identifiers, each once."""
        return syntax.names(self.text).keys()

    def uses(self, name: str) -> list[int]:
        """Return the byte positions of an identifier, in order."""
        return [node.start_byte for node in syntax.names(self.text).get(name, ())]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(b"\n", self.text))]

    def line_at(self, position: int) -> int:
        """Return the line (from 1) of a byte of the text."""
        return bisect_right(self._line_starts, position)

    @cached_property
    def function_nesting(self) -> Nesting[Function]:
        """The nesting of functions, to find which one contains a position."""
        return Nesting(self.functions)

    def function_at(self, span: SourceSpan) -> Function | None:
        """Return the innermost function in which a span begins, or None at the top of the module."""
        return self.function_nesting.at(span.start)

    def meanings(self, callee: str) -> tuple[str, ...]:
        """Return what a called name may refer to: `resolved`, and a member of each module imported with `*`."""
        return (self.resolved(callee), *(f"{module}.{callee}" for module in self._star_modules))

    @cached_property
    def _star_modules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item.module for item in self.imports if item.is_star))[:_MAX_STARS]

    def resolved(self, callee: str) -> str:
        """Return a called name with its import resolved: `sp.run` is `subprocess.run` if `sp` is `subprocess`."""
        head, dot, rest = callee.partition(".")
        return self._imported.get(head, head) + dot + rest

    @cached_property
    def _imported(self) -> dict[str, str]:
        return {local: thing for item in self.imports for local, thing in item.names.items()}

    @cached_property
    def _calls_by_name(self) -> dict[str, list[Call]]:
        calls: dict[str, list[Call]] = {}
        for call in self.calls:
            calls.setdefault(call.callee, []).append(call)
        return calls

    def calls_to(self, name: str) -> Sequence[Call]:
        """Return the calls of a name as written."""
        return self._calls_by_name.get(name, ())
