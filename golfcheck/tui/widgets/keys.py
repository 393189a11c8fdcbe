"""The line of keys at the foot of a screen: as many as there is room for, help and leaving always."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("help", "quit")


class Keys(Footer):
    """A footer in one line: where keys do not fit, those that a screen binds last fall away first."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """Yield the keys."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._fit(keys)
        yield from keys

    def on_resize(self) -> None:
        """Choose anew where the terminal is wider or narrower."""
        self._fit(list(self.query(FooterKey)))

    def _fit(self, keys: Sequence[FooterKey]) -> None:
        shown = list(keys)
        while len(shown) > len(_ALWAYS) and sum(map(_columns, shown)) - 1 > self.size.width:
            shown.remove(next((key for key in reversed(shown) if key.action not in _ALWAYS), shown[0]))
        for key in keys:
            key.display = key in shown


def _columns(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + 2  # a blank between them, and one after
