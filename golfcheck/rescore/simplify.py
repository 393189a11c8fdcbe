"""Simplify a function's syntax tree, dropping everything that does not affect its result. Nothing is executed.

Dropped: docstrings, logging, assertions, imports, unreachable branches, unused locals and inner functions, and weight
initialization. Normalized: constant arithmetic (`2.0 ** -23 + 0.0`), operations without effect (`x * 1.0`), parallel
assignments, the order of keyword arguments, and an `else` after a `return`. This is meant for honest code: a side
effect hidden in a logging call is dropped with it.
"""

import ast
import operator
from collections.abc import Sequence
from typing import Any, cast

Statements = list[ast.stmt]

_INITIALIZES = ("nn.init.", "torch.nn.init.", "init.")
_LOGS = {"print", "log", "log0", "say", "warn"}
_LOGGERS = {"log", "logger", "logging", "warnings", "wandb", "console", "tqdm", "writer"}
_STREAMS = ("sys.stdout.", "sys.stderr.")
# Functions without side effects.
_PURE = {"abs", "bool", "float", "format", "int", "len", "max", "min", "range", "repr", "round", "str", "sum", "tuple"}
_CLOCKS = {"time.time", "time.perf_counter", "time.monotonic"}
_BLOCKS = ("body", "orelse", "finalbody")  # fields that hold a list of statements
_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_ARITHMETIC: dict[type[ast.AST], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
# The neutral right operand of each operator; it is neutral on the left as well for those in _COMMUTE.
_NEUTRAL: dict[type[ast.AST], float] = {ast.Add: 0.0, ast.Sub: 0.0, ast.Mult: 1.0, ast.Div: 1.0, ast.Pow: 1.0}
_COMMUTE = (ast.Add, ast.Mult)
_MOST = 1e9  # the largest number that is folded, so that no arithmetic takes much time or memory


def function(node: ast.FunctionDef) -> ast.FunctionDef:
    """Return a function in its simplest form, modified in place."""
    _Simpler().generic_visit(node)
    while _drop_unused(node):
        pass
    return node


def block(statements: Sequence[ast.stmt]) -> Statements:
    """Return the statements of a class or a module in their simplest form, modified in place."""
    return _block([statement for child in statements for statement in _listed(_Simpler().visit(child))])


def expression(node: ast.expr) -> ast.expr:
    """Return an expression in its simplest form, modified in place."""
    return cast(ast.expr, _Simpler().visit(node))


def number(node: ast.AST | None) -> float | None:
    """Return the value of a constant numeric expression as a float; None for any other expression."""
    if isinstance(node, ast.Constant):
        is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return float(node.value) if is_number and abs(node.value) < _MOST else None  # type: ignore[arg-type]
    if not isinstance(node, ast.BinOp | ast.UnaryOp):
        return None
    operands = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.operand]
    apply, numbers = _ARITHMETIC.get(type(node.op)), [number(operand) for operand in operands]
    if apply is None or None in numbers:
        return None
    try:
        result = apply(*numbers)
    except (ArithmeticError, ValueError):
        return None
    return float(result) if isinstance(result, float) and abs(result) < _MOST else None


def assigned(node: ast.Assign | ast.AnnAssign) -> list[tuple[ast.expr, ast.expr | None]]:
    """Return (target, value) pairs; a tuple assignment is split where the order of assignment does not matter."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not isinstance(node.value, ast.Tuple) or not isinstance(targets[0], ast.Tuple):
        return [(target, node.value) for target in targets]
    pairs = list(zip(targets[0].elts, node.value.elts, strict=False))
    is_plain = len(targets[0].elts) == len(node.value.elts) and all(isinstance(left, ast.Name) for left, _ in pairs)
    written = {left.id for left, _ in pairs if isinstance(left, ast.Name)}
    read = {name.id for _, right in pairs for name in ast.walk(right) if isinstance(name, ast.Name)}
    return [*pairs] if is_plain and not written & read else [(targets[0], node.value)]


class _Simpler(ast.NodeTransformer):
    """Simplifies every block and every expression, children before their parents."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in _BLOCKS:
            if isinstance(statements := getattr(node, field, None), list):
                setattr(node, field, _block(statements))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        neutral = _NEUTRAL.get(type(node.op))
        if neutral is not None and number(node.right) == neutral:
            return node.left
        if neutral is not None and isinstance(node.op, _COMMUTE) and number(node.left) == neutral:
            return node.right
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if all(keyword.arg for keyword in node.keywords):  # not with **, which may repeat any name
            node.keywords.sort(key=lambda keyword: keyword.arg or "")
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        self.generic_visit(node)
        parts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        return ast.Constant("".join(map(str, parts))) if len(parts) == len(node.values) else node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        return ast.Return() if isinstance(node.value, ast.Constant) and node.value.value is None else node


def _listed(node: Any) -> Statements:
    return node if isinstance(node, list) else [node] if node is not None else []


def _block(statements: Sequence[ast.stmt]) -> Statements:
    """Return simplified statements without those that have no effect, up to the first that ends the block."""
    simplified: Statements = []
    for node in statements:
        if isinstance(node, ast.Pass | ast.Assert | ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and (_is_pure(node.value) or _logs_or_initializes(node.value)):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign):
            simplified += [ast.Assign([target], value) for target, value in assigned(node) if value is not None]
        elif isinstance(node, ast.If):
            simplified += _branches(node)
        elif isinstance(node, ast.While) and _truth(node.test) is False:
            simplified += node.orelse
        else:
            simplified.append(node)
        if simplified and isinstance(simplified[-1], _ENDS):
            break
    return simplified


def _branches(node: ast.If) -> Statements:
    """Return the statements that replace an `if`: one branch, none, or the `if` itself."""
    truth = _truth(node.test)
    if truth is not None:
        return node.body if truth else node.orelse
    if not node.body and not node.orelse and _is_pure(node.test):
        return []
    if node.body and isinstance(node.body[-1], _ENDS):  # an else is then the same as code after the if
        return [ast.If(node.test, node.body, []), *node.orelse]
    return [node]


def _truth(test: ast.expr) -> bool | None:
    """Return the value of a constant condition; None for any other condition."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return None if (truth := _truth(test.operand)) is None else not truth
    return bool(test.value) if isinstance(test, ast.Constant) else None


def _logs_or_initializes(node: ast.expr) -> bool:
    """Tell whether a call only logs, or initializes weights that the artifact replaces anyway."""
    if not isinstance(node, ast.Call) or not (name := _dotted(node.func)):
        return False
    if name.startswith(_INITIALIZES):
        return True
    root, _, attribute = name.partition(".")
    if not (name in _LOGS or (attribute and root in _LOGGERS) or name.startswith(_STREAMS)):
        return False
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    calls = [child for value in values for child in ast.walk(value) if isinstance(child, ast.Call)]
    is_named = any(isinstance(child, ast.NamedExpr) for value in values for child in ast.walk(value))
    return not is_named and all(not isinstance(call.func, ast.Name) or call.func.id in _PURE for call in calls)


def _is_pure(node: ast.expr) -> bool:
    """Tell whether evaluating an expression has no side effects."""
    for child in ast.walk(node):
        if isinstance(child, ast.NamedExpr | ast.Await | ast.Yield | ast.YieldFrom):
            return False
        if isinstance(child, ast.Call):
            name = _dotted(child.func)
            if name not in _CLOCKS and name not in _PURE:
                return False
    return True


def _dotted(node: ast.expr) -> str:
    """Return a dotted name such as `torch.nn.init`; "" for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (outer := _dotted(node.value)):
        return f"{outer}.{node.attr}"
    return ""


def _drop_unused(node: ast.FunctionDef) -> bool:
    """Drop a function's unused assignments and inner functions; tell whether there were any.

    Whatever only they read is unused afterwards, so callers repeat this until nothing is dropped.
    """
    names = [child for child in ast.walk(node) if isinstance(child, ast.Name)]
    read = {child.id for child in names if not isinstance(child.ctx, ast.Store)}
    for child in ast.walk(node):
        if isinstance(child, ast.Global | ast.Nonlocal):
            read.update(child.names)
        elif isinstance(child, ast.AugAssign) and isinstance(child.target, ast.Name):
            read.add(child.target.id)

    def is_unused(child: ast.stmt) -> bool:
        if isinstance(child, ast.FunctionDef):
            return child.name not in read and not child.decorator_list
        target = child.targets[0] if isinstance(child, ast.Assign) else None
        return isinstance(target, ast.Name) and target.id not in read and _is_pure(child.value)  # type: ignore[attr-defined]

    dropped = False
    for child in ast.walk(node):
        for field in _BLOCKS:
            if isinstance(statements := getattr(child, field, None), list):
                remaining = [statement for statement in statements if not is_unused(statement)]
                dropped |= len(remaining) < len(statements)
                setattr(child, field, remaining)
    return dropped
