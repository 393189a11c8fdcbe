"""The value of an expression, if it can be known without running anything.

A small evaluator follows literals, names bound once, concatenation, slices, the decoders of
`golfcheck.source.decoders`, and the text of files next to the script.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from golfcheck.core.work import STEP_US, TOO_COSTLY, Work
from golfcheck.source import decoders
from golfcheck.source.bindings import BindingKind
from golfcheck.source.decoders import OpaqueError
from golfcheck.source.nodes import argument_of, literal, name_text, shown
from golfcheck.source.scope import Scope

if TYPE_CHECKING:
    from tree_sitter import Node

_PATHS = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "str", "os.fspath")
_SAME_PATHS = ("os.path.abspath", "os.path.realpath", "os.path.normpath")
_MAX_NESTING = 64
_MAX_PART_CHARS = 255


@dataclass(frozen=True, slots=True)
class ShippedPath:
    """A path relative to the record's folder."""

    path: PurePosixPath


@dataclass(frozen=True, slots=True)
class ShippedText:
    """The text of a file at such a path, or the open file whose `read` returns it."""

    path: PurePosixPath


class StaticEvaluation:
    """The value of one expression, and the decoders that it went through (the innermost first).

    `script` is the path of the source in the record, the value of `__file__`.
    """

    def __init__(self, scope: Scope, work: Work, script: str = "") -> None:
        self.scope = scope
        self.work = work
        self.script = script
        self.used: list[str] = []
        self.decoded: set[int] = set()  # the ids of the calls that decode

    def value(self, node: "Node | None", depth: int = 0) -> Any:
        """Return the value of the expression. Raises OpaqueError if only running it could tell, or beyond a limit."""
        if not self.work.spend(1, STEP_US):
            raise OpaqueError(TOO_COSTLY)
        if node is None or depth > _MAX_NESTING:
            raise OpaqueError("the expression is too complicated")
        inner = [child for child in node.named_children if child.type != "comment"]
        match node.type:
            case "string":
                return self._string(node)
            case "concatenated_string":
                return self._join([self._string(child) for child in inner])
            case "parenthesized_expression" if len(inner) == 1:
                return self.value(inner[0], depth + 1)
            case "integer":
                return self._integer(node)
            case "true" | "false" | "none":
                return {"true": True, "false": False, "none": None}[node.type]
            case "list" | "tuple":
                return [self.value(child, depth + 1) for child in inner]
            case "dictionary":
                return self._dictionary(inner, depth)
            case "unary_operator":
                return self._negative(node, depth)
            case "binary_operator":
                return self._binary(node, depth)
            case "subscript":
                return self._subscript(node, depth)
            case "identifier" | "attribute":
                return self._named(node, depth)
            case "call":
                return self._call(node, depth)
        raise OpaqueError(f"computed at run time: {shown(node)}")

    def _named(self, node: "Node", depth: int) -> Any:
        if (name := self.scope.dotted(node)) in decoders.CONSTANTS:
            return decoders.CONSTANTS[name]
        if node.type == "attribute":
            member = node.child_by_field_name("attribute")
            if member and name_text(member) == "parent":
                owner = self.value(node.child_by_field_name("object"), depth + 1)
                if isinstance(owner, ShippedPath):
                    return ShippedPath(owner.path.parent)
        elif (binding := self.scope.bound(node)) is None and name_text(node) == "__file__":
            return ShippedPath(PurePosixPath(self.script))
        elif binding is not None and binding.kind is BindingKind.VALUE:
            return self.value(binding.value, depth + 1)
        raise OpaqueError(f"computed at run time: {shown(node)}")

    def _string(self, node: "Node") -> str | bytes:
        value = literal(node)
        if value is None:
            raise OpaqueError(f"computed at run time: {shown(node)}")
        paid: str | bytes = decoders.paid(value, self.work)
        return paid

    def _integer(self, node: "Node") -> int:
        text = name_text(node)
        if len(text) > 20:
            raise OpaqueError("a long integer")
        try:
            return int(text, 0)
        except ValueError:
            raise OpaqueError(f"not understood: {shown(node)}") from None

    def _join(self, parts: list[Any]) -> Any:
        if all(isinstance(part, bytes) for part in parts):
            return decoders.paid(b"".join(parts), self.work)
        if all(isinstance(part, str) for part in parts):
            return decoders.paid("".join(parts), self.work)
        raise OpaqueError("text and bytes are mixed")

    def _dictionary(self, pairs: list["Node"], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in pairs:
            key = self.value(pair.child_by_field_name("key"), depth + 1)
            if not isinstance(key, str | int):
                raise OpaqueError("a key that is not text")
            result[key] = self.value(pair.child_by_field_name("value"), depth + 1)
        return result

    def _negative(self, node: "Node", depth: int) -> Any:
        value = self.value(node.child_by_field_name("argument"), depth + 1)
        operator = node.child_by_field_name("operator")
        if isinstance(value, int) and operator and operator.type == "-":
            return -value
        raise OpaqueError(f"computed at run time: {shown(node)}")

    def _binary(self, node: "Node", depth: int) -> Any:
        left = self.value(node.child_by_field_name("left"), depth + 1)
        right = self.value(node.child_by_field_name("right"), depth + 1)
        operator = node.child_by_field_name("operator")
        kind = operator.type if operator else ""
        if isinstance(left, int) and isinstance(right, int) and kind in ("+", "|"):
            return left + right if kind == "+" else left | right
        if kind == "+":
            return self._join([left, right])
        if kind == "/" and isinstance(left, ShippedPath) and isinstance(right, str):
            return ShippedPath(_below(left.path, right))
        raise OpaqueError(f"computed at run time: {shown(node)}")

    def _subscript(self, node: "Node", depth: int) -> Any:
        value = self.value(node.child_by_field_name("value"), depth + 1)
        inside = node.child_by_field_name("subscript")
        if not isinstance(value, str | bytes) or inside is None or inside.type != "slice":
            raise OpaqueError(f"computed at run time: {shown(node)}")
        limits: list[Any] = [None, None, None]
        part = 0
        for child in inside.children:
            if child.type == ":":
                part += 1
            elif part < 3 and child.is_named:
                limits[part] = self.value(child, depth + 1)
        if part > 2 or any(limit is not None and not isinstance(limit, int) for limit in limits) or limits[2] == 0:
            raise OpaqueError("an invalid slice")
        return decoders.paid(value[slice(*limits)], self.work)

    def _call(self, node: "Node", depth: int) -> Any:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.type != "argument_list":
            raise OpaqueError(f"computed at run time: {shown(node)}")
        values: list[Any] = []
        named: dict[str, Any] = {}
        name = self.scope.dotted(function)
        if name == "compile":
            return self.value(argument_of(node, 0, "source"), depth + 1)
        if name in _PATHS or name in _SAME_PATHS or name in ("os.path.join", "os.path.dirname", "open", "io.open"):
            return self._file(name, node, depth)
        decoder = decoders.BY_NAME.get(name)
        method = ""
        if decoder is None and function.type == "attribute":
            method = name_text(function.child_by_field_name("attribute"))
            if method in decoders.METHODS or method in _FILE_METHODS:
                values.append(self.value(function.child_by_field_name("object"), depth + 1))
        if decoder is None and not values:
            raise OpaqueError(f"computed at run time: {shown(node)}")
        for argument in arguments.named_children:
            if argument.type == "keyword_argument":
                key = argument.child_by_field_name("name")
                named[name_text(key) if key else ""] = self.value(argument.child_by_field_name("value"), depth + 1)
            elif argument.type != "comment":
                values.append(self.value(argument, depth + 1))
        if decoder:
            if any(isinstance(value, ShippedPath | ShippedText) for value in values):
                raise OpaqueError(f"computed at run time: {shown(node)}")
            self.used.append(decoder.label)
            self.decoded.add(node.id)
            return decoders.apply(decoder, self.work, values, named)
        if isinstance(values[0], ShippedPath | ShippedText):
            return _of_file(method, values)
        if method not in decoders.METHODS:
            raise OpaqueError(f"computed at run time: {shown(node)}")
        return decoders.paid(decoders.guarded(decoders.METHODS[method], *values, **named), self.work)

    def _file(self, name: str, call: "Node", depth: int) -> Any:
        """Return a path next to the script, or the file that is opened there."""
        first = self.value(argument_of(call, 0, "file"), depth + 1)
        if name == "str" and isinstance(first, str | ShippedText):
            return first
        path = (
            first.path if isinstance(first, ShippedPath) else PurePosixPath(first) if isinstance(first, str) else None
        )
        if path is None:
            raise OpaqueError(f"computed at run time: {shown(call)}")
        if name in ("open", "io.open"):
            return ShippedText(path)
        if name == "os.path.dirname":
            return ShippedPath(path.parent)
        if name not in _SAME_PATHS:
            position = 1
            while (argument := argument_of(call, position)) is not None:
                part = self.value(argument, depth + 1)
                if not isinstance(part, str):
                    raise OpaqueError(f"computed at run time: {shown(call)}")
                path, position = _below(path, part), position + 1
        return ShippedPath(path)


_FILE_METHODS = frozenset(
    "replace with_name joinpath resolve absolute read_text read_bytes open read decode encode".split()
)


def _of_file(method: str, values: list[Any]) -> ShippedPath | ShippedText:
    """Return the result of a method of a path or of a file's text."""
    owner, arguments = values[0], values[1:]
    if isinstance(owner, ShippedText) and method in ("read", "decode", "encode"):
        return owner
    if isinstance(owner, ShippedPath):
        if method in ("read_text", "read_bytes", "open"):
            return ShippedText(owner.path)
        if method in ("resolve", "absolute"):
            return owner
        if method == "replace" and len(arguments) == 2 and all(isinstance(part, str) for part in arguments):
            return ShippedPath(_below(PurePosixPath(), str(owner.path).replace(*arguments)[: _MAX_PART_CHARS + 1]))
        if method in ("with_name", "joinpath") and all(isinstance(part, str) for part in arguments):
            path = owner.path.parent if method == "with_name" else owner.path
            for part in arguments:
                path = _below(path, part)
            return ShippedPath(path)
    raise OpaqueError(f"a file's {method}()")


def _below(path: PurePosixPath, part: str) -> PurePosixPath:
    if len(part) > _MAX_PART_CHARS or part.startswith("/") or ".." in PurePosixPath(part).parts:
        raise OpaqueError("a path that leads out of the folder")
    return path / part
