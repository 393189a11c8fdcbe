"""Up to four records side by side: numbers, settings, curves, code."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TabPane

from golfcheck.board.model import Row
from golfcheck.comparison.codediff import CodeDiff, code_diffs
from golfcheck.comparison.difference import Difference, difference
from golfcheck.core.numbers import bpb_text
from golfcheck.core.text import fit, safe, shell_word
from golfcheck.live.curves import Curve, curves
from golfcheck.render.diff_text import code_lines, code_title, no_code
from golfcheck.tui.drawing.sidebyside import LETTERS, numbers, settings
from golfcheck.tui.screens.tabs import KeyedTabs, TabbedScreen
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.codeview import CodeView
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.keyline import Keys
from golfcheck.tui.widgets.sheet import Sheet, plain

TABS = ("numbers", "settings", "curves", "code")
MOST = len(LETTERS)


@dataclass(frozen=True, slots=True)
class _LoadedRecords:
    """The contents of the tabs."""

    compared: Difference
    curves: tuple[tuple[Curve, ...], ...]  # of each record
    code: tuple[tuple[CodeDiff, ...], ...]  # for each record but the first, compared with it


class CompareScreen(TabbedScreen):
    """Two to four records; the others are compared with the first."""

    HELP = """\
A to D are the records in the order in which they were marked; differences are relative to A. The smallest value of a
row is green if less is better. Settings come from the logs. Packed code is unpacked without being executed."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", tooltip="go back"),
        Binding("1", "tab('numbers')", "tabs", key_display="1-4", tooltip="numbers, settings, curves, code"),
        *(Binding(str(n), f"tab('{tab}')", tab, show=False) for n, tab in enumerate(TABS[1:], 2)),
        Binding("y", "turn_y", "axis", show=False, tooltip="vertical axis: bits per byte, loss, log of the loss"),
        Binding("x", "turn_x", "axis", show=False, tooltip="horizontal axis: steps or seconds"),
        Binding("d", "tab('code')", "diff", tooltip="the code, unpacked"),
        Binding(
            "left_square_bracket",
            "code(-1)",
            "code before",
            show=False,
            key_display="[",
            tooltip="code of the previous record",
        ),
        Binding(
            "right_square_bracket",
            "code(1)",
            "next code",
            show=False,
            key_display="]",
            tooltip="code of the next record",
        ),
        Binding("Y", "copy", "copy", tooltip="copy the command for this comparison"),
    ]
    DEFAULT_CSS = """
    CompareScreen #names {
        height: auto; max-height: 4; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis;
    }
    CompareScreen #code-title { height: auto; max-height: 4; padding: 0 1; color: $text-muted; }
    CompareScreen KeyedTabs { height: 1fr; }
    CompareScreen TabPane { padding: 0; }
    CompareScreen.-ascii Underline { display: none; }
    CompareScreen.-ascii Tab.-active { text-style: bold reverse; }
    """

    def __init__(self, rows: Sequence[Row], tab: str = "numbers") -> None:
        super().__init__()
        self.rows, self.first_tab = tuple(rows[:MOST]), tab
        self.loaded: _LoadedRecords | None = None
        self.compared_with = 1  # the record whose code is compared with A's

    def compose(self) -> ComposeResult:
        """Yield the names and the tabs, which stay empty until the records are read."""
        yield Static(Content("\n").join(map(self._title, range(len(self.rows)))), id="names", markup=False)
        with KeyedTabs(initial=self.first_tab):
            with TabPane(Content("1 Numbers"), id="numbers"):
                yield Sheet(id="number-sheet")
            with TabPane(Content("2 Settings"), id="settings"):
                yield Sheet(id="setting-sheet")
            with TabPane(Content("3 Curves"), id="curves"):
                yield CurvePane()
            with TabPane(Content("4 Code"), id="code"), Vertical():
                yield Static("reading", id="code-title", markup=False)
                yield CodeView()
        yield Keys()

    def on_mount(self) -> None:
        """Begin to read the records."""
        self.set_class(is_ascii(self), "-ascii")
        background.begin(self, "records", self._load)
        self.focus_tab()

    def _load(self) -> _LoadedRecords:
        records = [self.host.load_record(row) for row in self.rows]
        compared = difference(records, [row.verdict for row in self.rows], [row.created for row in self.rows])
        code = tuple(compared.code if len(records) == 2 else code_diffs(records[0], other) for other in records[1:])
        return _LoadedRecords(compared, tuple(map(curves, records)), code)

    def on_work_done(self, message: background.WorkDone) -> None:
        """Show what was read."""
        if not isinstance(message.result, _LoadedRecords):
            return
        loaded = self.loaded = message.result
        self.query_one("#number-sheet", Sheet).show(numbers(loaded.compared, [row.outcome.value for row in self.rows]))
        self.query_one("#setting-sheet", Sheet).show(settings(loaded.compared))
        bundles = [Bundle(self._short(n, 40), own) for n, own in enumerate(loaded.curves)]
        self.query_one(CurvePane).show(bundles)
        self._show_code()

    def on_work_failed(self, message: background.WorkFailed) -> None:
        """Show the failure in every tab, because a toast disappears."""
        reason = self._shown(f"the records could not be compared: {safe(message.reason)}")
        self.host.tell(reason, "error")
        for sheet in self.query(Sheet):
            sheet.show(Text(reason, "error"))
        self.query_one(CurvePane).show((), missing=reason)
        self.query_one("#code-title", Static).update(Content(reason))

    def acts(self, action: str) -> bool:
        """Whether `d` would show another tab."""
        return action != "tab('code')" or self.tab != "code"

    def action_code(self, by: int) -> None:
        """Compare another record's code with A's."""
        self.action_tab("code")
        self.compared_with = (self.compared_with - 1 + by) % max(1, len(self.rows) - 1) + 1
        self._show_code()

    def action_copy(self) -> None:
        """Copy the command that prints the comparison of A and another."""
        one, other = self.rows[0].verdict.path, self.rows[min(self.compared_with, len(self.rows) - 1)].verdict.path
        self.host.copy(f"golfcheck diff {shell_word(one)} {shell_word(other)}")

    def _show_code(self) -> None:
        if self.loaded is None:
            return
        diffs = self.loaded.code[self.compared_with - 1] if self.loaded.code else ()
        pair = f"A and {LETTERS[self.compared_with]}"
        more = "   [ and ] switch" if len(self.rows) > 2 else ""
        sides = self.loaded.compared.sides[0], self.loaded.compared.sides[self.compared_with]
        titles = [code_title(each) for each in diffs] or [no_code(sides, f"A{LETTERS[self.compared_with]}")]
        notes = [safe(note) for each in diffs for note in each.notes]
        self.query_one("#code-title", Static).update(
            Content(self._shown("\n".join([f"{pair}{more}", *titles, *notes])))
        )
        self.query_one(CodeView).show([line for each in diffs for line in code_lines(each)])

    def _title(self, index: int) -> Content:
        row = self.rows[index]
        score = f"{bpb_text(row.score_bpb)}" if row.score_bpb is not None else "no score"
        day = row.created.date().isoformat() if row.created else ""
        tail = "  ".join(safe(text, 40) for text in (row.verdict.author, day) if text)
        name = self._shown(self._short(index, 60))
        return Content.assemble(Content.styled(name, "bold"), Content.styled(self._shown(f"  {score}  {tail}"), "dim"))

    def _shown(self, text: str) -> str:
        return plain(text) if is_ascii(self) else text

    def _short(self, index: int, columns: int) -> str:
        verdict = self.rows[index].verdict
        return f"{LETTERS[index]} {fit(safe(verdict.name or verdict.path), columns)}"

    def focus_tab(self) -> None:
        """Focus the contents of the tab."""
        targets = {"numbers": "#number-sheet", "settings": "#setting-sheet", "code": "CodeView"}
        self.set_focus(self.query_one(targets.get(self.tab, "CurveChart")))
