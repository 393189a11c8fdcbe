"""Ask for a path."""

import os
import time
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from golfcheck.core.numbers import age_text
from golfcheck.core.userfolders import expanded
from golfcheck.tui.drawing.untrusted import content
from golfcheck.tui.widgets.typed import TypedInput

_LISTED = 10_000  # names in a folder that are considered for completion
_HINTS = "enter: follow it    tab: complete the path    esc: cancel"


class PathPrompt(ModalScreen[Path | None]):
    """Asks for a file, which need not exist yet. Returns its path, or None if cancelled."""

    DEFAULT_CSS = """
    PathPrompt #prompt-why, PathPrompt #prompt-hints { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave"),
        Binding("tab", "complete", "complete", priority=True, tooltip="complete the path"),
    ]

    def __init__(self, question: str, guess: Path | None = None) -> None:
        super().__init__()
        self.question, self.guess = question, guess

    def compose(self) -> ComposeResult:
        """Yield the question, the reason for the suggested path, the input line, and its keys."""
        with Vertical(classes="dialog"):
            yield Static(content(self.question), classes="dialog-title")
            yield Static(content(_why(self.guess)), id="prompt-why", markup=False)
            yield TypedInput(str(self.guess or ""), placeholder="logs/run.txt", compact=True, select_on_focus=False)
            yield Static(id="prompt-problem", markup=False)
            yield Static(_HINTS, id="prompt-hints", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the path; whoever follows it waits for a file that does not exist yet."""
        given = event.value.strip()
        path = expanded(given)
        if given and not path.is_dir():
            self.dismiss(path)
        else:
            why = f"{given}: is a folder; expected a log" if given else "expected a path such as logs/run.txt"
            self.query_one("#prompt-problem", Static).update(content(why))

    def action_complete(self) -> None:
        """Complete the path as far as it is unambiguous."""
        line = self.query_one(Input)
        line.value = completed(line.value)
        line.cursor_position = len(line.value)

    def action_leave(self) -> None:
        """Cancel."""
        self.dismiss(None)


def completed(path: str) -> str:
    """Return `path` with its last part completed as far as it is unambiguous; a folder gets a slash."""
    folder, begun = os.path.split(path)
    try:
        with os.scandir(expanded(folder or ".")) as entries:
            names = [f"{e.name}/" if e.is_dir() else e.name for e in islice(entries, _LISTED)]
    except OSError:
        return path
    fitting = sorted(name for name in names if name.startswith(begun))
    if not fitting:
        return path
    first, last = fitting[0], fitting[-1]  # a common prefix of these is common to all
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return path + first[len(begun) : same]


def _why(guess: Path | None) -> str:
    """Return the reason for the suggested path."""
    if guess is None:
        return "There is no log here or in logs/. If the file does not exist yet, golfcheck waits for it."
    try:
        seconds = max(0.0, time.time() - guess.stat().st_mtime)  # a clock may have been set back since
    except OSError:
        seconds = 0.0
    written = f"The newest log here was last written {age_text(seconds)} ago."
    return f"{written} If the file does not exist yet, golfcheck waits for it."
