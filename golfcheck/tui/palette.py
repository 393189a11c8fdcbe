"""The commands of the palette (ctrl+p): all keys of the screen, all orders of the board, and the themes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from textual.app import App, SystemCommand
from textual.screen import Screen

from golfcheck.board.keys import KEYS, SORT_KEYS
from golfcheck.core.userfolders import expanded
from golfcheck.tui.screens.base import Host
from golfcheck.tui.screens.board import BoardScreen
from golfcheck.tui.screens.help import ours


def commands(app: App[None], host: Host, screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield the commands for `screen`."""
    named: set[str] = set()
    for entry in ours(screen.active_bindings.values()):
        title = entry.binding.description.capitalize()
        if title not in named and (entry.tooltip or entry.binding.show):  # the others only move the cursor
            named.add(title)
            key = app.get_key_display(entry.binding)
            says = f"{entry.tooltip} ({key})" if entry.tooltip else f"key {key}"
            yield SystemCommand(title, says, partial(app.run_action, entry.binding.action, entry.node))
    if isinstance(screen, BoardScreen):
        for key in SORT_KEYS:
            yield SystemCommand(f"Sort by {key}", KEYS[key].meaning, partial(screen.sort_by, key))
    yield SystemCommand("Theme", "choose other colors", app.search_themes)
    yield SystemCommand("Picture", "save the screen as an SVG file", partial(picture, app, host))


def picture(app: App[None], host: Host) -> None:
    """Save the screen to ~/Downloads, or to the current directory if that does not exist."""
    downloads = expanded("~/Downloads")
    folder = downloads if downloads.is_dir() else Path.cwd()
    try:
        host.tell(f"screenshot saved: {app.save_screenshot(path=str(folder))}")
    except OSError as error:
        host.tell(f"the screenshot could not be saved in {folder}: {error.strerror or error}", "error")
