"""Whether a record ships the model that is evaluated here: definitions compared as syntax trees, never executed.

What is compared are the top-level definitions of the model and of the evaluation, methods each by itself, without
comments, docstrings, annotations and layout. Where they differ, a score that is missed says nothing about the claim.
"""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import golfcheck.reference.bpb
import golfcheck.reference.model
from golfcheck.rescore import contest
from golfcheck.source import syntax
from golfcheck.source.reach import Source

_MAX_BYTES = 512 << 10  # of one source for Python's own parser; our model has 9 KB
_SHOWN = 6


def difference(sources: Sequence[Source]) -> str | None:
    """Return how the model and the evaluation in a record's sources differ from ours; None where they do not.

    A record that ships no source has none that differs, nor has one whose script is the contest's own. Ours are looked
    for in files of the same name, else in all; a definition that several files have counts where all agree.
    """
    if not sources or contest.is_unmodified(sources):
        return None
    known, differ, count = 0, list[str](), 0
    for module in (golfcheck.reference.model, golfcheck.reference.bpb):
        path = Path(module.__file__ or "")
        named = [source for source in sources if PurePosixPath(source.path).name == path.name]
        found: dict[str, set[str]] = {}
        for source in named or sources:
            for name, form in _definitions(source.unwrapped or source.text):
                found.setdefault(name, set()).add(form)
        for name, form in _definitions(path.read_bytes()):
            count += 1
            known += name in found
            if found.get(name) != {form}:
                differ.append(name)
    if not differ:
        return None
    if not known:
        return f"{sources[0].path} has a model of its own: none of the {count} definitions that are evaluated here"
    names = ", ".join(differ[:_SHOWN]) + (f" and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else "")
    return f"{len(differ)} of the {count} definitions that are evaluated here are other or missing: {names}"


def _definitions(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield the dotted name and the normal form of every definition; nothing of what is no readable Python."""
    if len(text) > _MAX_BYTES or syntax.encoding_problem(text) or syntax.is_too_deep(syntax.parse(text)):
        return
    try:
        for node in ast.parse(text).body:
            yield from _forms(node, "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def _forms(node: ast.stmt, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        name = f"{prefix}{node.name}"
        for child in node.body:
            yield from _forms(child, f"{name}.")
        bare = ast.ClassDef(node.name, node.bases, node.keywords, [], node.decorator_list)
        yield name, ast.dump(bare)
    elif isinstance(node, ast.FunctionDef):
        yield f"{prefix}{node.name}", ast.dump(_plain(node))
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None and isinstance(targets[0], ast.Name):
            yield f"{prefix}{targets[0].id}", ast.dump(node.value)


def _plain(function: ast.FunctionDef) -> ast.FunctionDef:
    """Strip annotations and docstrings, in place."""
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:]
    return function
