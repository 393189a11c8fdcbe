"""Python's own parser, for texts within limits."""

import ast
import warnings


def parsed(text: bytes | str) -> ast.Module:
    """Return the tree of a source, without warnings on stderr about invalid escapes and the like.

    Raises SyntaxError, ValueError, RecursionError or MemoryError.
    """
    with warnings.catch_warnings(action="ignore"):
        return ast.parse(text)
