"""Pair the sources of two records, and choose the form in which they are compared."""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from golfcheck.source import syntax
from golfcheck.source.pythonast import parsed
from golfcheck.source.reach import Source

_ALIKE = 0.25  # similarity from which a renamed file counts as the same one
_UNRELATED = 0.15  # share of words that scripts which train any model have in common
_WORD = re.compile(rb"[A-Za-z_]{3,40}")
_FEW = 0.5  # share of common lines below which different layouts may hide what two sources have in common
_MAX_TREE_BYTES = 512 * 2**10
_MAX_RENAMED = 32  # sources of a record that are compared with all of the other; more are paired by their paths alone

Pair = tuple[Source | None, Source | None]


def pairs(ours: Sequence[Source], theirs: Sequence[Source]) -> list[Pair]:
    """Return the pairs to compare, in the order of `ours`; a source without a partner stands alone.

    Files with the same path belong together, unless other ones are far more alike: a script that only starts
    `train_gpt_decode.py` should not be compared with the other record's `train_gpt.py`.
    """
    left, right = ([_parts(source) for source in sources[:_MAX_RENAMED]] for sources in (ours, theirs))
    likeness = {
        (i, j): _likeness(one, other) + (0.2 if _same_place(ours[i], theirs[j]) else 0.0)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
    }
    index_of = {source.path: j for j, source in enumerate(theirs)}
    rest = {(i, index_of[one.path]): 0.0 for i, one in enumerate(ours) if one.path in index_of}
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for (i, j), share in sorted((rest | likeness).items(), key=lambda item: (-item[1], item[0])):
        if i not in partner and j not in taken and (share >= _ALIKE or _same_place(ours[i], theirs[j])):
            partner[i] = j
            taken.add(j)
    matched: list[Pair] = [(one, theirs[partner[i]] if i in partner else None) for i, one in enumerate(ours)]
    return matched + [(None, other) for j, other in enumerate(theirs) if j not in taken]


def _same_place(one: Source, other: Source) -> bool:
    return one.path == other.path or (one.main and other.main)


def text_of(source: Source) -> bytes:
    """Return what a source runs: what it unpacks, or its own text."""
    return source.text if source.unwrapped is None else source.unwrapped


def comparable(first: bytes, second: bytes) -> tuple[bytes, bytes, bool]:
    """Return the forms in which two sources are compared, and whether these are their syntax trees written out.

    Minified and formatted code have few lines in common even if they do the same, so their trees are compared.
    """
    share = _shared(first, second)
    if share < _FEW:
        one, other = laid_out(first), laid_out(second)
        if one is not None and other is not None and _shared(one, other) >= share + _ALIKE:
            return one, other, True
    return first, second, False


def laid_out(text: bytes) -> bytes | None:
    """Return a source as its syntax tree written out, one statement per line; None if this Python cannot read it.

    Docstrings and annotations, which minifiers remove, are left out, except those that a compiled kernel needs.
    """
    if len(text) > _MAX_TREE_BYTES or syntax.is_too_deep(syntax.parse(text)):
        return None
    try:
        return ast.unparse(_Bare().visit(parsed(text))).encode("utf-8", "replace")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _Bare(ast.NodeTransformer):
    """Removes what minifiers remove: docstrings, the `0` in their place, and annotations that change nothing."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Remove a statement that is only a string or a number."""
        is_idle = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str | int)
        return None if is_idle else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """Remove the annotations of a function, unless it is compiled: the compiler reads `BLOCK: tl.constexpr`."""
        if not any("jit" in ast.unparse(decorator) for decorator in node.decorator_list):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Keep the annotations of a class's own statements: they are the fields of a dataclass."""
        body = [statement if isinstance(statement, ast.AnnAssign) else self.visit(statement) for statement in node.body]
        node.body = [statement for statement in body if statement is not None]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Write `x: int = 3` as `x = 3`."""
        return node if node.value is None else ast.Assign([node.target], node.value, lineno=0)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The words and the lines of a source, with how often each line occurs."""

    words: frozenset[bytes]
    lines: Counter[bytes]


def _parts(source: Source) -> _Parts:
    text = text_of(source)
    return _Parts(frozenset(_WORD.findall(text)), _lines_of(text))


def _likeness(one: _Parts, other: _Parts) -> float:
    """Return the share of lines that two sources have in common, or of words, which do not depend on the layout."""
    by_words = len(one.words & other.words) / max(1, len(one.words | other.words)) - _UNRELATED
    return max(_share(one.lines, other.lines), by_words)


def _shared(one: bytes, other: bytes) -> float:
    """Return the share of the longer text's lines that two texts have in common."""
    return _share(_lines_of(one), _lines_of(other))


def _lines_of(text: bytes) -> Counter[bytes]:
    return Counter(filter(None, map(bytes.strip, text.splitlines())))


def _share(first: Counter[bytes], second: Counter[bytes]) -> float:
    longer = max(first.total(), second.total())
    return (first & second).total() / longer if longer else 0.0
