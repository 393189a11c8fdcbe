"""Handle keys one at a time: each waits until everything that the previous one triggered is done.

Textual sends a key to the widget that has the focus at that moment, and runs its bindings later, from the application.
Keys that arrive together (typed quickly, or while the screen is busy) would all go to the same widget: `/` opens an
input line, but a `q` right after it would quit.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial

from textual import events
from textual.app import App
from textual.dom import DOMNode

_GIVEN_UP_SECONDS = 1.0  # for a widget that was removed while it had messages


class KeysInTurn(App[None]):
    """Follows a key or pasted text up from the focused widget, and then the messages that its action sent.

    Then it waits for the widget that has the focus now: a screen that was opened must have been composed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[events.Key | events.Paste] = deque()
        self._turn = 1  # counts the events handed on; the first turn ends when there is a screen
        self._finished = 0  # the last of these that is finished

    async def on_ready(self) -> None:
        """Hand on the keys typed before there was a screen."""
        await self._follow(self._turn, self._way())

    async def on_event(self, event: events.Event) -> None:
        """Hand an event on; a key only when it is its turn."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._turn > self._finished:
            self.waiting.append(event)
        else:
            await self._hand_on(event)

    async def _hand_on(self, event: events.Key | events.Paste) -> None:
        self._turn += 1
        way = self._way()
        self.set_timer(_GIVEN_UP_SECONDS, partial(self._next, self._turn))
        await super().on_event(event)
        await self._follow(self._turn, [*way, *way], opened=True)

    def _way(self) -> list[DOMNode]:
        """Return the path of a key: the focused widget and everything above it up to this application."""
        return (self.focused or self.screen).ancestors_with_self

    async def _follow(self, turn: int, nodes: Sequence[DOMNode], opened: bool = False) -> None:
        """Continue when each of `nodes` has handled its messages so far; if `opened`, with the path of the next key."""
        for index, node in enumerate(nodes, 1):
            if node.call_later(self._follow, turn, nodes[index:], opened):
                return
        if opened and self.screen_stack:
            await self._follow(turn, self._way())
        else:
            await self._next(turn)

    async def _next(self, turn: int) -> None:
        """Hand on the next key, unless that has happened already."""
        if turn > self._finished:
            self._finished = turn
            if self.waiting:
                await self._hand_on(self.waiting.popleft())
