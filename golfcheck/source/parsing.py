"""The parser of Python source, its work counted instead of timed.

tree-sitter reports after each hundred operations, but not how long they took. Most take a fraction of a microsecond;
some go through every comment and every continued line before them. So a parse is counted twice: at the price of the
costliest operations that could stand there, by which it is stopped, and at the price that its tree shows afterwards.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from golfcheck.core.work import (
    PARSE_BYTE_US,
    PARSE_CALL_US,
    PARSE_ERROR_CALL_US,
    PARSE_ERROR_EXTRA_US,
    RUN_LINE_US,
    RUN_SPACE_US,
)

if TYPE_CHECKING:
    from tree_sitter import Language, Parser, Tree

MAX_PARSE_US = 2_500_000.0  # at the price of the costliest operations; 1,379 scripts of pull requests: up to 1.8 s
_CHUNK_BYTES = 4 * 2**10
_RUN = re.compile(rb"(?:(?:#[^\n]*|\\\r?)(?:\n|\Z)\s*)+")  # comments and continued lines with nothing between them
_MIN_RUN_BYTES = 100
_GIVEN_UP = b"(" * 501 + b"x" + b")" * 501  # deeper than golfcheck.source.syntax.MAX_DEPTH


@cache
def language() -> "Language":
    """Return the grammar of Python; it is compiled code, loaded only where source is read."""
    import tree_sitter_python
    from tree_sitter import Language

    return Language(tree_sitter_python.language())


@cache
def parser() -> "Parser":
    """Return the one parser of this process."""
    from tree_sitter import Parser

    return Parser(language())


class Parsing:
    """The parse of one text: its tree, or one that is too deep if parsing would take too much work."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.calls = 0  # reports of the parser, and its requests for text
        self.most_us = 0.0  # what the parse may have taken so far
        self._runs_us = 0.0
        self._extras = self._extras_end = 0  # comments and continued lines before that byte
        self._limit_us = -1.0
        self._result: tuple[Tree, float] | None = None

    def within(self, limit_us: float) -> "tuple[Tree, float]":
        """Return the tree and the price of the parse; an abandoned parse has a tree that is too deep, at the limit."""
        if self._result is None and limit_us > self._limit_us:
            self._limit_us = limit_us
            self._result = self._parsed()
        return self._result or (parser().parse(_GIVEN_UP), self._limit_us)

    def _parsed(self) -> "tuple[Tree, float] | None":
        self.calls = self._extras = self._extras_end = 0
        self.most_us = self._runs_us = runs_us(self.text)
        if self._is_over():
            return None
        try:
            tree = parser().parse(self._chunk, progress_callback=self._report)
        except ValueError:
            parser().reset()
            return None
        if tree.root_node.has_error:
            self.most_us *= 2  # nothing of it can be reused below
        if self._is_over():  # the text was truncated, or cannot be parsed again
            return None
        price_us = len(self.text) * PARSE_BYTE_US
        price_us += self.most_us if tree.root_node.has_error else self.calls * PARSE_CALL_US + self._runs_us
        return parser().parse(self.text, tree), price_us  # the nodes refer to these bytes

    def _chunk(self, position: int, _: object) -> bytearray:
        """Return the text at a position, in one buffer: the parser's binding never releases what it was given."""
        self.calls += 1
        self.most_us += PARSE_CALL_US
        _buffer[:] = b"" if self._is_over() else self.text[position : position + _CHUNK_BYTES]
        return _buffer

    def _report(self, position: int, _has_error: bool) -> bool:
        """Count a hundred operations of the parser; returns whether it has to stop."""
        if position > self._extras_end:
            piece = self.text[self._extras_end : position]
            self._extras += piece.count(b"#") + piece.count(b"\\\n") + piece.count(b"\\\r")
            self._extras_end = position
        self.calls += 1
        self.most_us += PARSE_ERROR_CALL_US + self._extras * PARSE_ERROR_EXTRA_US
        return self._is_over()

    def _is_over(self) -> bool:
        return self.most_us > self._limit_us


_buffer = bytearray()


def runs_us(text: bytes) -> float:
    """Return the price of consecutive comments and continued lines: the parser goes back over them."""
    price_us = 0.0
    for match in _RUN.finditer(text):
        if match.end() - match.start() > _MIN_RUN_BYTES:
            run = match[0]
            lines = run.count(b"\n") + 1
            spaces = (run.count(b" ") + run.count(b"\t")) / lines
            price_us += lines**2 * (RUN_LINE_US + spaces * RUN_SPACE_US)
    return price_us
