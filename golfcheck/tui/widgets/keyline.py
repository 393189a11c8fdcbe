"""The line of keys at the bottom of a screen: those that act now, as many as fit, always including help and quit."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

_ALWAYS = ("help", "quit")


@runtime_checkable
class SaysWhatActs(Protocol):
    """A screen or widget some of whose keys act only at times; at other times they say what is missing."""

    def acts(self, action: str) -> bool:
        """Whether this action of the screen or widget would do something now."""


class Keys(Footer):
    """A one-line footer; if the keys do not fit, those that the screen binds last are dropped first."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._owners: dict[str, object] = {}  # the screen or widget that each key belongs to

    def compose(self) -> ComposeResult:
        """Yield the keys."""
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        self._owners = {key: bound.node for key, bound in self.screen.active_bindings.items()}
        self._fit(keys)
        yield from keys

    def on_resize(self) -> None:
        """Adapt to the new width."""
        self.fit()

    def fit(self) -> None:
        """Show the keys that act now, as many as fit."""
        self._fit(list(self.query(FooterKey)))

    def _fit(self, keys: Sequence[FooterKey]) -> None:
        shown = [key for key in keys if self._acts(key)]
        while len(shown) > len(_ALWAYS) and sum(map(_columns, shown)) - 1 > self.size.width:
            shown.remove(next((key for key in reversed(shown) if key.action not in _ALWAYS), shown[0]))
        for key in keys:
            key.display = key in shown

    def _acts(self, key: FooterKey) -> bool:
        owner = self._owners.get(key.key)
        return not isinstance(owner, SaysWhatActs) or owner.acts(key.action)


def refit(screen: Screen[Any]) -> None:
    """Show the keys of a screen that act now; call it when that may have changed."""
    for keys in screen.query(Keys):
        keys.fit()


def _columns(key: FooterKey) -> int:
    return len(key.key_display) + len(key.description) + 2  # a space between keys and after the last
