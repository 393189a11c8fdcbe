"""The value of an expression, as far as it can be known without running anything.

A small evaluator follows literals, names bound once, concatenation, slices and the decoders of `source.decoders`.
"""

import ast
import unicodedata
from typing import TYPE_CHECKING, Any

from golfcheck.source import decoders
from golfcheck.source.decoders import Budget, OpaqueError

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_MAX_STEPS = 10_000  # nodes that are evaluated for one expression
_MAX_NESTING = 64
_RUNNERS = {"exec", "eval"}


class Scope:
    """What the names of a module stand for: modules, functions of modules, expressions bound once."""

    def __init__(self, tree: "Tree") -> None:
        self.tree = tree
        self.modules: dict[str, str] = {}  # local name → "lzma" or "base64.b85decode"
        self.bound: dict[str, Node | None] = {}  # None: bound more than once
        for node in _statements(tree.root_node):
            self._take(node)

    def _take(self, node: "Node") -> None:
        if node.type == "import_statement":
            for child in node.named_children:
                self._alias(child, "")
        elif node.type == "import_from_statement":
            module = node.child_by_field_name("module_name")
            for child in node.children_by_field_name("name"):
                self._alias(child, (_text(module) + ".") if module else "")
        elif node.type == "assignment":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left and left.type == "identifier":
                name = _text(left)
                self.bound[name] = None if name in self.bound else right

    def _alias(self, node: "Node", prefix: str) -> None:
        if node.type == "aliased_import":
            name, alias = node.child_by_field_name("name"), node.child_by_field_name("alias")
            if name and alias:
                self.modules[_text(alias)] = prefix + _text(name)
        elif node.type == "dotted_name":
            self.modules[_text(node)] = prefix + _text(node)

    def runners(self) -> list["Node"]:
        """Return the calls of exec and eval, in whatever letters they are written."""
        return [
            call
            for call in calls(self.tree)
            if (function := call.child_by_field_name("function")) and _text(function) in _RUNNERS
        ]

    def decoders_in(self, node: "Node") -> list[str]:
        """Name the decoders that an expression mentions, the innermost first."""
        names = []
        for call in calls(self.tree, node):
            function = call.child_by_field_name("function")
            decoder = decoders.BY_NAME.get(self.dotted(function)) if function else None
            if decoder:
                names.append(decoder.label)
        return names[::-1]

    def dotted(self, node: "Node") -> str:
        """Return what a name or an attribute means: `L.decompress` is "lzma.decompress" after `import lzma as L`."""
        if node.type == "identifier":
            return self.modules.get(_text(node), _text(node))
        if node.type == "attribute":
            owner, member = node.child_by_field_name("object"), node.child_by_field_name("attribute")
            if owner and member and owner.type in ("identifier", "attribute", "call"):
                return f"{self.dotted(owner)}.{_text(member)}"
        if node.type == "call":  # __import__("lzma")
            function, argument = node.child_by_field_name("function"), first_argument(node)
            if function and argument and self.dotted(function) in ("__import__", "importlib.import_module"):
                name = literal(argument)
                return name if isinstance(name, str) else ""
        return ""


class Evaluation:
    """The value of one expression, and the decoders that it went through (the innermost first)."""

    def __init__(self, scope: Scope, budget: Budget) -> None:
        self.scope = scope
        self.budget = budget
        self.used: list[str] = []
        self.steps = 0

    def value(self, node: "Node | None", depth: int = 0) -> Any:
        """Return what the expression is. Raises OpaqueError when only running it could tell, or beyond a limit."""
        self.steps += 1
        if node is None or depth > _MAX_NESTING or self.steps > _MAX_STEPS:
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
            case "identifier" if node.text and _text(node) in self.scope.bound:
                return self.value(self.scope.bound[_text(node)], depth + 1)
            case "attribute" if (name := self.scope.dotted(node)) in decoders.CONSTANTS:
                return decoders.CONSTANTS[name]
            case "identifier" if (name := self.scope.dotted(node)) in decoders.CONSTANTS:
                return decoders.CONSTANTS[name]
            case "call":
                return self._call(node, depth)
        raise OpaqueError(f"computed at run time: {_shown(node)}")

    def _string(self, node: "Node") -> str | bytes:
        value = literal(node)
        if value is None:
            raise OpaqueError(f"computed at run time: {_shown(node)}")
        return value

    def _integer(self, node: "Node") -> int:
        text = _text(node)
        if len(text) > 20:
            raise OpaqueError("a long integer")
        try:
            return int(text, 0)
        except ValueError:
            raise OpaqueError(f"not understood: {_shown(node)}") from None

    def _join(self, parts: list[Any]) -> Any:
        if all(isinstance(part, bytes) for part in parts):
            return self.budget.spend(b"".join(parts))
        if all(isinstance(part, str) for part in parts):
            return self.budget.spend("".join(parts))
        raise OpaqueError("text and bytes are mixed")

    def _dictionary(self, pairs: list["Node"], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in pairs:
            key = self.value(pair.child_by_field_name("key"), depth + 1)
            if not isinstance(key, str | int):
                raise OpaqueError("a key that is no text")
            result[key] = self.value(pair.child_by_field_name("value"), depth + 1)
        return result

    def _negative(self, node: "Node", depth: int) -> Any:
        value = self.value(node.child_by_field_name("argument"), depth + 1)
        operator = node.child_by_field_name("operator")
        if isinstance(value, int) and operator and operator.type == "-":
            return -value
        raise OpaqueError(f"computed at run time: {_shown(node)}")

    def _binary(self, node: "Node", depth: int) -> Any:
        left = self.value(node.child_by_field_name("left"), depth + 1)
        right = self.value(node.child_by_field_name("right"), depth + 1)
        operator = node.child_by_field_name("operator")
        kind = operator.type if operator else ""
        if isinstance(left, int) and isinstance(right, int) and kind in ("+", "|"):
            return left + right if kind == "+" else left | right
        if kind == "+":
            return self._join([left, right])
        raise OpaqueError(f"computed at run time: {_shown(node)}")

    def _subscript(self, node: "Node", depth: int) -> Any:
        value = self.value(node.child_by_field_name("value"), depth + 1)
        inside = node.child_by_field_name("subscript")
        if not isinstance(value, str | bytes) or inside is None or inside.type != "slice":
            raise OpaqueError(f"computed at run time: {_shown(node)}")
        limits: list[Any] = [None, None, None]
        place = 0
        for child in inside.children:
            if child.type == ":":
                place += 1
            elif place < 3 and child.is_named:
                limits[place] = self.value(child, depth + 1)
        if place > 2 or any(limit is not None and not isinstance(limit, int) for limit in limits) or limits[2] == 0:
            raise OpaqueError("a slice that is no slice")
        return self.budget.spend(value[slice(*limits)])

    def _call(self, node: "Node", depth: int) -> Any:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if function is None or arguments is None or arguments.type != "argument_list":
            raise OpaqueError(f"computed at run time: {_shown(node)}")
        values: list[Any] = []
        named: dict[str, Any] = {}
        name = self.scope.dotted(function)
        if name == "compile":
            return self.value(first_argument(node), depth + 1)
        decoder = decoders.BY_NAME.get(name)
        method = None
        if decoder is None and function.type == "attribute":
            attribute = function.child_by_field_name("attribute")
            method = decoders.METHODS.get(_text(attribute)) if attribute else None
            if method:
                values.append(self.value(function.child_by_field_name("object"), depth + 1))
        if decoder is None and method is None:
            raise OpaqueError(f"computed at run time: {_shown(node)}")
        for argument in arguments.named_children:
            if argument.type == "keyword_argument":
                key = argument.child_by_field_name("name")
                named[_text(key) if key else ""] = self.value(argument.child_by_field_name("value"), depth + 1)
            elif argument.type != "comment":
                values.append(self.value(argument, depth + 1))
        if decoder:
            self.used.append(decoder.label)
            return decoders.apply(decoder, self.budget, values, named)
        assert method
        return self.budget.spend(decoders.guarded(method, *values, **named))


def calls(tree: "Tree", within: "Node | None" = None) -> list["Node"]:
    """Return the calls of a tree (or of a part of it) in the order of the text."""
    cursor = (within or tree.root_node).walk()
    found = []
    while True:
        node = cursor.node
        if node is not None and node.type == "call":
            found.append(node)
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return found


def literal(node: "Node") -> str | bytes | None:
    """Return the value of a string token without interpolation, None if it has some or is not well formed."""
    text = node.text or b""
    quote = min((at for at in (text.find(b"'"), text.find(b'"')) if at >= 0), default=0)
    if node.type != "string" or set(text[:quote].lower()) - set(b"rbu"):
        return None
    try:
        value = ast.literal_eval(text.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str | bytes) else None


def _statements(root: "Node") -> list["Node"]:
    """Return imports and assignments at the top of a module, also behind `if` and `try`."""
    found = []
    pending = [root]
    while pending:
        node = pending.pop()
        for child in node.named_children:
            if child.type in ("import_statement", "import_from_statement", "assignment"):
                found.append(child)
            elif child.type not in ("function_definition", "class_definition", "call"):
                pending.append(child)
    return sorted(found, key=lambda node: node.start_byte)


def first_argument(call: "Node") -> "Node | None":
    """Return the first argument of a call, None if it has none."""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or arguments.type != "argument_list":
        return None  # a generator expression
    return next((child for child in arguments.named_children if child.type != "comment"), None)


def _text(node: "Node") -> str:
    """Return a name as Python compares it: `ｅｘｅｃ` is `exec`."""
    return unicodedata.normalize("NFKC", (node.text or b"")[:4096].decode("utf-8", "replace"))


def _shown(node: "Node") -> str:
    text = " ".join(_text(node)[:200].split())
    return text if len(text) <= 60 else text[:57] + "…"
