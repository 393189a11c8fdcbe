"""Python source as a syntax tree, by tree-sitter, so that Python 3.11 can read the syntax of Python 3.14.

Nothing here recurses: depth is checked before anything but a cursor walks a tree.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING

from golfcheck.core.work import NODE_US
from golfcheck.source.nodes import MAX_NAME_BYTES, normalized
from golfcheck.source.parsing import MAX_PARSE_US, Parsing, language
from golfcheck.source.pythonast import parsed

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

MAX_DEPTH = 500  # of the tree: 6 times the maximum in 3,339 library files
MAX_NODES = 250_000  # of the tree: 5 times those of all scripts in the longest of 60 merged records, 46,933
MAX_ERROR_CHILDREN = 10_000  # a query takes time quadratic in the children of one error
_MAX_FALLBACK_BYTES = 512 * 2**10
_MAX_FALLBACK_BRACKETS = 100

_COOKIE = re.compile(rb"^[ \t\f]*#.{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
_UTF8_NAMES = {"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "u8"}
_HIDDEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# What the rest of this package needs from a tree, in one pass that runs in C. From @other on: all ways to bind a name
# other than imports and assignments. In patterns every identifier counts: one too many only makes a name unknown.
_QUERY = """
(import_statement) @import
(import_from_statement) @from
(function_definition) @function
(for_statement) @loop
(while_statement) @loop
(call) @call
(assignment) @assignment
(identifier) @name
(string) @string
(comment) @comment
(expression_statement . (string) .) @docstring
(augmented_assignment left: (identifier) @other)
(named_expression name: (identifier) @other)
(for_statement left: (_) @other)
(for_in_clause left: (_) @other)
(delete_statement (_) @other)
(case_pattern) @other
(with_item value: (as_pattern) @with)
(except_clause value: (as_pattern alias: (_) @other))
(parameters) @parameters
(lambda_parameters) @parameters
(global_statement (identifier) @global)
(nonlocal_statement (identifier) @global)
(function_definition) @scope
(class_definition) @scope
(lambda) @scope
"""


@cache
def _query() -> "Query":
    from tree_sitter import Query

    return Query(language(), _QUERY)


def parse(text: bytes) -> "Tree":
    """Return the tree of a source text; any bytes have a tree, with error nodes in it.

    For a text that is too much work for the parser (2 KB of `x += if x:` take it minutes), it is a tree that
    `is_too_deep`.
    """
    return _parsing(text).within(MAX_PARSE_US)[0]


def cost_us(text: bytes, left_us: float = MAX_PARSE_US) -> float:
    """Return the price of parsing a text and of all analyses of its tree, in microseconds (golfcheck.core.work).

    A text that may cost more than the rest of the budget is not parsed to its end, and its price is more than that.
    """
    tree, price_us = _parsing(text).within(min(left_us, MAX_PARSE_US))
    return price_us + tree.root_node.descendant_count * NODE_US


_parsing = lru_cache(maxsize=4)(Parsing)  # several parts of golfcheck need the tree of one source


@lru_cache(maxsize=4)
def captures(text: bytes) -> "Mapping[str, Sequence[Node]]":
    """Return the nodes of each kind in the query above, in the order of the text; none of a tree that is too deep."""
    from tree_sitter import QueryCursor

    tree = parse(text)
    if is_too_deep(tree):
        return {}
    nodes = QueryCursor(_query()).captures(tree.root_node)
    # The parser's order is not defined. Only calls can begin at the same byte: `f(x).g()`, the outer one first.
    nodes["call"] = sorted(nodes.get("call", ()), key=end_byte, reverse=True)
    return {kind: sorted(those, key=start_byte) for kind, those in nodes.items()}


start_byte = attrgetter("start_byte")  # a sort key that puts nodes in the order of the text
end_byte = attrgetter("end_byte")


@lru_cache(maxsize=4)
def names(text: bytes) -> "Mapping[str, Sequence[Node]]":
    """Return the identifiers of a source as Python compares them, each with its uses in the order of the text."""
    written: dict[bytes, list[Node]] = defaultdict(list)
    for node in captures(text).get("name", ()):
        written[text[node.start_byte : node.end_byte]].append(node)  # faster than asking the node
    uses: dict[str, list[Node]] = {}
    for name, nodes in written.items():
        uses.setdefault(normalized(name[:MAX_NAME_BYTES]), []).extend(nodes)
    return uses if len(uses) == len(written) else {name: sorted(nodes, key=start_byte) for name, nodes in uses.items()}


def is_too_deep(tree: "Tree") -> bool:
    """Return whether a tree exceeds MAX_DEPTH or MAX_NODES, in which case only the text of the source may be used."""
    if tree.root_node.descendant_count > MAX_NODES:
        return True
    pending = [(tree.root_node, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH or (node.is_error and node.child_count > MAX_ERROR_CHILDREN):
            return True
        # A subtree with fewer nodes than remaining levels cannot be too deep.
        pending += [(child, depth + 1) for child in node.children if child.descendant_count > MAX_DEPTH - depth - 1]
    return False


def error_line(tree: "Tree", text: bytes) -> int | None:
    """Return the line of the first syntax error, None if the text is Python of any version up to 3.14.

    Syntax that the grammar does not know is left to Python's own parser, if the text is harmless for it.
    """
    if not tree.root_node.has_error:
        return None
    node = _first_error(tree.root_node)
    if node is None or _python_accepts(text):
        return None
    return node.start_point.row + 1


def encoding_problem(text: bytes) -> str | None:
    """Return why the bytes are not UTF-8 source, None if they are."""
    for line in text.split(b"\n", 2)[:2]:
        if (match := _COOKIE.match(line)) and match[1].decode().lower().replace("_", "-") not in _UTF8_NAMES:
            return f"declares the encoding {match[1].decode()}: source must be UTF-8"
    if b"\0" in text:
        return "contains a NUL byte"
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8: {error.reason} at byte {error.start}"
    return None


def hidden_characters(text: str) -> tuple[int, str] | None:
    """Return the line and the code point of the first character that changes the order in which text is displayed."""
    match = _HIDDEN.search(text)
    return (text.count("\n", 0, match.start()) + 1, f"U+{ord(match[0]):04X}") if match else None


def _first_error(node: "Node") -> "Node | None":
    """Return the first error; defaults of type parameters (Python 3.13), which the grammar lacks, are not errors."""
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
        parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
