"""Resolve the expressions of a source as far as its text shows: `L.decompress` is "lzma.decompress"."""

from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from golfcheck.source import decoders, syntax
from golfcheck.source.bindings import Binding, BindingKind, Bindings
from golfcheck.source.nodes import argument_of, literal, name_text

if TYPE_CHECKING:
    from tree_sitter import Node

IMPORTERS = frozenset(("__import__", "importlib.import_module", "importlib.__import__"))
# Functions that run code: the argument with the code, by position and keyword.
RUNNERS = {
    "exec": (0, ""),
    "eval": (0, ""),
    "runpy.run_path": (0, "path_name"),
    "runpy.run_module": (0, "mod_name"),
    "importlib.util.spec_from_file_location": (1, "location"),
    "importlib.machinery.SourceFileLoader": (1, "path"),
    "importlib.machinery.SourcelessFileLoader": (1, "path"),
    "imp.load_source": (1, "pathname"),
    "imp.load_compiled": (1, "pathname"),
    "zipimport.zipimporter": (0, "path"),
    "marshal.load": (0, ""),
    "marshal.loads": (0, ""),
    "types.CodeType": (0, ""),
    "types.FunctionType": (0, "code"),
    "code.InteractiveInterpreter": (0, ""),
    "code.InteractiveConsole": (0, ""),
    "code.interact": (0, ""),
    "importlib.util.source_from_cache": (0, ""),
} | dict.fromkeys(IMPORTERS, (0, "name"))
# Modules whose members must be named literally: a member with a computed name could be any of the above.
SENSITIVE = frozenset(
    "builtins importlib importlib.util importlib.machinery runpy marshal imp code types zipimport os subprocess sys "
    "lzma zlib gzip bz2 base64 binascii".split()
)
_MAX_NESTING = 32


class Scope:
    """The meanings of a source's names."""

    def __init__(self, text: bytes) -> None:
        self.source = text
        self.bindings = Bindings(text)
        self._of_values: dict[int, str] = {}  # by the id of the node that a name is bound to
        self._of_calls: dict[int, str] = {}  # by the node's id: a chain of names may request one call many times

    @cached_property
    def calls(self) -> "list[tuple[Node, str]]":
        """All calls of the source in the order of the text, each with the meaning of what it calls."""
        calls = syntax.captures(self.source).get("call", ())
        return [(call, self.dotted(call.child_by_field_name("function"))) for call in calls]

    def uses(self, names: Iterable[str]) -> "list[Node]":
        """Return the uses of names, each once, in the order of the text."""
        nodes = syntax.names(self.source)
        return sorted(chain.from_iterable(nodes.get(name, ()) for name in names), key=syntax.start_byte)

    def bound(self, node: "Node") -> Binding | None:
        """Return the binding of an identifier, None for one of Python's own names."""
        return self.bindings.at(node)

    def assigned(self, identifier: "Node") -> "Node | None":
        """Return the expression that a name always stands for; None if it is not bound to a single one."""
        binding = self.bound(identifier)
        return binding.value if binding is not None and binding.kind is BindingKind.VALUE else None

    def text(self, node: "Node | None") -> str | None:
        """Return the value of a string, or of a name that is bound to one; None for anything else."""
        if node is not None and node.type == "identifier":
            node = self.assigned(node)
        value = literal(node) if node is not None else None
        return value if isinstance(value, str) else None

    def dotted(self, node: "Node | None", depth: int = 0) -> str:
        """Return an expression's meaning as a dotted name; "" if it is unknown."""
        if node is None or depth > _MAX_NESTING:
            return ""
        kind = node.type
        if kind == "identifier":
            return self._name(node, depth)
        if kind == "attribute":
            owner, member = node.child_by_field_name("object"), node.child_by_field_name("attribute")
            outer = self.dotted(owner, depth + 1)
            return _plain(f"{outer}.{name_text(member)}") if outer and member else ""
        if kind == "call":
            if node.id not in self._of_calls:
                self._of_calls[node.id] = self._returned(node, depth)
            return self._of_calls[node.id]
        if kind == "parenthesized_expression" and len(node.named_children) == 1:
            return self.dotted(node.named_children[0], depth + 1)
        return ""

    def _name(self, node: "Node", depth: int) -> str:
        binding = self.bound(node)
        if binding is None:
            text = name_text(node)
            starred = (f"{module}.{text}" for module in self.bindings.star_modules)
            return _plain(next((name for name in starred if name in RUNNERS or name in decoders.BY_NAME), text))
        if binding.kind is BindingKind.IMPORT:
            return _plain(binding.module)
        if binding.kind is BindingKind.VALUE and binding.value is not None and binding.value.type in _NAMED:
            if binding.value.id not in self._of_values:
                self._of_values[binding.value.id] = self.dotted(binding.value, depth + 1)
            return self._of_values[binding.value.id]
        return ""

    def _returned(self, call: "Node", depth: int) -> str:
        """Return the results of `__import__("lzma")` and `getattr(zlib, "decompress")`."""
        function = self.dotted(call.child_by_field_name("function"), depth + 1)
        if function in IMPORTERS:
            return self.text(argument_of(call)) or ""
        if function == "getattr":
            owner = self.dotted(argument_of(call), depth + 1)
            name = self.text(argument_of(call, 1))
            return _plain(f"{owner}.{name}") if owner and name else ""
        return ""


_NAMED = ("identifier", "attribute", "call")


def _plain(name: str) -> str:
    """Return the name without the module of Python's own functions: `builtins.exec` is exec."""
    return name.removeprefix("builtins.").removeprefix("__builtins__.")
