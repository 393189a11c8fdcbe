"""Packed source, `exec(lzma.decompress(base64.b85decode("…")))`, unpacked as data: nothing of it is ever executed.

What is computed at run time stays packed, with the reason said.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from golfcheck.source import syntax
from golfcheck.source.decoders import Budget, OpaqueError
from golfcheck.source.evaluate import Evaluation, Scope, first_argument

if TYPE_CHECKING:
    from tree_sitter import Tree

MAX_LEVELS = 4  # packed source inside packed source


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What a packed source holds; `text` is None where it could not be unpacked, and `note` says why."""

    wrapper: str  # the decoders from the outermost on: "lzma+base85"; levels are joined by ", "
    text: bytes | None
    note: str = ""


def unwrap(tree: "Tree") -> Unwrapped | None:
    """Unpack a source that runs text it has unpacked itself; None if it does no such thing."""
    budget = Budget()
    found = _one_level(tree, budget)
    wrappers = []
    for _ in range(MAX_LEVELS):
        if found is None:
            break
        wrappers.append(found.wrapper)
        if found.text is None:
            return Unwrapped(", ".join(wrappers), None, found.note)
        last = found
        inner = syntax.parse(found.text)
        found = None if syntax.is_too_deep(inner) else _one_level(inner, budget)
    if not wrappers:
        return None
    note = f"still packed after {MAX_LEVELS} levels" if found else ""
    return Unwrapped(", ".join(wrappers), last.text, note)


def _one_level(tree: "Tree", budget: Budget) -> Unwrapped | None:
    """Unpack the largest argument of exec() or eval() that went through a decoder."""
    best: Unwrapped | None = None
    scope = Scope(tree)
    for call in scope.runners():
        argument = first_argument(call)
        if argument is None:
            continue
        evaluation = Evaluation(scope, budget)
        try:
            value = evaluation.value(argument)
            result = _result(value, evaluation.used)
        except OpaqueError as error:
            used = scope.decoders_in(argument) or evaluation.used
            result = Unwrapped("+".join(reversed(used)), None, str(error)) if used else None
        if result and (best is None or len(result.text or b"") > len(best.text or b"")):
            best = result
    return best


def _result(value: Any, used: list[str]) -> Unwrapped | None:
    if not used:
        return None  # a literal that is run as it stands: already readable
    wrapper = "+".join(reversed(used))
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if not isinstance(data, bytes):
        return Unwrapped(wrapper, None, "what is run is no text")
    if b"\0" in data:
        return Unwrapped(wrapper, None, "what is run is compiled code, not source")
    return Unwrapped(wrapper, data)
