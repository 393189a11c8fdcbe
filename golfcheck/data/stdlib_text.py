"""English text that comes with Python: the topics of the language reference, and the standard library's docstrings.

About 2 MB, enough for a demonstration without a download. Modules are read as text, never imported.
"""

import ast
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path

# Third-party packages, tests, and tables without prose.
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "encodings", "lib2to3", "turtledemo"}


def documents() -> list[str]:
    """Return one document per topic and per module, in a fixed order; no docstring occurs twice."""
    from pydoc_data.topics import topics  # deferred: half a megabyte of text

    texts = [topics[name].strip() for name in sorted(topics)]
    folder = Path(ast.__file__).parent
    seen: set[str] = set()
    for path in sorted(folder.rglob("*.py")):
        if _LEFT_OUT.isdisjoint(path.relative_to(folder).parts):
            fresh = [text for text in dict.fromkeys(_docstrings(path)) if text not in seen]
            seen.update(fresh)
            texts.append("\n\n".join(fresh))
    return [text for text in dict.fromkeys(texts) if text]  # some topics occur twice


def _docstrings(path: Path) -> Iterator[str]:
    """Yield the docstrings of a source file in order; none if this version of Python cannot parse it."""
    try:
        source = path.read_bytes()
        with warnings.catch_warnings(action="ignore"):  # about invalid escapes
            tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return
    pending: list[ast.stmt | ast.Module] = [tree]
    while pending:
        node = pending.pop()
        body = getattr(node, "body", [])
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = body[0] if body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                text = inspect.cleandoc(first.value.value).strip()
                if text:
                    yield text
        pending += reversed(body)
