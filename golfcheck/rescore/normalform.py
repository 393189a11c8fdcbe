"""Python source → the definitions that a score depends on, each as a text that is equal where they compute the same.

Comments, docstrings, annotations, layout, the names of arguments and local variables, how constants are spelled
(`2.0 ** -23 + 0.0`), parallel assignments and what only initializes weights make no difference. What no evaluation
reaches is left out. Nothing is executed.
"""

import ast
import hashlib
import operator
from collections.abc import Iterator
from typing import Any

from golfcheck.source import syntax

MAX_BYTES = 512 << 10  # of one source for Python's own parser; our model has 12 KB
# Where an evaluation begins, and what of it only trains.
ROOTS = (
    *("GPT", "GPTConfig", "ByteTable", "ByteTable.count", "ByteTable.from_tokenizer", "ByteTable.load"),
    *("Score", "Score.val_bpb", "evaluate"),
)
_TRAINING = {"_Causal", "_Loss", "QUERY_BLOCK", "MOST_SCORES", "LOSS_TOKENS", "FLASH"}
_TRAINING |= {"GPTConfig.qk_gain_init", "GPTConfig.tied_embed_init_std", "GPTConfig.__post_init__"}
_INITIALIZES = ("nn.init.", "torch.nn.init.")
_SKIPPED = {"ctx", "kind", "type_comment", "type_params", "annotation", "returns", "simple"}
_ARITHMETIC: dict[type[ast.AST], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos,
}  # fmt: skip
_MOST = 1e9  # of a number that is raised to a power, or an exponent times 1e6


def definitions(text: bytes) -> dict[str, str]:
    """Return the normal form of every definition by its dotted name; none of what is no readable Python."""
    if len(text) > MAX_BYTES or syntax.encoding_problem(text) or syntax.is_too_deep(syntax.parse(text)):
        return {}
    try:
        return {name: form for node in ast.parse(text).body for name, form in _forms(node, "")}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def reached(forms: dict[str, str]) -> dict[str, str]:
    """Return the definitions that an evaluation reaches from `ROOTS`, without those that only train."""
    names = {name for name in forms if name.partition(".")[0] not in _TRAINING and name not in _TRAINING}
    out = {name for name in names if name in ROOTS}
    while True:
        words = {word for name in out for word in _words(forms[name])}
        more = {
            name
            for name in names - out
            for outer, _, inner in [name.rpartition(".")]
            if (not outer and name in words)
            or (outer in out and (inner in words or inner == "forward" or _is_field(inner, forms[name])))
        }
        if not more:
            return {name: forms[name] for name in sorted(out)}
        out |= more


def _is_field(name: str, form: str) -> bool:
    return name.startswith("__") or not form.startswith("def ")


def _words(form: str) -> set[str]:
    """Return the names that a normal form speaks of."""
    return set("".join(c if c.isalnum() or c == "_" else " " for c in form).split())


def _forms(node: ast.stmt, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        name = f"{prefix}{node.name}"
        for child in node.body:
            yield from _forms(child, f"{name}.")
        yield name, f"class {[_text(part, {}) for part in (*node.bases, *node.keywords, *node.decorator_list)]}"
    elif isinstance(node, ast.FunctionDef):
        yield f"{prefix}{node.name}", f"def {_function(node)}"
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target, value in _assigned(node):
            if isinstance(target, ast.Name):
                yield f"{prefix}{target.id}", "none" if value is None else _text(value, {})


def _function(node: ast.FunctionDef) -> str:
    names: dict[str, str] = {}
    free = {name for child in ast.walk(node) if isinstance(child, ast.Global | ast.Nonlocal) for name in child.names}
    for child in ast.walk(node):  # in the order of the tree, whatever they are called
        name = None
        if isinstance(child, ast.arg):
            name = child.arg
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            name = child.id
        if name is not None and name not in free:
            names.setdefault(name, f"_{len(names)}")
    parts = (node.args, _body(node.body), node.decorator_list)
    return " ".join(_text(part, names) for part in parts)


def _body(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements without docstrings and initializations, and with an assignment for each name."""
    out: list[ast.stmt] = []
    for node in statements:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _initializes(node.value):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign):
            out += [ast.Assign([target], value) for target, value in _assigned(node) if value is not None]
        else:
            out.append(node)
    return out


def _assigned(node: ast.Assign | ast.AnnAssign) -> list[tuple[ast.expr, ast.expr | None]]:
    """Return what an assignment gives to each of its targets, one by one where the order does not matter."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not isinstance(node.value, ast.Tuple) or not isinstance(targets[0], ast.Tuple):
        return [(target, node.value) for target in targets]
    pairs = list(zip(targets[0].elts, node.value.elts, strict=False))
    is_plain = len(targets[0].elts) == len(node.value.elts) and all(isinstance(left, ast.Name) for left, _ in pairs)
    given = {left.id for left, _ in pairs if isinstance(left, ast.Name)}
    used = {name.id for _, right in pairs for name in ast.walk(right) if isinstance(name, ast.Name)}
    return [*pairs] if is_plain and not given & used else [(targets[0], node.value)]


def _initializes(call: ast.Call) -> bool:
    try:
        return ast.unparse(call.func).startswith(_INITIALIZES)
    except (ValueError, RecursionError):
        return False


def _text(value: Any, names: dict[str, str]) -> str:
    """Return a syntax tree as a text that is the same for every version of Python."""
    if isinstance(value, ast.expr) and (number := _number(value)) is not None:
        return repr(number)
    if isinstance(value, ast.Name):
        return names.get(value.id, value.id)
    if isinstance(value, ast.arg):
        return names.get(value.arg, value.arg)
    if isinstance(value, ast.AST):
        fields = [
            f"{name}={_text(_body(child) if name in ('body', 'orelse') and isinstance(child, list) else child, names)}"
            for name, child in ast.iter_fields(value)
            if name not in _SKIPPED and child is not None and child != []
        ]
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return f"[{','.join(_text(child, names) for child in value)}]"
    return repr(value)


def _number(node: ast.expr) -> float | None:
    """Return the number that an expression of constants is, as a float where it has no other digits."""
    if isinstance(node, ast.Constant):
        is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return float(node.value) if is_number and abs(node.value) < _MOST else None  # type: ignore[arg-type]
    operands = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    operands = [node.operand] if isinstance(node, ast.UnaryOp) else operands
    apply = _ARITHMETIC.get(type(node.op)) if isinstance(node, ast.BinOp | ast.UnaryOp) else None
    numbers = [_number(operand) for operand in operands]
    if apply is None or not numbers or None in numbers:
        return None
    try:
        result = apply(*numbers)
    except (ArithmeticError, ValueError):
        return None
    return float(result) if isinstance(result, float) and abs(result) < _MOST else None


def digest(forms: dict[str, str]) -> str:
    """Return the sha256 of definitions in normal form, as `reached` returns them."""
    lines = [f"{name}={form}" for name, form in sorted(forms.items())]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogatepass")).hexdigest()
