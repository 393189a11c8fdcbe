"""Check that two sources are the same program, which `golfcheck pack` guarantees.

Compares the tokens of both tree-sitter trees, including where bodies begin and end. If this Python can parse the
source, also compares the syntax trees of its own parser. Docstrings and annotations that the Policy drops are ignored.
"""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from golfcheck.source import syntax
from golfcheck.source.minify import BLIND_DECORATORS as BLIND
from golfcheck.source.minify import Policy, decorator_name, decorators_of, is_docstring, policy_of, unannotated
from golfcheck.source.pythonast import parsed

if TYPE_CHECKING:
    from tree_sitter import Node

_SKIPPED = {"comment", "line_continuation", ";"}


def difference(source: bytes, packed: bytes) -> str:
    """Return a short description of how the two programs differ; "" if they are the same."""
    policy = policy_of(source)
    ours, theirs = (list(_tokens(syntax.parse(text).root_node, policy)) for text in (source, packed))
    for i, (token, other) in enumerate(zip(ours, theirs, strict=False)):
        if token != other:
            return f"token {i:,} is {other.decode(errors='replace')!r} instead of {token.decode(errors='replace')!r}"
    if len(ours) != len(theirs):
        return f"{len(theirs):,} tokens instead of {len(ours):,}"
    try:
        before, after = (ast.dump(_Stripper(policy).visit(parsed(text))) for text in (source, packed))
    except SyntaxError:
        return ""  # for another version of Python: comparing the tokens must do
    except (RecursionError, MemoryError, ValueError):
        return "nested too deep to compare"
    return "" if before == after else "a different syntax tree"


def _tokens(node: "Node", policy: Policy, *, in_class: bool = False, keeps: bool = False) -> Iterator[bytes]:
    """Yield the tokens below a node, with `{` and `}` around bodies, `;` after statements, and whole strings."""
    kind = node.type
    if kind in _SKIPPED:
        return
    is_body = kind in ("block", "module")
    if kind == "string" or not (node.children or is_body):
        yield node.text or b""
        return
    keeps = policy.annotations or (keeps and not is_body)  # a decorator sees the signature, not the body
    if kind == "decorated_definition":
        keeps = keeps or any(decorator_name(child) not in BLIND for child in decorators_of(node))
    if kind == "block":
        owner = node.parent.type if node.parent else ""
        in_class = owner == "class_definition" or (in_class and owner != "function_definition")
        yield b"{"
    is_empty = True
    for child in node.children if keeps or is_body else unannotated(node, in_class=in_class):
        if is_body and (child.type in _SKIPPED or (is_docstring(child) and not policy.docstrings)):
            continue
        is_empty = False
        yield from _tokens(child, policy, in_class=in_class, keeps=keeps)
        if is_body:
            yield b";"
    if kind == "block":
        if is_empty:
            yield from (b"0", b";")
        yield b"}"


class _Stripper(ast.NodeTransformer):
    """Removes docstrings and annotations from a syntax tree, by the same policy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._in_class = False

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit the children, and remove statements that consist of a string."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and body and not self.policy.docstrings:
                rest: list[Any] = [statement for statement in body if not _is_text(statement)]
                empty = [] if isinstance(node, ast.Module) else [ast.Expr(ast.Constant(0))]
                setattr(node, name, rest or empty)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Visit a class, and keep the annotations of its fields."""
        return self._inside(node, in_class=True)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """Visit a function, and remove its annotations unless a decorator may read them."""
        if not self.policy.annotations and _is_blind(node.decorator_list):
            node.returns = None
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg)
            for argument in every:
                if argument is not None:
                    argument.annotation = None
        return self._inside(node, in_class=False)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Visit `x: int = 3`, which outside a class becomes `x = 3`."""
        self.generic_visit(node)
        if self.policy.annotations or self._in_class or node.value is None:
            return node
        return ast.Assign([node.target], node.value, lineno=0)

    def _inside(self, node: ast.AST, *, in_class: bool) -> ast.AST:
        before, self._in_class = self._in_class, in_class
        try:
            return self.generic_visit(node)
        finally:
            self._in_class = before


def _is_blind(decorators: list[ast.expr]) -> bool:
    """Whether all decorators ignore annotations."""
    names = (decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators)
    return all(ast.unparse(name) in BLIND for name in names)


def _is_text(statement: ast.AST) -> bool:
    """Whether a statement consists of one string literal."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
