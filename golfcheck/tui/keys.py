"""The line of keys at the foot of a screen: as many as there is room for, help and leaving always."""

from textual.app import ComposeResult
from textual.events import Resize
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("help", "quit")


class Keys(Footer):
    """A footer in one line: where keys do not fit, those that a screen binds last fall away first."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._columns = 0

    def compose(self) -> ComposeResult:
        """Yield the keys that fit."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        while len(keys) > len(_ALWAYS) and sum(map(_columns, keys)) - 1 > self.size.width:
            keys.remove(next((key for key in reversed(keys) if key.action not in _ALWAYS), keys[0]))
        yield from keys

    async def on_resize(self, event: Resize) -> None:
        """Choose anew where the terminal is wider or narrower."""
        if event.size.width != self._columns:
            self._columns = event.size.width
            await self.recompose()


def _columns(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + 2  # a blank between them, and one after
