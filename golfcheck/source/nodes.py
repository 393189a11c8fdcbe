"""What golfcheck takes out of a syntax tree: plain data with its place in the text, and how each is read off a node."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


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


def text_of(node: Any) -> str:
    """Return the text of a node."""
    return str(node.text.decode("utf-8", "replace"))


def span_of(node: Any) -> Span:
    """Return where a node stands."""
    return Span(node.start_byte, node.end_byte, node.start_point[0] + 1)


def plain_imports(node: Any) -> Iterator[Import]:
    """Yield what `import a, b.c as d` imports."""
    for item in node.children_by_field_name("name"):
        if item.type == "aliased_import":
            module, alias = text_of(item.child_by_field_name("name")), text_of(item.child_by_field_name("alias"))
            yield Import(module, {alias: module}, node.start_point[0] + 1)
        else:
            top = text_of(item).partition(".")[0]
            yield Import(text_of(item), {top: top}, node.start_point[0] + 1)


def from_import(node: Any) -> Import:
    """Return what `from a import b as c` imports."""
    module = text_of(node.child_by_field_name("module_name"))
    names = {}
    for item in node.children_by_field_name("name"):
        aliased = item.type == "aliased_import"
        name = text_of(item.child_by_field_name("name")) if aliased else text_of(item)
        names[text_of(item.child_by_field_name("alias")) if aliased else name] = f"{module}.{name}"
    return Import(module, names, node.start_point[0] + 1)


def function_of(node: Any) -> Function:
    """Return a function definition's name and parameters, in every form that they may have."""
    parameters = []
    for item in node.child_by_field_name("parameters").named_children:
        name = item
        while name is not None and name.type != "identifier":  # `*args: int = 0` wraps its name up to three times
            name = name.child_by_field_name("name") or next(iter(name.named_children), None)
        if name is not None:
            parameters.append(text_of(name))
    return Function(text_of(node.child_by_field_name("name")), tuple(parameters), span_of(node))


def call_of(node: Any) -> Call:
    """Return a call; of a method of an expression only the method's name is kept, after a dot."""
    arguments: dict[int | str, Span] = {}
    values = node.child_by_field_name("arguments")
    inside = values.named_children if values.type == "argument_list" else [values]  # a generator stands alone
    items = [item for item in inside if item.type != "comment"]
    for index, item in enumerate(items):
        keyed = item.type == "keyword_argument"
        value = item.child_by_field_name("value") if keyed else item
        arguments[text_of(item.child_by_field_name("name")) if keyed else index] = span_of(value)
    callee = text_of(node.child_by_field_name("function"))
    if not callee.replace(".", "").replace("_", "").isalnum():
        callee = "." + callee.rpartition(".")[2]  # a method of an expression: `(loss * scale).backward`
    return Call(callee, arguments, span_of(node), tuple(_words(items[0])) if items else ())


def _words(node: Any) -> Iterator[str]:
    if node.type == "string":
        yield from "".join(text_of(part) for part in node.named_children if part.type == "string_content").split()
    elif node.type in ("list", "tuple"):
        yield from (text_of(item).strip("'\"") for item in node.named_children if item.type != "comment")
    else:
        yield text_of(node)


def assignment_of(node: Any) -> Assignment:
    """Return an assignment's targets that are names, and where its value stands."""
    left = node.child_by_field_name("left")
    inside = left.named_children if left.type in ("pattern_list", "tuple_pattern", "list_pattern") else [left]
    targets = tuple(text_of(item) for item in inside if item.type == "identifier")
    return Assignment(targets, span_of(node.child_by_field_name("right")))
