"""One record: seeds, curves, findings, README, logs and sizes."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.console import Group
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static, TabPane

from golfcheck.board.model import Row
from golfcheck.core.numbers import bpb_text
from golfcheck.core.text import fit, safe
from golfcheck.core.verdict import Finding
from golfcheck.live.curves import Curve, curves
from golfcheck.submission.examined import results
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result
from golfcheck.tui.drawing.ledgertable import ledger
from golfcheck.tui.drawing.readmeview import readme
from golfcheck.tui.screens.tabs import KeyedTabs, TabbedScreen
from golfcheck.tui.widgets import background
from golfcheck.tui.widgets.chart import is_ascii
from golfcheck.tui.widgets.curvepane import Bundle, CurvePane
from golfcheck.tui.widgets.findingspane import FindingList, FindingsPane
from golfcheck.tui.widgets.keyline import Keys, refit
from golfcheck.tui.widgets.logpane import LogPane
from golfcheck.tui.widgets.seedstrip import Seeds, SeedStrip
from golfcheck.tui.widgets.sheet import Sheet, plain

TABS = ("curve", "findings", "readme", "log", "ledger")


@dataclass(frozen=True, slots=True)
class _LoadedRecord:
    """The contents of the tabs, in addition to the verdict."""

    record: Record
    curves: tuple[Curve, ...]
    results: tuple[Result, ...]


class DetailScreen(TabbedScreen):
    """The record of a row. `load` reads it, `open_log` one of its logs (None: from its folder), both in a thread."""

    HELP = """\
The strip at the top has a dot for each seed, + at their mean, and a bar at the record to beat; left is better. Curves
are training losses, converted with the bytes per token if the axis is bits per byte; marks are validations. Findings:
✗ proven by arithmetic, ▲ needs review, · information, ○ skipped. In the ledger, numbers that disagree are yellow."""
    CURVES = "curve"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", tooltip="go back"),
        Binding("1", "tab('curve')", "tabs", key_display="1-5", tooltip="curve, findings, README, log, ledger"),
        *(Binding(str(n), f"tab('{tab}')", tab, show=False) for n, tab in enumerate(TABS[1:], 2)),
        Binding("y", "turn_y", "axis", show=False, tooltip="vertical axis: bits per byte, loss, log of the loss"),
        Binding("x", "turn_x", "axis", show=False, tooltip="horizontal axis: steps or seconds"),
        Binding(
            "slash",
            "search",
            "search",
            key_display="/",
            tooltip="search the log; n and N go to the next and previous match",
        ),
        Binding("e", "edit", "edit", tooltip="open what is shown in $EDITOR"),
        Binding("o", "log_line", "in log", show=False, tooltip="show the line of the finding in the log"),
        Binding("Y", "copy", "copy", tooltip="copy a summary of this record"),
        Binding(
            "left_square_bracket", "log(-1)", "previous log", show=False, key_display="[", tooltip="the previous log"
        ),
        Binding("right_square_bracket", "log(1)", "next log", show=False, key_display="]", tooltip="the next log"),
    ]
    DEFAULT_CSS = """
    DetailScreen #headline, DetailScreen #rescored {
        height: 1; padding: 0 1; background: $surface; text-wrap: nowrap; text-overflow: ellipsis;
    }
    DetailScreen KeyedTabs { height: 1fr; }
    DetailScreen TabPane { padding: 0; }
    DetailScreen.-ascii Underline { display: none; }
    DetailScreen.-ascii Tab.-active { text-style: bold reverse; }
    DetailScreen.-ascii FindingsPane Sheet { border-left: ascii $panel; }
    """

    def __init__(
        self,
        row: Row,
        load: Callable[[Row], Record],
        tab: str = "curve",
        open_log: Callable[[str], LogText] | None = None,
    ) -> None:
        super().__init__()
        self.row, self.load, self.first_tab, self.open_log = row, load, tab, open_log
        self.loaded: _LoadedRecord | None = None

    def compose(self) -> ComposeResult:
        """Yield the headline, the seeds and the tabs, which say so while they are being read."""
        verdict = self.row.verdict
        yield Static(headline(self.row, plain if is_ascii(self) else str), id="headline", markup=False)
        if (ours := rescored(self.row)) is not None:
            yield Static(ours, id="rescored", markup=False)
        yield SeedStrip(Seeds((), verdict.score, verdict.to_beat))
        errors = len(verdict.findings)
        with KeyedTabs(initial=self.first_tab):
            with TabPane(Content("1 Curve"), id="curve"):
                yield CurvePane()
            with TabPane(Content(f"2 Findings {errors}" if errors else "2 Findings"), id="findings"):
                yield FindingsPane(verdict, in_folder=self.open_log is None)
            with TabPane(Content("3 README"), id="readme"):
                yield Sheet(id="readme-sheet")
            with TabPane(Content("4 Log"), id="log"):
                yield LogPane()
            with TabPane(Content("5 Ledger"), id="ledger"):
                yield Sheet(ledger(verdict, ()), id="ledger-sheet")
        yield Keys()

    def on_mount(self) -> None:
        """Begin to read the record."""
        self.set_class(is_ascii(self), "-ascii")
        background.begin(self, "record", self._load)
        self.focus_tab()

    def _load(self) -> _LoadedRecord:
        record = self.load(self.row)
        return _LoadedRecord(record, curves(record), results(record))

    def on_work_done(self, message: background.WorkDone) -> None:
        """Show what was read."""
        if message.what != "record" or not isinstance(message.result, _LoadedRecord):
            return
        loaded = self.loaded = message.result
        verdict = self.row.verdict
        scores = tuple((result.seed, result.score.val_bpb) for result in loaded.results)
        self.query_one(SeedStrip).show(Seeds(scores, verdict.score, verdict.to_beat))
        named = [Bundle(_name(curve), (curve,)) for curve in loaded.curves]
        missing = "" if loaded.record.logs else "this record has no log"
        self.query_one(CurvePane).show(named, verdict.to_beat.bpb if verdict.to_beat else None, missing)
        self.query_one("#readme-sheet", Sheet).show(readme(loaded.record.readme))
        self.query_one("#ledger-sheet", Sheet).show(ledger(verdict, loaded.results))
        open_log = self.open_log or partial(LogText.open, loaded.record.path)
        self.query_one(LogPane).show(open_log, [log.path for log in loaded.record.logs])
        self.refresh_bindings()  # now findings can be shown in a log
        refit(self)

    def on_work_failed(self, message: background.WorkFailed) -> None:
        """Show that the record or one of its logs could not be read. A toast disappears, so every tab says it too."""
        self.host.tell(f"{self.row.verdict.path}: {message.reason}", "error")
        if message.what != "record":
            return
        shown = plain if is_ascii(self) else str
        reason = shown(f"this record could not be read: {safe(message.reason)}")
        self.query_one(CurvePane).show((), missing=reason)
        self.query_one("#readme-sheet", Sheet).show(Text(reason, "error"))
        head = self.query_one("LogPane > .head", Static)
        head.update(Content(reason))
        head.styles.height = "auto"  # it has one line for a log's name; a reason may be longer
        from_verdict = ledger(self.row.verdict, ())  # from the verdict, which is known already
        self.query_one("#ledger-sheet", Sheet).show(Group(Text(reason, "error"), Text(), from_verdict))

    def on_findings_pane_wanted(self, message: FindingsPane.Wanted) -> None:
        """Open the editor at the finding."""
        if message.finding.path is not None:
            self._edit(message.finding.path, message.finding.line)

    def action_leave(self) -> None:
        """Leave the search, or the record."""
        if not self.query_one(LogPane).leave_search():
            self.dismiss()

    def action_search(self) -> None:
        """Search the log."""
        self.action_tab("log")
        self.query_one(LogPane).ask()

    def action_log(self, by: int) -> None:
        """Show another log of the record."""
        self.action_tab("log")
        self.query_one(LogPane).turn(by)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to show a finding's line in the log if it is in one."""
        return action != "log_line" or self._in_log() is not None

    def acts(self, action: str) -> bool:
        """Whether there is a log to search, and a file to edit."""
        if action == "search":
            return bool(self.loaded and self.loaded.record.logs)
        return action != "edit" or self.open_log is None  # otherwise the record is not in a folder

    def action_log_line(self) -> None:
        """Show the line of a finding in its log."""
        finding = self._in_log()
        if finding is not None and self.query_one(LogPane).open(finding.path or "", finding.line or 1):
            self.action_tab("log")

    def _in_log(self) -> Finding | None:
        """Return the finding under the cursor, if it is in a log."""
        pane = next(iter(self.query(FindingsPane)), None)
        logs = {log.path for log in self.loaded.record.logs} if self.loaded else set()
        finding = pane.finding if pane and logs else None
        return finding if finding and finding.path in logs else None

    def action_edit(self) -> None:
        """Edit what is shown: the line of a finding or log, the README, or submission.json."""
        pane, finding = self.query_one(LogPane), self.query_one(FindingsPane).finding
        if self.tab == "findings" and finding is not None and finding.path is not None:
            self._edit(finding.path, finding.line)
        elif self.tab == "log" and pane.path is not None:
            self._edit(pane.path, pane.line)
        elif self.tab == "readme" and self.loaded is not None and self.loaded.record.readme is not None:
            self._edit("README.md")
        else:
            self.host.edit_record(self.row)

    def action_copy(self) -> None:
        """Copy the record's name, score and path."""
        score = f"{bpb_text(self.row.score_bpb)} bpb" if self.row.score_bpb is not None else "no score"
        verdict = self.row.verdict
        self.host.copy(f"{safe(verdict.name or '', 200)}  {score}  {verdict.path}".strip())

    def _edit(self, path: str, line: int | None = None) -> None:
        """Edit a regular file in the folder; no links or special files."""
        file = Path(self.row.verdict.path) / path
        try:
            regular = stat.S_ISREG(file.lstat().st_mode)
        except (OSError, ValueError):
            regular = False
        if regular:
            self.host.edit(file, line)
        else:
            self.host.tell(f"{path}: not a regular file in this folder", "warning")

    def focus_tab(self) -> None:
        """Focus the contents of the tab."""
        if self.tab == "log":
            self.query_one(LogPane).take_focus()
        elif self.tab == "findings":
            self.set_focus(self.query_one(FindingList))
        else:
            targets = {"readme": "#readme-sheet", "ledger": "#ledger-sheet"}
            self.set_focus(self.query_one(targets.get(self.tab, "CurveChart")))


def headline(row: Row, shown: Callable[[str], str] = str) -> Content:
    """Return a record's rank, verdict, name, author and date in one line; `shown` makes text drawable."""
    verdict = row.verdict
    rank = f"#{row.rank} " if row.rank is not None else ""
    day = row.created.date().isoformat() if row.created else ""
    tail = "  ".join(fit(safe(text), 30) for text in (verdict.author, day) if text)
    style = {"invalid": "$error", "review": "$warning", "unverified": "dim", "record": "bold $success"}.get(
        row.outcome.value, "$success"
    )
    return Content.assemble(
        Content.styled(rank, "bold"),
        Content.styled(f"{row.outcome.value}  ", style),
        Content.styled(shown(fit(safe(verdict.name or Path(verdict.path).name), 70)), "bold"),
        Content.styled(shown(f"  {tail}"), "dim"),
    )


def rescored(row: Row) -> Content | None:
    """Return the score that replaces the logged ones, and how it was obtained; None if the logged ones count."""
    ruling = next((ruling for ruling in reversed(row.rulings) if ruling.val_bpb is not None), None)
    if ruling is None or ruling.val_bpb is None:
        return None
    how = f" {safe(ruling.predictor.text)}" if ruling.predictor else ""
    return Content.assemble(Content.styled(f"re-scored {bpb_text(ruling.val_bpb)}", "bold"), how)


def _name(curve: Curve) -> str:
    return f"seed {curve.seed}" if curve.seed is not None else safe(curve.log, 30)
