"""The contest's own architecture recognized: whether a record's script is an unmodified one of the contest's.

Such a script computes what is evaluated here, though not by our code: the golden scores show it. Who ships it unchanged
cannot say that a missed claim is about another model. It is known by one digest of its definitions, not by its code.
The defaults of its settings may be other: learning rates and the like only train.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from golfcheck.source import syntax
from golfcheck.source.reach import Source

# Of the root script `train_gpt.py` since the contest's first day, of its baseline's and of Seq4096's, which differ in
# comments and in defaults of training alone.
DIGESTS = frozenset({"5e0670800cd7c623ff76dda9f9f863dbcdd22cd248c620adf87dcde1941067e2"})
_SETTINGS = "Hyperparameters"
_OF_THE_SCORE = {"rope_base", "logit_softcap"}  # settings that neither tensors nor every log tell
_MAX_BYTES = 512 << 10
# Not part of what is computed: where a node stands, what is empty, and what only some versions of Python have.
_SKIPPED = {"ctx", "kind", "type_comment", "type_params", "annotation", "returns"}


def is_unmodified(sources: Sequence[Source]) -> bool:
    """Tell whether a record's main script is one of the contest's, but for comments, layout and training's defaults."""
    scripts = [source for source in sources if source.main]
    return len(scripts) == 1 and digest(scripts[0].unwrapped or scripts[0].text) in DIGESTS


def digest(text: bytes) -> str | None:
    """Return the sha256 of a script's definitions in normal form; None for what is no readable Python."""
    if len(text) > _MAX_BYTES or syntax.encoding_problem(text) or syntax.is_too_deep(syntax.parse(text)):
        return None
    try:
        statements = ast.parse(text).body
        forms = [form for statement in statements for form in _forms(statement)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return hashlib.sha256("\n".join(forms).encode(errors="surrogatepass")).hexdigest()


def _forms(statement: ast.stmt) -> Iterator[str]:
    """Yield the normal form of a top-level statement; of the settings only those that a score depends on."""
    if isinstance(statement, ast.ClassDef) and statement.name == _SETTINGS:
        for child in statement.body:
            targets = child.targets if isinstance(child, ast.Assign) else [getattr(child, "target", None)]
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            if not isinstance(child, ast.Assign | ast.AnnAssign) or names & _OF_THE_SCORE or len(names) != len(targets):
                yield _normal(child)
    elif not _is_docstring(statement):
        yield _normal(statement)


def _normal(value: Any) -> str:
    """Return a syntax tree as text that is the same for every version of Python, without docstrings and annotations."""
    if isinstance(value, ast.AST):
        fields = [
            f"{name}={_normal(child)}"
            for name, child in ast.iter_fields(value)
            if name not in _SKIPPED and child is not None and child != []
        ]
        return f"{type(value).__name__}({','.join(fields)})"
    if isinstance(value, list):
        return f"[{','.join(_normal(child) for child in value if not _is_docstring(child))}]"
    return repr(value)


def _is_docstring(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
