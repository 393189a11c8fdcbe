"""The base of screens with tabs: keys that select a tab, and keys that change the axes of the curves."""

from textual.widgets import TabbedContent, TabPane

from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets.curvepane import CurvePane
from golfcheck.tui.widgets.keyline import refit


class KeyedTabs(TabbedContent):
    """Tabs that change only by a key or a click."""

    def on_tab_pane_focused(self, event: TabPane.Focused) -> None:
        """Ignore focus changes: the focus follows the tab, and late messages would undo the next key."""
        event.prevent_default()


class TabbedScreen(BaseScreen):
    """A screen of tabs, one of which, `CURVES`, holds the curves."""

    CURVES = "curves"

    def on_tabbed_content_tab_activated(self) -> None:
        """Focus the contents of the tab."""
        self.focus_tab()
        refit(self)

    @property
    def tab(self) -> str:
        """The active tab."""
        return self.query_one(KeyedTabs).active

    def action_tab(self, tab: str) -> None:
        """Show a tab."""
        self.query_one(KeyedTabs).active = tab
        self.focus_tab()

    def action_turn_y(self) -> None:
        """Switch the vertical axis of the curves."""
        self.action_tab(self.CURVES)
        self.query_one(CurvePane).turn_y()

    def action_turn_x(self) -> None:
        """Switch the horizontal axis of the curves."""
        self.action_tab(self.CURVES)
        self.query_one(CurvePane).turn_x()

    def focus_tab(self) -> None:
        """Focus the contents of the tab."""
        raise NotImplementedError
