"""The findings of a record: a list, with an explanation of the selected one next to it."""

from pathlib import Path
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.tui.drawing import explanation
from golfcheck.tui.drawing.glyphs import ASCII, UNICODE
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.scrollbars import scrollbars_of
from golfcheck.tui.widgets.sheet import Sheet, plain

_COLORS = {Severity.ERROR: "bold $error", Severity.WARNING: "$warning", Severity.INFO: "$secondary"}


class FindingList(OptionList):
    """Findings, most severe first, then the rules that were skipped, then those that passed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "down", show=False, tooltip="the next finding"),
        Binding("k", "cursor_up", "up", show=False, tooltip="the previous finding"),
        Binding("g", "first", "top", show=False, tooltip="the first finding"),
        Binding("G", "last", "bottom", show=False, tooltip="the last finding"),
        Binding("enter", "select", "editor", tooltip="open the line in $EDITOR"),
        Binding("o", "screen.log_line", "in log", tooltip="show the line of the finding in the log"),
    ]
    DEFAULT_CSS = """
    FindingList, FindingList:focus {
        width: 2fr; height: 1fr; border: none; padding: 0 1; scrollbar-size-vertical: 1;
        background: $background; background-tint: transparent;
    }
    FindingList > .option-list--option-highlighted, FindingList:focus > .option-list--option-highlighted {
        background: $panel; color: $foreground; text-style: bold;
    }
    """

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the editor if the finding is about a file of a folder."""
        pane = self.parent
        finding = pane.finding if action == "select" and isinstance(pane, FindingsPane) and pane.in_folder else None
        return action != "select" or (finding is not None and finding.path is not None)


class FindingsPane(Horizontal):
    """The list and the explanation."""

    DEFAULT_CSS = """
    FindingsPane { height: 1fr; }
    FindingsPane Sheet { width: 3fr; border-left: solid $panel; }
    """

    class Wanted(Message):
        """Open the location of a finding, in the editor or in the log."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    def __init__(self, verdict: Verdict, *, in_folder: bool = True, id: str | None = None) -> None:
        super().__init__(id=id)
        self.verdict, self.in_folder = verdict, in_folder
        order = sorted(verdict.findings, key=lambda f: (f.waived is not None, -f.severity, f.path or "", f.line or 0))
        self.findings: tuple[Finding, ...] = tuple(order)

    def compose(self) -> ComposeResult:
        """Yield the list and the explanation."""
        yield FindingList(*self._options(), id="finding-list", markup=False)
        yield Sheet(id="explanation")

    def on_mount(self) -> None:
        """Select the most severe finding."""
        choices = self.query_one(FindingList)
        scrollbars_of(choices, ASCII if is_ascii(self) else UNICODE)
        choices.highlighted = next((n for n, option in enumerate(choices.options) if not option.disabled), None)

    @property
    def finding(self) -> Finding | None:
        """The finding under the cursor; None for a rule that passed."""
        at = self.query_one(FindingList).highlighted
        chosen = None if at is None else self.query_one(FindingList).get_option_at_index(at).id or ""
        return self.findings[int(chosen[1:])] if chosen and chosen.startswith("f") else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Explain the rule under the cursor."""
        self.query_one(Sheet).show(self._explained(event.option.id or ""))
        self.refresh_bindings()  # some findings are not about a file

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the location of the finding."""
        event.stop()
        if (finding := self.finding) is not None:
            self.post_message(self.Wanted(finding))

    def _explained(self, key: str) -> RenderableType:
        kind, number = key[:1], int(key[1:] or 0)
        if kind == "f":
            return explanation.of_finding(self.findings[number])
        if kind == "s":
            return explanation.of_skipped(self.verdict.skipped[number])
        return explanation.of_passed(self.verdict.passed[number]) if kind == "p" else Text()

    def _options(self) -> list[Option]:
        verdict = self.verdict
        counts = [(severity.label, verdict.count(severity)) for severity in reversed(Severity)]
        counts.append(("waived", sum(finding.waived is not None for finding in self.findings)))
        plural = {"error": "errors", "warning": "warnings"}
        words = [f"{count} {plural.get(label, label) if count != 1 else label}" for label, count in counts if count]
        head = ", ".join(words) or "nothing found"
        options = [Option(Content.styled(head, "bold"), disabled=True)]
        options += [Option(self._prompt(finding), f"f{n}") for n, finding in enumerate(self.findings)]
        if verdict.skipped:
            options.append(Option(Content.styled(f"\n{len(verdict.skipped)} skipped", "bold"), disabled=True))
            options += [
                Option(Content(self._sign("○ ") + skipped.rule), f"s{n}") for n, skipped in enumerate(verdict.skipped)
            ]
        if verdict.passed:
            options.append(Option(Content.styled(f"\n{len(verdict.passed)} passed", "bold"), disabled=True))
            options += [
                Option(Content.styled(self._sign("✓ ") + rule, "dim"), f"p{n}") for n, rule in enumerate(verdict.passed)
            ]
        return options

    def _prompt(self, finding: Finding) -> Content:
        """Return the severity as a symbol and a word, the rule, and below it the location."""
        word = finding.severity.label if finding.waived is None else "waived"
        style = _COLORS[finding.severity] if finding.waived is None else "dim"
        at = f"{Path(finding.path).name}:{finding.line}" if finding.path and finding.line else finding.path or ""
        parts = [
            Content.styled(self._sign(f"{explanation.ICONS[finding.severity]} ") + word, style),
            Content(f" {finding.rule}"),
        ]
        if at:
            parts.append(Content.styled(f"\n  {self._sign(safe(at, 60))}", "dim"))
        return Content("").join(parts)

    def _sign(self, text: str) -> str:
        return plain(text) if is_ascii(self) else text
