"""What golfcheck takes out of a syntax tree: plain data with its place in the text, and how each is read off a node."""

import ast
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_MAX_DOTS = 32  # of a dotted name
_MAX_WORDS = 64  # of a command that is a list
_MAX_WORD_BYTES = 1024
_MAX_NAME_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A stretch of the source: bytes [start, end), and the line it begins on (from 1)."""

    start: int
    end: int
    line: int

    def holds(self, other: "SourceSpan") -> bool:
        """Whether `other` lies inside."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier where it is used: where it begins, in bytes, and on which line (from 1)."""

    text: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported; `names` says which dotted thing each new local name stands for."""

    module: str
    names: dict[str, str]
    line: int
    is_star: bool = False  # `from module import *`


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the names of its parameters; the span is all of it."""

    name: str
    parameters: tuple[str, ...]
    span: SourceSpan


@dataclass(frozen=True, slots=True)
class Loop:
    """A `for` or `while` statement."""

    span: SourceSpan


@dataclass(frozen=True, slots=True)
class Call:
    """A call: the dotted name that is called, as written, and its arguments' spans by position or keyword."""

    callee: str
    arguments: dict[int | str, SourceSpan]
    span: SourceSpan
    words: tuple[str, ...]  # of the first argument: the words of a string, or the items of a list, as far as literal


@dataclass(frozen=True, slots=True)
class Assignment:
    """Names that get the value of an expression."""

    targets: tuple[str, ...]
    value: SourceSpan


def text_of(node: Any) -> str:
    """Return the text of a node."""
    return str(node.text.decode("utf-8", "replace"))


def name_text(node: Any) -> str:
    """Return a name as Python compares it: `ｅｘｅｃ` is `exec`."""
    text = (node.text or b"")[:_MAX_NAME_BYTES]
    if text.isascii():  # nearly always, and the rest takes far longer
        return str(text, "ascii")
    return unicodedata.normalize("NFKC", text.decode("utf-8", "replace"))


def normalized(text: bytes) -> str:
    """Return a source with its names as Python compares them."""
    return str(text, "ascii") if text.isascii() else unicodedata.normalize("NFKC", text.decode("utf-8", "replace"))


def shown(node: Any) -> str:
    """Return the beginning of a node's text, in one line."""
    text = " ".join(name_text(node)[:200].split())
    return text if len(text) <= 60 else text[:57] + "…"


def literal(node: Any) -> str | bytes | None:
    """Return the value of a string token without interpolation, None if it has some or is not well formed."""
    text = node.text or b""
    quote = min((at for at in (text.find(b"'"), text.find(b'"')) if at >= 0), default=0)
    if node.type != "string" or set(text[:quote].lower()) - set(b"rbu"):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of an escape that Python does not know: not ours to say
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
    """Return where a node stands."""
    return SourceSpan(node.start_byte, node.end_byte, node.start_point[0] + 1)


def name_of(node: Any, text: bytes) -> Name:
    """Return an identifier; `text` is what the tree was parsed from, which is faster than asking the node."""
    start = node.start_byte
    return Name(text[start : node.end_byte].decode("utf-8", "replace"), start, node.start_point[0] + 1)


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
    is_star = any(child.type == "wildcard_import" for child in node.named_children)
    return Import(module, names, node.start_point[0] + 1, is_star)


def called_import(node: Any) -> Import | None:
    """Return what a call imports that names a module: `__import__("wandb")`, `importlib.import_module("wandb")`."""
    if dotted_name(node.child_by_field_name("function")).rpartition(".")[2] not in ("__import__", "import_module"):
        return None
    first = argument_of(node)
    module = literal(first) if first is not None else None
    return Import(module, {}, node.start_point[0] + 1) if isinstance(module, str) else None


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
    arguments: dict[int | str, SourceSpan] = {}
    values = node.child_by_field_name("arguments")
    inside = values.named_children if values.type == "argument_list" else [values]  # a generator stands alone
    items = [item for item in inside if item.type != "comment"]
    for index, item in enumerate(items):
        keyed = item.type == "keyword_argument"
        value = item.child_by_field_name("value") if keyed else item
        arguments[text_of(item.child_by_field_name("name")) if keyed else index] = span_of(value)
    callee = dotted_name(node.child_by_field_name("function"))
    return Call(callee, arguments, span_of(node), tuple(_words(items[0])) if items else ())


def dotted_name(node: Any) -> str:
    """Return `a.b.c` as written; of a member of an expression, as in `(loss * scale).backward`, only `.backward`.

    The expression is never looked at: it may hold other calls, and theirs again, each as long as all inside it.
    """
    parts: list[str] = []
    while node.type == "attribute" and len(parts) < _MAX_DOTS:
        parts.append(text_of(node.child_by_field_name("attribute")))
        node = node.child_by_field_name("object")
    if node.type == "identifier":
        return ".".join([text_of(node), *reversed(parts)])
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
    """Return the text of a node, or nothing of one that is longer than any name of a program or its option."""
    return text_of(node) if node.end_byte - node.start_byte <= _MAX_WORD_BYTES else "…"


def assignment_of(node: Any) -> Assignment:
    """Return an assignment's targets that are names, and where its value stands."""
    left = node.child_by_field_name("left")
    inside = left.named_children if left.type in ("pattern_list", "tuple_pattern", "list_pattern") else [left]
    targets = tuple(text_of(item) for item in inside if item.type == "identifier")
    return Assignment(targets, span_of(node.child_by_field_name("right")))
