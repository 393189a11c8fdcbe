"""golfcheck's two themes, in addition to Textual's; selected in the palette (ctrl+p)."""

from textual.theme import Theme

THEMES = (
    Theme(
        name="golfcheck",
        primary="#7fc8a9",
        secondary="#89a8d6",
        accent="#e8c170",
        foreground="#d9ddd7",
        background="#12171a",
        surface="#1a2125",
        panel="#222b30",
        success="#8bd17c",
        warning="#e8b04b",
        error="#e8716b",
        dark=True,
        variables={"footer-key-foreground": "#e8c170", "input-selection-background": "#7fc8a9 35%"},
    ),
    Theme(
        name="golfcheck-light",
        primary="#1f6f54",
        secondary="#33598f",
        accent="#8a5a00",
        foreground="#22282a",
        background="#fbfaf6",
        surface="#f0eee6",
        panel="#e5e2d6",
        success="#2a7a2a",
        warning="#8a5a00",
        error="#b3261e",
        dark=False,
        variables={"footer-key-foreground": "#8a5a00", "input-selection-background": "#1f6f54 25%"},
    ),
)
