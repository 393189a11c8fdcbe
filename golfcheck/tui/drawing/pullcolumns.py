"""The columns of the queue, and the lines above and below the table."""

from collections.abc import Callable
from typing import Any, cast

from textual.content import Content

from golfcheck.board.model import Row
from golfcheck.core.numbers import counted
from golfcheck.core.text import safe
from golfcheck.queue.pullrows import KEYS, PullRow
from golfcheck.queue.pulls import Pull, Queue, Triage
from golfcheck.queue.reasons import NOTE, location_in
from golfcheck.tui.drawing.glyphs import Glyphs, bar
from golfcheck.tui.drawing.readout import plain
from golfcheck.tui.drawing.tablecolumns import COLUMNS as BOARD_COLUMNS
from golfcheck.tui.drawing.tablecolumns import MIN_NAME, OUTCOMES, TableColumn

_STYLE = {Triage.READY: "good", Triage.REVIEW: "warn", Triage.REFUTED: "bad", Triage.NONE: ""}
_WORD = {Triage.NONE: "none"}
_PROGRESS = 10  # cells of the bar


def pull_of(row: Row) -> Pull:
    """Return the pull request of a row."""
    return cast(PullRow, row).pull


def _number(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    return str(pull_of(row).number), ""


def _triage(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    triage = pull_of(row).triage
    return str(triage), _STYLE[triage]


def _outcome(row: Row, _width: int, glyphs: Glyphs) -> tuple[str, str]:
    word = pull_of(row).outcome
    return (glyphs.dash, "") if word is None else (word.value, OUTCOMES.get(word, ""))


def _name(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    return safe(pull_of(row).name), "name"


def _why(row: Row, _width: int, _glyphs: Glyphs) -> tuple[str, str]:
    return " ".join(dict.fromkeys(reason.kind for reason in pull_of(row).reasons if reason.weight > NOTE)), ""


def _key(name: str) -> Callable[[Row, int, Glyphs], tuple[str, str]]:
    def cell(row: Row, _width: int, glyphs: Glyphs) -> tuple[str, str]:
        value: Any = KEYS[name].value(row)
        return (glyphs.dash if value is None else str(value)), ""

    return cell


_OF_BOARD = {column.title: column for column in BOARD_COLUMNS}
COLUMNS = (
    TableColumn("#", 6, "pull", 0, _number),
    TableColumn("to do", 7, "triage", 0, _triage, right=False),
    _OF_BOARD["val_bpb"],
    _OF_BOARD["Δ bpb"],
    TableColumn("verdict", 10, "verdict", 5, _outcome, right=False, last_first=True),
    TableColumn("name", MIN_NAME, "name", 0, _name, right=False, grows=60),
    TableColumn("author", 8, "author", 6, lambda row, width, glyphs: _author(row, glyphs), right=False, grows=16),
    TableColumn("builds on", 9, "base", 8, _key("base")),
    TableColumn("nearest", 7, "nearest", 9, _key("nearest")),
    TableColumn("why", 14, "rule", 4, _why, right=False, grows=200),
)


def _author(row: Row, glyphs: Glyphs) -> tuple[str, str]:
    author = pull_of(row).author
    return (safe(author, 100) if author else glyphs.dash), ""


def title(repository: str, queue: Queue | None, shown: int, reading: tuple[str, int, int] | None, g: Glyphs) -> Content:
    """Return the title: the repository and how many pull requests of each kind, or the progress of judging."""
    parts = [Content.styled(" golfcheck ", "bold $primary"), Content.styled(safe(repository, 24), "dim")]
    if reading is not None:
        what, done, of = reading
        drawn = Content.styled(bar(done / max(of, 1), _PROGRESS, g), "$accent")
        parts += [Content(f"  {what} "), drawn, Content(f" {done}/{of}")]
    elif queue is not None:
        count = len(queue.pulls)
        parts.append(Content(f"  {counted(count, 'pull request')}" if shown == count else f"  {shown} of {count:,}"))
        styles = {"good": "$success", "warn": "$warning", "bad": "$error", "": "dim"}
        for triage in Triage:
            parts.append(Content.styled(f"  {len(queue.of(triage))} {triage}", styles[_STYLE[triage]]))
    return plain(Content("").join(parts), g)


def readout(row: Row, g: Glyphs) -> Content:
    """Return four lines about a pull request: name, author, and its most serious reasons."""
    pull = pull_of(row)
    state = "merged" if pull.head.merged else f"{counted(pull.head.behind, 'commit')} behind the base"
    folders = counted(len(pull.submissions), "folder")
    who = f" {g.dot} ".join(filter(None, [f"#{pull.number}", safe(pull.author or "", 60), folders, state]))
    locations = [safe(location_in(pull, reason), 100) for reason in pull.reasons[:2]]
    reasons = [
        f" {reason.kind}: {f'{location}: ' if location else ''}{safe(reason.text, 300)}"
        for reason, location in zip(pull.reasons, locations, strict=False)
    ]
    lines = [
        Content.styled(f" {safe(pull.name, 200)}", "bold"),
        Content.styled(f" {pull.triage.heading} {g.dot} {who}", "dim"),
        *(Content(text) for text in (reasons or [" no problems found"])),
    ]
    return plain(Content("\n").join(lines), g)
