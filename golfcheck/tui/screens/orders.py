"""A list of the orders of the board, including those of columns that are not visible."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from golfcheck.board.keys import KEYS, SORT_KEYS
from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.widgets.scrollbars import scrollbars_of

_KEY_COLUMNS = 17  # the longest key and two spaces


class Orders(ModalScreen[str | None]):
    """Returns one of query.SORT_KEYS, or None if the list is closed. The cursor starts at the current order."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,o", "leave", "leave"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]  # other letters jump to the next order that begins with them

    def __init__(self, sort: str, reverse: bool, glyphs: Glyphs) -> None:
        super().__init__()
        self.sort, self.arrow, self.glyphs = sort, glyphs.down if reverse else glyphs.up, glyphs

    def compose(self) -> ComposeResult:
        """Yield the list."""
        title = Option(Content.styled("Sort the board by", "bold"), disabled=True)
        keys = (Option(self._line(key), key) for key in SORT_KEYS)
        yield OptionList(title, *keys, classes="dialog", markup=False, compact=True)

    def on_mount(self) -> None:
        """Put the cursor on the current order."""
        choices = self.query_one(OptionList)
        scrollbars_of(choices, self.glyphs)
        choices.highlighted = choices.get_option_index(self.sort)

    def _line(self, key: str) -> Content:
        here, style = (self.arrow, "bold") if key == self.sort else (" ", "")
        return Content.assemble((f"{here} {key:<{_KEY_COLUMNS}}", style), KEYS[key].meaning)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close the list with the chosen option."""
        self.dismiss(event.option.id)

    def on_key(self, event: events.Key) -> None:
        """Jump to the next order that begins with the typed letters."""
        choices = self.query_one(OptionList)
        here = next((n for n, key in enumerate(SORT_KEYS) if choices.get_option_index(key) == choices.highlighted), 0)
        ahead = (*SORT_KEYS[here + 1 :], *SORT_KEYS[: here + 1])
        match = next((key for key in ahead if event.character and key.startswith(event.character)), None)
        if match is not None:
            event.stop()
            choices.highlighted = choices.get_option_index(match)

    def action_move(self, lines: int) -> None:
        """Go to another order."""
        choices = self.query_one(OptionList)
        (choices.action_cursor_down if lines > 0 else choices.action_cursor_up)()

    def action_leave(self) -> None:
        """Keep the current order."""
        self.dismiss(None)
