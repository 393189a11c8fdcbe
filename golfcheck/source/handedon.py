"""Find where a source passes on functions that run code, so that other calls may run it: `map(eval, texts)`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from golfcheck.source.nodes import argument_of, name_text, normalized
from golfcheck.source.scope import RUNNERS, SENSITIVE, Scope

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_USES = 256  # examined: going from a node to its parent takes time proportional to the text's length
_NAMESPACES = frozenset(("globals", "locals", "vars"))
_INNARDS = frozenset("__subclasses__ __globals__ f_globals f_builtins f_locals __code__ __loader__".split())
_READ_ONLY = frozenset(("items", "keys", "values", "copy"))
# Modules whose members nearly all run code: they are followed only if a member is named.
_RUNNING = frozenset(name.rpartition(".")[0] for name in RUNNERS if "." in name) | {"builtins"}
_SHORT_NAMES = frozenset(name for name in RUNNERS if "." not in name) | {"__builtins__"}


def handed_on(scope: Scope) -> Iterator[tuple["Node", str]]:
    """Yield each node that uses a function which runs code as a value or from a namespace, with a description."""
    names = scope.bindings.names_for(_RUNNING | frozenset(RUNNERS), scope.dotted) | _SHORT_NAMES | _INNARDS
    uses = scope.uses(names)
    if len(uses) > MAX_USES:
        yield uses[0], f"more than {MAX_USES} uses of exec and similar functions"
    for node in uses[:MAX_USES]:
        if reason := _value_of(node, scope):
            yield node, reason
    words = normalized(scope.source)
    if any(word in words for word in (*_NAMESPACES, "getattr")):
        yield from _namespaces(scope)
    if "modules" in words:
        yield from _modules_by_name(scope)


def _namespaces(scope: Scope) -> Iterator[tuple["Node", str]]:
    namespaces = 0
    for call, name in scope.calls:
        if name in _NAMESPACES:
            namespaces += 1
            if namespaces > MAX_USES:
                yield call, f"more than {MAX_USES} uses of globals() and similar functions"
                return
            if reason := _namespace(call, name, scope):
                yield call, reason
        elif name == "getattr":
            owner = scope.dotted(argument_of(call))
            if owner in SENSITIVE and scope.text(argument_of(call, 1)) is None:
                yield call, f"takes a member of {owner} by a computed name"


def _value_of(node: "Node", scope: Scope) -> str:
    """Describe what a use of a name passes on; "" if it is a call, an import, a single assignment, or unrelated."""
    name, parent = name_text(node), node.parent
    if parent is None:
        return ""
    if name in _INNARDS:
        is_member = parent.type == "attribute" and parent.child_by_field_name("attribute") == node
        return f"reaches into the interpreter by {name}" if is_member or scope.bound(node) is None else ""
    if parent.type in ("dotted_name", "aliased_import") or _is_bound_here(node, parent):
        return ""
    if parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        return ""  # a member of something else: `model.eval`
    meaning = scope.dotted(node)
    whole = node
    while (
        whole.parent is not None
        and whole.parent.type == "attribute"
        and whole.parent.child_by_field_name("object") == whole
    ):
        whole = whole.parent
        meaning = scope.dotted(whole) or meaning
    parent = whole.parent
    if (
        meaning not in RUNNERS
        and meaning not in _RUNNING
        and not meaning.endswith("__dict__")
        and meaning != "__builtins__"
    ):
        return ""
    if parent is None or (parent.type == "call" and parent.child_by_field_name("function") == whole):
        return ""
    if (
        parent.type == "argument_list"
        and parent.parent
        and scope.dotted(parent.parent.child_by_field_name("function")) == "getattr"
    ):
        return ""  # examined as a call of getattr
    if parent.type == "assignment" and _is_alias(parent, scope):
        return ""
    return f"passes {meaning} on as a value"


def _is_bound_here(node: "Node", parent: "Node") -> bool:
    """Whether this is the name of a keyword, a parameter or a definition, or an assignment's target."""
    if parent.type in ("parameters", "typed_parameter", "lambda_parameters", "global_statement"):
        return True
    field = "left" if parent.type == "assignment" else "name"
    return parent.child_by_field_name(field) == node


def _is_alias(assignment: "Node", scope: Scope) -> bool:
    """Whether `e = exec` binds a name that always has this meaning, so that its calls are followed."""
    left = assignment.child_by_field_name("left")
    return left is not None and left.type == "identifier" and scope.bindings.is_only(left)


def _namespace(call: "Node", name: str, scope: Scope) -> str:
    """Describe what `globals()` or a similar function is used for; "" if it only looks through values."""
    owner = argument_of(call)
    if name == "vars" and owner is not None and scope.dotted(owner) not in SENSITIVE:
        return ""
    parent = call.parent
    if parent is None or parent.type == "expression_statement":
        return ""
    if parent.type == "attribute":
        member = name_text(parent.child_by_field_name("attribute"))
        around = parent.parent
        key = scope.text(argument_of(around)) if around is not None and around.type == "call" else None
        is_harmless = member in _READ_ONLY or (member == "get" and key is not None and key not in _SHORT_NAMES)
        return "" if is_harmless else f"reads or changes names through {name}().{member}"
    if parent.type == "subscript":
        key = scope.text(parent.child_by_field_name("subscript"))
        return "" if key is not None and key not in _SHORT_NAMES else f"reads or changes names through {name}()"
    if parent.type == "argument_list" and parent.parent is not None:
        function = scope.dotted(parent.parent.child_by_field_name("function"))
        return (
            ""
            if function in ("exec", "eval", "runpy.run_path", "len", "sorted", "list", "set")
            else f"passes {name}() on"
        )
    if parent.type in ("comparison_operator", "for_statement", "for_in_clause"):
        return ""
    return f"passes {name}() on"


def _modules_by_name(scope: Scope) -> Iterator[tuple["Node", str]]:
    for node in scope.uses(("modules",))[:MAX_USES]:
        if node.parent is None or scope.dotted(node.parent) != "sys.modules":
            continue
        around = node.parent.parent
        if around is None or around.type != "subscript":
            continue
        key = around.child_by_field_name("subscript")
        module = scope.text(key)
        if key is not None and name_text(key) != "__name__" and (module is None or module in SENSITIVE):
            yield node, "takes a module out of sys.modules"
