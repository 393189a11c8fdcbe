"""What a screen with tabs has, whatever they show: the keys that choose one, and those that turn the curves."""

from textual.widgets import TabbedContent, TabPane

from golfcheck.tui.screens.base import BaseScreen
from golfcheck.tui.widgets.curvepane import CurvePane


class KeyedTabs(TabbedContent):
    """Tabs that a key or a click chooses, and nothing else."""

    def on_tab_pane_focused(self, event: TabPane.Focused) -> None:
        """Stay on the tab: focus follows it here, and word of a focus that was, come late, would undo the next key."""
        event.prevent_default()


class TabbedScreen(BaseScreen):
    """A screen of tabs, one of which, `CURVES`, holds the curves."""

    CURVES = "curves"

    def on_tabbed_content_tab_activated(self) -> None:
        """Give the keys to what the tab shows."""
        self.focus_tab()

    @property
    def tab(self) -> str:
        """The tab that is shown."""
        return self.query_one(KeyedTabs).active

    def action_tab(self, tab: str) -> None:
        """Show a tab."""
        self.query_one(KeyedTabs).active = tab
        self.focus_tab()

    def action_turn_y(self) -> None:
        """Draw the curves over the next axis."""
        self.action_tab(self.CURVES)
        self.query_one(CurvePane).turn_y()

    def action_turn_x(self) -> None:
        """Draw the curves along the next axis."""
        self.action_tab(self.CURVES)
        self.query_one(CurvePane).turn_x()

    def focus_tab(self) -> None:
        """Give the keys to what the tab shows."""
        raise NotImplementedError
