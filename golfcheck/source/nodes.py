"""What golfcheck extracts from a syntax tree: plain data with positions, and functions that read it from nodes."""

import ast
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

_MAX_DOTS = 32  # of a dotted name
_MAX_WORDS = 64  # of a command that is a list
_MAX_WORD_BYTES = 1024
MAX_NAME_BYTES = 4096  # of a name; the rest of a longer one is ignored


class SourceSpan(NamedTuple):
    """A stretch of the source: bytes [start, end), and the line on which it begins (from 1)."""

    start: int
    end: int
    line: int


class Import(NamedTuple):
    """A module that is imported; `names` maps each new local name to its dotted name."""

    module: str
    names: dict[str, str]
    line: int
    is_star: bool = False  # `from module import *`


class Function(NamedTuple):
    """A function with the names of its parameters; the span covers all of it."""

    name: str
    parameters: tuple[str, ...]
    span: SourceSpan


class Loop(NamedTuple):
    """A `for` or `while` statement."""

    span: SourceSpan


@dataclass(eq=False)
class Call:
    """A call: the dotted name that is called, as written, and its arguments, read from its node on demand."""

    callee: str
    span: SourceSpan
    node: Any

    @cached_property
    def arguments(self) -> dict[int | str, SourceSpan]:
        """The arguments' spans by position or keyword."""
        spans: dict[int | str, SourceSpan] = {}
        for index, item in enumerate(self._items):
            keyed = item.type == "keyword_argument"
            value = item.child_by_field_name("value") if keyed else item
            spans[name_text(item.child_by_field_name("name")) if keyed else index] = span_of(value)
        return spans

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the first argument: those of a string, or the literal items of a list."""
        first = next(iter(self._items), None)
        return () if first is None else tuple(_words(first))

    @cached_property
    def _items(self) -> list[Any]:
        values = self.node.child_by_field_name("arguments")
        inside = (
            values.named_children if values.type == "argument_list" else [values]
        )  # a generator without parentheses
        return [item for item in inside if item.type != "comment"]


class Assignment(NamedTuple):
    """Names that get the value of an expression."""

    targets: tuple[str, ...]
    value: SourceSpan


def name_text(node: Any) -> str:
    """Return a name as Python compares it: `ｅｘｅｃ` is `exec`."""
    return normalized((node.text or b"")[:MAX_NAME_BYTES])


def normalized(text: bytes) -> str:
    """Return names, or a source with its names, as Python compares them."""
    if text.isascii():  # nearly always; normalization takes far longer
        return str(text, "ascii")
    return unicodedata.normalize("NFKC", text.decode("utf-8", "replace"))


def shown(node: Any) -> str:
    """Return the beginning of a node's text, on one line."""
    text = " ".join(name_text(node)[:200].split())
    return text if len(text) <= 60 else text[:57] + "…"


def literal(node: Any) -> str | bytes | None:
    """Return the value of a string token without interpolation, None if it has some or is not well formed."""
    text = node.text or b""
    quote = min((at for at in (text.find(b"'"), text.find(b'"')) if at >= 0), default=0)
    if node.type != "string" or set(text[:quote].lower()) - set(b"rbu"):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # about invalid escapes, which are not our concern
            value = ast.literal_eval(text.decode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, str | bytes) else None


def argument_of(call: Any, position: int = 0, keyword: str = "") -> Any:
    """Return the argument of a call at a position (counted from 0) or under a keyword, None if it has none."""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or arguments.type != "argument_list":
        return None  # a generator expression
    plain = [child for child in arguments.named_children if child.type not in ("comment", "keyword_argument")]
    if position < len(plain):
        return plain[position]
    for child in arguments.named_children:
        if keyword and child.type == "keyword_argument" and name_text(child.child_by_field_name("name")) == keyword:
            return child.child_by_field_name("value")
    return None


def span_of(node: Any) -> SourceSpan:
    """Return the span of a node."""
    return SourceSpan(node.start_byte, node.end_byte, node.start_point[0] + 1)


def plain_imports(node: Any) -> Iterator[Import]:
    """Yield what `import a, b.c as d` imports."""
    for item in node.children_by_field_name("name"):
        if item.type == "aliased_import":
            module, alias = name_text(item.child_by_field_name("name")), name_text(item.child_by_field_name("alias"))
            yield Import(module, {alias: module}, node.start_point[0] + 1)
        else:
            top = name_text(item).partition(".")[0]
            yield Import(name_text(item), {top: top}, node.start_point[0] + 1)


def from_import(node: Any) -> Import:
    """Return what `from a import b as c` imports."""
    module = name_text(node.child_by_field_name("module_name"))
    names = {}
    for item in node.children_by_field_name("name"):
        aliased = item.type == "aliased_import"
        name = name_text(item.child_by_field_name("name")) if aliased else name_text(item)
        names[name_text(item.child_by_field_name("alias")) if aliased else name] = f"{module}.{name}"
    is_star = any(child.type == "wildcard_import" for child in node.named_children)
    return Import(module, names, node.start_point[0] + 1, is_star)


def called_import(call: Call) -> Import | None:
    """Return the import made by a call: `__import__("wandb")`, `importlib.import_module("wandb")`."""
    if call.callee.rpartition(".")[2] not in ("__import__", "import_module"):
        return None
    first = argument_of(call.node)
    module = literal(first) if first is not None else None
    return Import(module, {}, call.span.line) if isinstance(module, str) else None


def function_of(node: Any) -> Function:
    """Return a function definition's name and parameters, in all their possible forms."""
    parameters = []
    for item in node.child_by_field_name("parameters").named_children:
        name = item
        while name is not None and name.type != "identifier":  # `*args: int = 0` wraps its name up to three times
            name = name.child_by_field_name("name") or next(iter(name.named_children), None)
        if name is not None:
            parameters.append(name_text(name))
    return Function(name_text(node.child_by_field_name("name")), tuple(parameters), span_of(node))


def call_of(node: Any) -> Call:
    """Return a call; for a method of an expression, only a dot and the method's name are kept."""
    return Call(dotted_name(node.child_by_field_name("function")), span_of(node), node)


def dotted_name(node: Any) -> str:
    """Return `a.b.c` as written; for a member of an expression, as in `(loss * scale).backward`, only `.backward`.

    The expression is not read: it may contain other calls, nested so deeply that reading each would be quadratic.
    """
    parts: list[str] = []
    while node.type == "attribute" and len(parts) < _MAX_DOTS:
        parts.append(name_text(node.child_by_field_name("attribute")))
        node = node.child_by_field_name("object")
    if node.type == "identifier":
        return ".".join([name_text(node), *reversed(parts)])
    return "." + parts[0] if parts else "."


def _words(node: Any) -> Iterator[str]:
    if node.type == "string":
        yield from "".join(_short_text(part) for part in node.named_children if part.type == "string_content").split()
    elif node.type in ("list", "tuple"):
        items = (item for item in node.named_children[:_MAX_WORDS] if item.type != "comment")
        yield from (_short_text(item).strip("'\"") for item in items)
    else:
        yield _short_text(node)


def _short_text(node: Any) -> str:
    """Return the text of a node, or "…" if it is longer than any program's name or option."""
    return node.text.decode("utf-8", "replace") if node.end_byte - node.start_byte <= _MAX_WORD_BYTES else "…"


def assignment_of(node: Any) -> Assignment:
    """Return an assignment's targets that are names, and the span of its value."""
    left = node.child_by_field_name("left")
    inside = left.named_children if left.type in ("pattern_list", "tuple_pattern", "list_pattern") else [left]
    targets = tuple(name_text(item) for item in inside if item.type == "identifier")
    return Assignment(targets, span_of(node.child_by_field_name("right")))
