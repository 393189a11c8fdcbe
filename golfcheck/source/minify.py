"""Minify Python source: remove comments, docstrings, annotations and unnecessary white space.

Works on the tree-sitter tree, so that scripts for a newer Python than the one that runs golfcheck can be packed, and
the result does not depend on it. `proof.py` verifies the result independently.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from golfcheck.core.errors import UsageError
from golfcheck.source import syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_COMPOUND = {
    *("if_statement", "for_statement", "while_statement", "try_statement", "with_statement", "match_statement"),
    *("function_definition", "class_definition", "decorated_definition", "case_clause"),
}
_SKIPPED = {"comment", "line_continuation", ";"}
# A program that mentions one of these may read its own annotations or docstrings, so they are kept.
_READS_ANNOTATIONS = (b"__annotations__", b"get_type_hints", b"infer_schema", b"custom_op", b"jit.script", b"signature")
_READS_DOCSTRINGS = (b"__doc__", b"getdoc")
# Decorators that ignore annotations. Any other might read them, as the one for Triton kernels does.
BLIND_DECORATORS = {
    *("staticmethod", "classmethod", "property", "contextmanager", "contextlib.contextmanager"),
    *("cache", "lru_cache", "functools.cache", "functools.lru_cache", "torch.no_grad", "torch.inference_mode"),
    *("torch.compile", "torch.compiler.disable", "torch._dynamo.disable"),
}


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A simple statement, or the head of a compound one (`if x:`), with its nesting depth."""

    depth: int
    text: bytes
    simple: bool  # has no body, so other statements may follow on the same line


@dataclass(frozen=True, slots=True)
class Policy:
    """What is kept although it is not executed."""

    annotations: bool
    docstrings: bool


def policy_of(text: bytes) -> Policy:
    """Return what to keep in `text` because the program may read it."""
    return Policy(
        annotations=any(word in text for word in _READS_ANNOTATIONS),
        docstrings=any(word in text for word in _READS_DOCSTRINGS),
    )


def lines_of(text: bytes, name: str) -> list[CodeLine] | None:
    """Return the statements of a source, or None if it uses syntax that the grammar lacks.

    Raises UsageError, with `name`, if the source is not valid Python or is nested too deep.
    """
    tree = syntax.parse(text)
    if problem := syntax.encoding_problem(text):
        raise UsageError(f"{name}:1: {problem}")
    if syntax.is_too_deep(tree):
        raise UsageError(f"{name}: nested over {syntax.MAX_DEPTH} deep, or over {syntax.MAX_NODES:,} nodes: not packed")
    if (line := syntax.error_line(tree, text)) is not None:
        raise UsageError(f"{name}:{line}: not valid Python (up to 3.14)")
    if tree.root_node.has_error:
        return None  # valid, but not in this grammar: `return *(x for x in y), z`
    writer = _Writer(policy_of(text))
    writer.statements(tree.root_node, 0, in_class=False)
    return writer.lines


def joined(lines: Sequence[CodeLine], indent: bytes, *, one_line: bool) -> bytes:
    """Return the source of `lines`. With `one_line`, simple statements share a line, also with the head before them."""
    parts: list[bytes] = []
    for i, line in enumerate(lines):
        before = lines[i - 1] if i else None
        if one_line and before and line.simple and before.simple and before.depth == line.depth:
            parts += [b";", line.text]
        elif one_line and before and not before.simple and _body_is_simple(lines, i):
            parts.append(line.text)
        else:
            parts += [b"\n" if parts else b"", indent * line.depth, line.text]
    return b"".join(parts) + b"\n"


def _body_is_simple(lines: Sequence[CodeLine], start: int) -> bool:
    """Whether the body that starts at `start` has only simple statements and belongs to the line before it."""
    depth = lines[start].depth
    if depth != lines[start - 1].depth + 1:
        return False
    for line in lines[start:]:
        if line.depth < depth:
            break
        if not line.simple:
            return False
    return True


class _Writer:
    """Collects the lines of a tree. Recursion is as deep as the tree, whose depth is limited."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.lines: list[CodeLine] = []
        self._tokens: list[bytes] = []

    def statements(self, body: "Node", depth: int, *, in_class: bool) -> None:
        """Write the statements of a body; a body with only a docstring becomes `0`."""
        count = len(self.lines)
        for node in body.children:
            if node.type in _SKIPPED or (is_docstring(node) and not self.policy.docstrings):
                continue
            self._walk(node, depth, in_class=in_class, keeps=self.policy.annotations)
            self._flush(depth, simple=node.type not in _COMPOUND)
        if len(self.lines) == count and depth:
            self.lines.append(CodeLine(depth, b"0", simple=True))

    def _walk(self, node: "Node", depth: int, *, in_class: bool, keeps: bool) -> None:
        """Add the tokens of a node; a body inside it starts new lines. `keeps`: keep annotations."""
        kind = node.type
        if kind in _SKIPPED:
            return
        if kind == "block":
            self._flush(depth, simple=False)
            owner = node.parent.type if node.parent else ""
            in_class = owner == "class_definition" or (in_class and owner != "function_definition")
            self.statements(node, depth + 1, in_class=in_class)
            return
        if kind == "string" or not node.children:
            self._tokens.append(node.text or b"")
            return
        if kind == "decorated_definition":
            keeps = keeps or any(decorator_name(child) not in BLIND_DECORATORS for child in decorators_of(node))
        for child in node.children if keeps else unannotated(node, in_class=in_class):
            self._walk(child, depth, in_class=in_class, keeps=keeps)
            if child.type == "decorator":
                self._flush(depth, simple=False)

    def _flush(self, depth: int, *, simple: bool) -> None:
        """End the current line, unless it is empty."""
        if self._tokens:
            self.lines.append(CodeLine(depth, spaced(self._tokens), simple))
            self._tokens = []


def unannotated(node: "Node", *, in_class: bool) -> Iterator["Node"]:
    """Yield the children of a node without annotations.

    Two kinds are kept: in a class an annotation may define a field of a dataclass, and a bare `x: int` makes x local.
    """
    kind = node.type
    has_value = any(child.type == "=" for child in node.children)
    is_typed = kind in ("typed_parameter", "typed_default_parameter") or (
        kind == "assignment" and has_value and not in_class
    )
    for child in node.children:
        if is_typed and child.type in (":", "type"):
            continue
        if kind == "function_definition" and child.type in ("->", "type"):
            continue
        yield child


def spaced(tokens: list[bytes]) -> bytes:
    """Join tokens, with a space only between two that would otherwise merge."""
    parts = tokens[:1]
    for before, token in pairwise(tokens):
        words = _is_wordy(before[-1]) and _is_wordy(token[0])
        number = before[:1].isdigit() and token[:1] == b"."
        parts += [b" ", token] if words or number else [token]
    return b"".join(parts)


def _is_wordy(byte: int) -> bool:
    return byte >= 128 or byte == ord("_") or chr(byte).isalnum()


def is_docstring(node: "Node") -> bool:
    """Whether a node is a statement that consists of a string."""
    return node.type == "expression_statement" and node.child_count == 1 and node.children[0].type == "string"


def decorators_of(node: "Node") -> list["Node"]:
    """Return the decorators of a decorated definition."""
    return [child for child in node.children if child.type == "decorator"]


def decorator_name(node: "Node") -> str:
    """Return the name of a decorator without its arguments: `torch.compile` of `@torch.compile(dynamic=False)`."""
    named = next((child for child in node.named_children if child.type != "comment"), None)
    if named is not None and named.type == "call":
        named = named.child_by_field_name("function")
    return (named.text or b"").decode("utf-8", "replace") if named is not None else ""
