"""Convert Python source to the definitions that a score depends on, each in normal form: equal text, equal result.

Comments, annotations, layout, the names of arguments, locals and imports, and everything that `simplify` drops make no
difference. Definitions that an evaluation cannot reach are left out. Nothing is executed.
"""

import ast
import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from golfcheck.rescore import simplify
from golfcheck.source import syntax
from golfcheck.source.pythonast import parsed

Forms = dict[str, str]

MAX_BYTES = 512 << 10  # of one source for Python's own parser; our model has 12 KB
# Names under which a module's statements outside definitions are listed, and its `if __name__ == "__main__"` block.
TOP, MAIN = "the top level", "the main program"
_SKIPPED = {"ctx", "kind", "type_comment", "type_params", "annotation", "returns", "simple"}


def definitions(text: bytes) -> Forms:
    """Return the normal form of every definition by its dotted name; {} for text that is not valid Python."""
    if len(text) > MAX_BYTES or syntax.encoding_problem(text) or syntax.is_too_deep(syntax.parse(text)):
        return {}
    try:
        tree = parsed(text)
        imports = _imports(tree)
        forms: Forms = {}
        for name, form in _forms(simplify.block(tree.body), "", imports):
            forms[name] = f"{forms[name]};{form}" if name.endswith(TOP) and name in forms else form
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return forms


def reached(forms: Forms, roots: Collection[str], without: Collection[str] = ()) -> Forms:
    """Return the definitions reachable from `roots`, except those in `without` and everything inside them."""
    names = {name for name in forms if name not in without and name.partition(".")[0] not in without}
    out = {name for name in names if name in roots}
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


def digest(forms: Forms) -> str:
    """Return the sha256 of definitions in normal form, as `reached` returns them."""
    lines = [f"{name}={form}" for name, form in sorted(forms.items())]
    return hashlib.sha256("\n".join(lines).encode(errors="surrogatepass")).hexdigest()


def _is_field(name: str, form: str) -> bool:
    return name.startswith("__") or not form.startswith("def ")


def _words(form: str) -> set[str]:
    """Return the words in a normal form, which include every name that it refers to."""
    return set("".join(c if c.isalnum() or c == "_" else " " for c in form).split())


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return the full name of each imported name, such as `torch.nn.functional` for `F`."""
    out: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            out |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            out |= {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
    return out


def _forms(statements: list[ast.stmt], prefix: str, imports: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for node in statements:
        if isinstance(node, ast.ClassDef):
            name = f"{prefix}{node.name}"
            yield from _forms(node.body, f"{name}.", imports)
            yield (
                name,
                f"class {[_text(part, imports) for part in (*node.bases, *node.keywords, *node.decorator_list)]}",
            )
        elif isinstance(node, ast.FunctionDef):
            yield f"{prefix}{node.name}", f"def {_function(node, imports)}"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield f"{prefix}{node.targets[0].id}", _text(node.value, imports)
        else:
            yield f"{prefix}{MAIN if _is_main(node) else TOP}", _text(node, imports)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(isinstance(c, ast.Name) and c.id == "__name__" for c in ast.walk(node.test))


def _function(node: ast.FunctionDef, imports: Mapping[str, str]) -> str:
    node = simplify.function(node)
    names: dict[str, str] = {}
    free = {name for child in ast.walk(node) if isinstance(child, ast.Global | ast.Nonlocal) for name in child.names}
    for child in ast.walk(node):  # numbered in the order of the tree, so that their names do not matter
        name = None
        if isinstance(child, ast.arg):
            name = child.arg
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            name = child.id
        if name is not None and name not in free:
            names.setdefault(name, f"_{len(names)}")
    parts = (node.args, node.body, node.decorator_list)
    return " ".join(_text(part, {**imports, **names}) for part in parts)


def _text(value: Any, names: Mapping[str, str]) -> str:
    """Return a syntax tree as text that is the same in every version of Python."""
    if isinstance(value, ast.expr) and (number := simplify.number(value)) is not None:
        return repr(number)
    if isinstance(value, ast.Name):
        return names.get(value.id, value.id)
    if isinstance(value, ast.arg):
        return names.get(value.arg, value.arg)
    if isinstance(value, ast.Attribute):
        return f"{_text(value.value, names)}.{value.attr}"
    if isinstance(value, ast.AST):
        fields = [
            f"{name}={_text(child, names)}"
            for name, child in ast.iter_fields(value)
            if name not in _SKIPPED and child is not None and child != []
        ]
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return f"[{','.join(_text(child, names) for child in value)}]"
    return repr(value)
