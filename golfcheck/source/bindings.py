"""What a name refers to at a position in a source: the import, assignment or parameter that binds it.

A name is followed only if a single binding can apply. A name bound in two branches, in a loop, or by anything but a
plain assignment stays unknown: a script must not show us one value and run another.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from golfcheck.source import syntax
from golfcheck.source.nesting import Nesting
from golfcheck.source.nodes import SourceSpan, name_text, span_of

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_REBOUND = 64  # bindings of one name whose order is examined


class BindingKind(Enum):
    """How a name is bound."""

    IMPORT = "import"
    VALUE = "value"  # an assignment, or `with … as name`
    PARAMETER = "parameter"
    OTHER = "other"  # a loop, a pattern, a definition, …


class Binding(NamedTuple):
    """One binding of a name, effective after byte `after`; `value` is the assigned node, `module` the import."""

    kind: BindingKind
    after: int
    node: "Node"
    value: "Node | None" = None
    module: str = ""  # the dotted name that an import binds: "lzma", "base64.b85decode"


class _Scope(NamedTuple):
    node: "Node"
    span: SourceSpan


class Bindings:
    """All bindings of a source by scope and name."""

    def __init__(self, text: bytes) -> None:
        self._by_name: dict[tuple[int | None, str], list[Binding]] = defaultdict(list)
        self._holders: dict[tuple[int | None, str], tuple[int | None, str] | None] = {}
        self._in_order: dict[tuple[int | None, str], list[Binding]] = {}  # [] if the order is unknown
        self.star_modules: list[str] = []  # of `from … import *`
        captures = syntax.captures(text)
        scopes = [_Scope(node, span_of(node)) for node in captures.get("scope", ())]
        self._scopes = Nesting(scopes)
        self._globals = {
            (self._scopes.index_at(node.start_byte), name_text(node)) for node in captures.get("global", ())
        }
        for node in (*captures.get("import", ()), *captures.get("from", ())):
            self._import(node)
        for node in captures.get("assignment", ()):
            self._assign(node)
        for pattern in captures.get("with", ()):
            self._with(pattern)
        for pattern in captures.get("other", ()):
            self._all_of(pattern, BindingKind.OTHER)
        for parameters in captures.get("parameters", ()):
            self._parameters(parameters)
        for index, scope in enumerate(scopes):
            if name := scope.node.child_by_field_name("name"):
                self._add(name, Binding(BindingKind.OTHER, scope.span.start, scope.node), self._scopes.parents[index])

    def _add(self, name: "Node", binding: Binding, scope: int | None) -> None:
        text = name_text(name)
        if (scope, text) in self._globals:
            scope, binding = None, Binding(BindingKind.OTHER, binding.after, binding.node)
        self._by_name[scope, text].append(binding)

    def _scope_at(self, node: "Node") -> int | None:
        return self._scopes.index_at(node.start_byte)

    def _import(self, node: "Node") -> None:
        module = node.child_by_field_name("module_name")
        prefix = name_text(module) + "." if module else ""
        if any(child.type == "wildcard_import" for child in node.named_children):
            self.star_modules.append(prefix[:-1])
        for child in node.children_by_field_name("name"):
            dotted = child.child_by_field_name("name") if child.type == "aliased_import" else child
            alias = child.child_by_field_name("alias") if child.type == "aliased_import" else None
            if dotted is None:
                continue
            meaning = prefix + name_text(dotted)
            if alias is None and not prefix:  # `import a.b` binds a
                meaning, dotted = meaning.partition(".")[0], dotted.named_children[0]
            name = alias or dotted
            binding = Binding(BindingKind.IMPORT, node.end_byte, node, module=meaning)
            self._add(name, binding, self._scope_at(node))

    def _assign(self, node: "Node") -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        if left.type == "identifier":
            self._add(left, Binding(BindingKind.VALUE, node.end_byte, node, right), self._scope_at(node))
        elif left.type not in ("attribute", "subscript"):
            self._all_of(left, BindingKind.OTHER)

    def _with(self, pattern: "Node") -> None:
        alias = pattern.child_by_field_name("alias")
        value = pattern.named_children[0]
        if alias is not None and alias.named_children and alias.named_children[0].type == "identifier":
            binding = Binding(BindingKind.VALUE, pattern.end_byte, pattern, value)
            self._add(alias.named_children[0], binding, self._scope_at(pattern))
        elif alias is not None:
            self._all_of(alias, BindingKind.OTHER)

    def _parameters(self, parameters: "Node") -> None:
        for item in parameters.named_children:
            name: Node | None = item
            while name is not None and name.type != "identifier":  # `*args: int = 0` wraps its name up to three times
                name = name.child_by_field_name("name") or next(iter(name.named_children), None)
            if name is not None:
                plain = BindingKind.PARAMETER if item.type in ("identifier", "typed_parameter") else BindingKind.OTHER
                self._add(name, Binding(plain, item.start_byte, item), self._scope_at(item))

    def _all_of(self, node: "Node", kind: BindingKind) -> None:
        pending = [node]
        while pending:
            part = pending.pop()
            if part.type == "identifier":
                self._add(part, Binding(kind, part.start_byte, part), self._scope_at(part))
            elif part.type not in ("attribute", "subscript"):
                pending += part.named_children

    def at(self, name: "Node") -> Binding | None:
        """Return the binding of an identifier where it is used; None for one of Python's own names.

        For a name whose value cannot be determined, it is a binding of Kind.OTHER.
        """
        text, scope = name_text(name), self._scope_at(name)
        holder = self._holder(scope, text)
        if holder is None:
            return None
        return self._chosen(holder, name.start_byte if holder[0] == scope else None)

    def _holder(self, scope: int | None, name: str) -> tuple[int | None, str] | None:
        """Return the scope in which a name used in `scope` is bound, with the name; None if there is none."""
        start = scope, name
        if start not in self._holders:
            is_class = False
            while (scope, name) not in self._by_name or is_class:
                if scope is None:
                    break
                scope = self._scopes.parents[scope]
                is_class = scope is not None and self._scopes.items[scope].node.type == "class_definition"
            self._holders[start] = (scope, name) if (scope, name) in self._by_name else None
        return self._holders[start]

    def is_only(self, name: "Node") -> bool:
        """Whether an identifier that is assigned to is bound nowhere else in its scope."""
        return len(self._by_name.get((self._scope_at(name), name_text(name)), ())) == 1

    def names_for(self, meanings: Container[str], dotted: "Callable[[Node], str]") -> frozenset[str]:
        """Return the names that refer to one of the given dotted names wherever they are bound, also indirectly."""
        names = set()
        for (_, name), bindings in self._by_name.items():
            for binding in bindings:
                value = binding.value
                is_named = value is not None and value.type in ("identifier", "attribute", "call")
                meaning = dotted(value) if value is not None and is_named else binding.module
                if meaning in meanings or meaning.partition(".")[0] in meanings:
                    names.add(name)
        return frozenset(names)

    def function_of(self, parameter: Binding) -> "Node | None":
        """Return the function or lambda that a parameter belongs to."""
        scope = self._scope_at(parameter.node)
        return None if scope is None else self._scopes.items[scope].node

    def _chosen(self, holder: tuple[int | None, str], position: int | None) -> Binding:
        """Return the binding in effect at a position of its own scope or, for None, for uses in other scopes."""
        bindings = self._by_name[holder]
        first = bindings[0]
        if len(bindings) == 1:
            return first
        if holder not in self._in_order:
            same = all(binding.kind is BindingKind.IMPORT and binding.module == first.module for binding in bindings)
            straight = len(bindings) <= _MAX_REBOUND and all(map(_is_straight, bindings))
            self._in_order[holder] = [first] if same else sorted(bindings, key=_after) if straight else []
        in_order = self._in_order[holder]
        if len(in_order) == 1:
            return first
        num_before = bisect_right(in_order, position, key=_after) if position is not None else 0
        return in_order[num_before - 1] if num_before else Binding(BindingKind.OTHER, first.after, first.node)


def _after(binding: Binding) -> int:
    return binding.after


def _is_straight(binding: Binding) -> bool:
    """Whether a binding is a top-level statement of a module or function, which runs once, in the order of the text."""
    if binding.kind not in (BindingKind.IMPORT, BindingKind.VALUE):
        return False
    node = binding.node.parent
    while node is not None and node.type in ("expression_statement", "with_item", "with_clause", "with_statement"):
        node = node.parent
    if node is not None and node.type == "block":
        node = node.parent
        return node is not None and node.type == "function_definition"
    return node is not None and node.type == "module"
