"""The filter line, applied while the user types."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from golfcheck.board import query
from golfcheck.board.keys import KEYS, Key
from golfcheck.core.errors import UsageError
from golfcheck.tui.drawing.untrusted import content
from golfcheck.tui.widgets.typed import TypedInput


class FilterInput(TypedInput):
    """The input line; keys that move in a list return to the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "clear", tooltip="remove the filter and go back to the records"),
        Binding("enter", "submit", "done", tooltip="keep the filter and go to the records"),
        Binding("down", "leave", "to the records", show=False),
    ]

    def action_clear_filter(self) -> None:
        """Show all records again."""
        self.value = ""
        self.screen.set_focus(self.screen.query_one("BoardTable"))

    def action_leave(self) -> None:
        """Go to the records."""
        self.screen.set_focus(self.screen.query_one("BoardTable"))


class FilterBar(Vertical):
    """The filter, and what is wrong with it; while a term is incomplete, the last valid filter applies."""

    @dataclass
    class Changed(Message):
        """The filter changed."""

        query: query.Query
        text: str

    def __init__(self, keys: Mapping[str, Key] = KEYS) -> None:
        super().__init__()
        self.keys = keys

    def compose(self) -> ComposeResult:
        """Yield the input line, and a line for errors."""
        yield FilterInput(
            placeholder="words, or author:ann bpb:<1.08 seeds:>=3 verdict:review after:2026-04   (F1 explains)",
            compact=True,
            select_on_focus=False,
        )
        yield Static(id="filter-error", markup=False)

    @property
    def text(self) -> str:
        """The typed text."""
        return self.query_one(FilterInput).value

    def fill(self, text: str) -> None:
        """Set the text, as if typed."""
        self.query_one(FilterInput).value = text

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("open")
        self.screen.set_focus(self.query_one(FilterInput))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply the valid part, and say what is wrong with the rest."""
        event.stop()
        self.set_class(bool(event.value) or event.input.has_focus, "open")
        self._complain("")
        try:
            self._apply(query.parse(query.closed(event.value), keys=self.keys), event.value)
        except UsageError as error:
            self._complain(str(error))
            with suppress(UsageError):
                self._apply(query.parse(event.value, partial=True, keys=self.keys), event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close an open quote, and go to the records if the filter is valid."""
        event.stop()
        self.fill(query.closed(self.text))
        if not self.query_one("#filter-error", Static).display:
            self.screen.set_focus(self.screen.query_one("BoardTable"))

    def on_descendant_blur(self) -> None:
        """Hide the line when it is empty."""
        self.set_class(bool(self.text), "open")

    def _apply(self, parsed: query.Query, text: str) -> None:
        self.post_message(self.Changed(parsed, text))

    def _complain(self, problem: str) -> None:
        line = self.query_one("#filter-error", Static)
        line.update(content(problem))
        line.display = bool(problem)
