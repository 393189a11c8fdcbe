"""A question that is answered with a path."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from golfcheck.tui.strangers import content
from golfcheck.tui.typed import TypedInput


class PathPrompt(ModalScreen[Path | None]):
    """Asks for a file; answers with its path, or None when the question is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave")]

    def __init__(self, question: str, guess: Path | None = None) -> None:
        super().__init__()
        self.question, self.guess = question, guess

    def compose(self) -> ComposeResult:
        """Yield the question and a line for the answer."""
        with Vertical(classes="dialog"):
            yield Static(content(self.question), classes="dialog-title")
            yield TypedInput(str(self.guess or ""), placeholder="logs/run.txt", compact=True)
            yield Static(id="prompt-problem", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, if the file is there."""
        path = Path(event.value.strip()).expanduser()
        if event.value.strip() and path.is_file():
            self.dismiss(path)
        else:
            why = "a folder; expected a log in it" if path.is_dir() and event.value.strip() else "no such file"
            self.query_one("#prompt-problem", Static).update(content(f"{event.value}: {why}"))

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)
