"""The line of keys at the bottom of a screen: as many as fit, always including help and quit."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("help", "quit")


class Keys(Footer):
    """A one-line footer; if the keys do not fit, those that the screen binds last are dropped first."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)

    def compose(self) -> ComposeResult:
        """Yield the keys."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._fit(keys)
        yield from keys

    def on_resize(self) -> None:
        """Adapt to the new width."""
        self._fit(list(self.query(FooterKey)))

    def _fit(self, keys: Sequence[FooterKey]) -> None:
        shown = list(keys)
        while len(shown) > len(_ALWAYS) and sum(map(_columns, shown)) - 1 > self.size.width:
            shown.remove(next((key for key in reversed(shown) if key.action not in _ALWAYS), shown[0]))
        for key in keys:
            key.display = key in shown


def _columns(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + 2  # a space between keys and after the last
