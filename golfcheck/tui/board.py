"""The board: all records by their scores."""

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Header


class BoardScreen(Screen[None]):
    """The screen that golfcheck opens on."""

    def compose(self) -> ComposeResult:
        """Yield the widgets."""
        yield Header()
        yield Footer()
