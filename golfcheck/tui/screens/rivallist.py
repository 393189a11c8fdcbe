"""A list of what a watched run can be compared with: logs of other runs, and records."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from golfcheck.board.model import Row
from golfcheck.core.numbers import age_text, bpb_text
from golfcheck.core.text import safe
from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.drawing.tablecolumns import name_of
from golfcheck.tui.widgets.scrollbars import scrollbars_of

_ROWS = 40  # number of records offered, best first
_LOGS = 20  # number of logs offered, newest first

Choice = Row | Path


class RivalList(ModalScreen[Choice | None]):
    """Returns a row of the board, or the path of a log; None if the list is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,b", "leave", "leave"),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]

    def __init__(self, rows: Sequence[Row], logs: Sequence[Path], glyphs: Glyphs) -> None:
        super().__init__()
        scored = sorted((row for row in rows if row.seeds_bpb), key=lambda row: row.score_bpb or 0.0)
        self.logs, self.rows, self.glyphs = logs[:_LOGS], scored[:_ROWS], glyphs
        self.choices: list[Choice] = [*self.logs, *self.rows]

    def compose(self) -> ComposeResult:
        """Yield the list."""
        title = Option(Content.styled("Compare the run with", "bold"), disabled=True)
        lines = [Option(_line(choice, self.glyphs), str(index)) for index, choice in enumerate(self.choices)]
        logs, rows = lines[: len(self.logs)], lines[len(self.logs) :]
        options = [_heading("other runs, the newest first"), *logs] if logs else []
        options += [_heading("records, the best first"), *rows] if rows else []
        options = options or [Option(Content("no record with logs, and no other log here"), disabled=True)]
        yield OptionList(title, *options, classes="dialog", markup=False, compact=True)

    def on_mount(self) -> None:
        """Put the cursor on the first choice, and draw the scrollbar with characters that the terminal can show."""
        choices = self.query_one(OptionList)
        scrollbars_of(choices, self.glyphs)
        choices.highlighted = next((n for n, option in enumerate(choices.options) if not option.disabled), None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close the list with the chosen option."""
        self.dismiss(self.choices[int(event.option.id or 0)])

    def action_move(self, lines: int) -> None:
        """Go to another choice."""
        choices = self.query_one(OptionList)
        (choices.action_cursor_down if lines > 0 else choices.action_cursor_up)()

    def action_leave(self) -> None:
        """Keep the current choice."""
        self.dismiss(None)


def _heading(text: str) -> Option:
    return Option(Content.styled(text, "dim"), disabled=True)


def _line(choice: Choice, g: Glyphs) -> Content:
    if isinstance(choice, Path):
        seconds = max(0.0, time.time() - choice.stat().st_mtime) if choice.exists() else 0.0
        return Content(g.plain(f"{safe('/'.join(choice.parts[-2:]), 60)}, {age_text(seconds)} old"))
    sign = g.held if choice.held else " "
    return Content(g.plain(f"{bpb_text(choice.score_bpb or 0.0)} {sign}{name_of(choice)}"))
