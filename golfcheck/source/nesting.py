"""Find which of many nested spans contains a position, by bisection; building it takes one pass over their edges."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from golfcheck.source.nodes import SourceSpan


class _HasSpan(Protocol):
    @property
    def span(self) -> SourceSpan:
        """Its span."""


T = TypeVar("T", bound=_HasSpan)


class Nesting(Generic[T]):
    """Items whose spans nest like the nodes of a tree: any two are disjoint, or one contains the other."""

    def __init__(self, items: Sequence[T]) -> None:
        self.items = items
        self.parents: list[int | None] = [None] * len(items)  # by index: the innermost item around each
        self._starts: list[int] = [0]  # positions at which the innermost item changes
        self._owners: list[int | None] = [None]
        around: list[int] = []
        # Of those that begin at the same position, the longest comes first: it contains the others.
        for index in sorted(range(len(items)), key=lambda index: (items[index].span.start, -items[index].span.end)):
            self._leave(around, items[index].span.start)
            self.parents[index] = around[-1] if around else None
            around.append(index)
            self._enter(items[index].span.start, index)
        self._leave(around, None)

    def _leave(self, around: list[int], position: int | None) -> None:
        """End the items that end before `position` (None: all of them)."""
        while around and (position is None or self.items[around[-1]].span.end <= position):
            end = self.items[around.pop()].span.end
            self._enter(end, around[-1] if around else None)

    def _enter(self, position: int, owner: int | None) -> None:
        self._starts.append(position)
        self._owners.append(owner)

    def index_at(self, position: int) -> int | None:
        """Return the index of the innermost item that contains a position, or None."""
        return self._owners[bisect_right(self._starts, position) - 1]

    def at(self, position: int) -> T | None:
        """Return the innermost item that contains a position, or None."""
        index = self.index_at(position)
        return None if index is None else self.items[index]
