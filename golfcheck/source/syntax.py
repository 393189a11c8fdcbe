"""Python source as a syntax tree, whatever Python wrote it: tree-sitter, so that Python 3.14 is read by Python 3.11.

Nothing here recurses: depth is bounded before anything walks a tree by more than a cursor.
"""

import ast
import re
from functools import cache, lru_cache
from time import thread_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

MAX_DEPTH = 500  # of the tree: 6 times the most in 3,339 library files
MAX_NODES = 400_000  # of the tree: 20 times what a script of 100 KB has
PARSE_SECONDS = 1.0  # of one source; a script of 140 KB takes 0.02
_CHUNK_BYTES = 64 * 2**10
_PART_BYTES = 256 * 2**10  # no real script is longer: each is parsed as a whole
_MAX_FALLBACK_BYTES = 512 * 2**10
_MAX_FALLBACK_BRACKETS = 100

_COOKIE = re.compile(rb"^[ \t\f]*#.{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_UTF8_NAMES = {"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "u8"}
_HIDDEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@cache
def _parser() -> "Parser":
    import tree_sitter_python  # a compiled grammar: only where source is read
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language()))


@lru_cache(maxsize=4)  # of one source several parts of golfcheck ask
def parse(text: bytes) -> "Tree":
    """Return the tree of a source text; a tree comes back for any bytes, with error nodes in it.

    A text that takes longer than PARSE_SECONDS (20,000 line continuations take 10 s), or whose tree has more than
    MAX_NODES, comes back as a tree that `is_too_deep`. A node takes 100 bytes or more, and 2 MiB of `+` have 2,000,000:
    a long text is parsed in growing parts first, so that its tree is never much larger than what is allowed.
    """
    parser = _parser()
    end = thread_time() + PARSE_SECONDS
    sizes = (*range(_PART_BYTES, len(text), _PART_BYTES), len(text))
    if not all(_is_small(parser, text, size, end) for size in sizes):
        return parser.parse(b"(" * MAX_DEPTH + b"x" + b")" * MAX_DEPTH)
    return parser.parse(text)


def _is_small(parser: "Parser", text: bytes, size: int, end: float) -> bool:
    """Whether the first `size` bytes are parsed before `end` (as thread_time), to a tree of MAX_NODES at most."""

    def piece(offset: int, _point: object) -> bytes:
        return text[offset : min(offset + _CHUNK_BYTES, size)]

    try:
        # Only a parse that reads through a function can be stopped; only one of bytes gives nodes a fast text.
        tree = parser.parse(piece, progress_callback=lambda _offset, _has_error: thread_time() > end)
    except ValueError:
        parser.reset()
        return False
    # Inside of one long token nobody asks whether to stop.
    return tree.root_node.descendant_count <= MAX_NODES and thread_time() <= end


def is_too_deep(tree: "Tree") -> bool:
    """Tell whether a tree is beyond MAX_DEPTH or MAX_NODES: then nothing but the text of the source may be used."""
    if tree.root_node.descendant_count > MAX_NODES:
        return True
    cursor = tree.walk()
    depth = 0
    while True:
        if cursor.goto_first_child():
            depth += 1
            if depth > MAX_DEPTH:
                return True
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
            depth -= 1


def error_line(tree: "Tree", text: bytes) -> int | None:
    """Return the line of the first mistake, None if the text is Python of any version up to 3.14.

    What the grammar does not know is left to Python's own parser, if the text is harmless for that one.
    """
    if not tree.root_node.has_error:
        return None
    node = _first_error(tree.root_node)
    if node is None or _python_accepts(text):
        return None
    return node.start_point.row + 1


def encoding_problem(text: bytes) -> str | None:
    """Say why the bytes are not UTF-8 source, None if they are."""
    for line in text.split(b"\n", 2)[:2]:
        if (match := _COOKIE.match(line)) and match[1].decode().lower().replace("_", "-") not in _UTF8_NAMES:
            return f"declares the encoding {match[1].decode()}: source must be UTF-8"
    if b"\0" in text:
        return "holds a NUL byte"
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return None


def hidden_characters(text: str) -> tuple[int, str] | None:
    """Return the line and the code point of the first character that makes text show in another order than it has."""
    match = _HIDDEN.search(text)
    return (text.count("\n", 0, match.start()) + 1, f"U+{ord(match[0]):04X}") if match else None


def _first_error(node: "Node") -> "Node | None":
    """Find the first error; defaults of type parameters (Python 3.13) are none, though the grammar lacks them."""
    pending = [node]
    while pending:
        node = pending.pop()
        if node.is_error or node.is_missing:
            return node
        if node.type != "type_parameter":
            pending += [child for child in reversed(node.children) if child.has_error or child.is_missing]
    return None


def _python_accepts(text: bytes) -> bool:
    brackets = sum(text.count(bracket) for bracket in (b"(", b"[", b"{"))
    if len(text) > _MAX_FALLBACK_BYTES or brackets > _MAX_FALLBACK_BRACKETS * text.count(b"\n"):
        return False
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
