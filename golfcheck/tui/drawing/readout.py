"""The lines above and below the board: the title, and details of the record under the cursor."""

from collections import Counter

from textual.content import Content

from golfcheck.board.model import Board, Row
from golfcheck.core.numbers import bpb_text, counted
from golfcheck.core.text import safe
from golfcheck.core.verdict import Severity
from golfcheck.tui.drawing.glyphs import Glyphs, bar
from golfcheck.tui.drawing.tablecolumns import name_of

_RULES = 3  # that are listed; the rest are counted
_PROGRESS = 10  # cells of the bar


def plain(text: Content, g: Glyphs) -> Content:
    """Return `text` with only characters that the terminal can show, and the same length."""
    return Content(g.plain(text.plain), list(text.spans))


def title(
    root: str, board: Board | None, shown: int, count: int, *, reading: tuple[int, int] | None, order: str, g: Glyphs
) -> Content:
    """Return the title: the tree, the number of records, the ruleset and the best record, or the progress of reading.

    `order` is the key that the rows are sorted by, if no visible column shows it.
    """
    parts = [Content.styled(" golfcheck ", "bold $primary"), Content.styled(safe(root, 60), "dim")]
    records = f"{shown} of {count} records" if shown != count and reading is None else counted(count, "record")
    parts.append(Content(f"  {records}"))
    if order:
        parts.append(Content.styled(f"  by {order}", "$accent"))
    if reading is not None:
        done, of = reading
        if of:
            drawn = Content.styled(bar(done / of, _PROGRESS, g), "$accent")
            parts += [Content("  reading "), drawn, Content(f" {done}/{of}")]
        else:
            parts.append(Content("  looking for records"))
    elif board is not None:
        parts.append(Content.styled(f"  {board.ruleset} rules", "dim"))
        if held := board.frontier:
            best = held[-1]
            parts += [
                Content.styled(f"  {g.held} to beat {bpb_text(best.score_bpb or 0.0)}", "bold $success"),
                Content.styled(f" {safe(best.verdict.author or name_of(best), 30)}", "dim"),
            ]
    return plain(Content("").join(parts), g)


def readout(row: Row, board: Board | None, g: Glyphs) -> Content:
    """Return four lines about a record: its name, its author, whether it held the record or why not, its findings."""
    verdict = row.verdict
    gap = f" {g.dot} "
    who = gap.join(
        [safe(verdict.author or "author unknown", 60), row.created.date().isoformat() if row.created else "undated"]
    )
    score = verdict.score
    seeds = counted(len(score.seeds), "seed") if score and score.seeds else ""
    spread = f"sd {bpb_text(score.sd_bpb)}" if score is not None and score.sd_bpb is not None else ""
    facts = gap.join(filter(None, [row.status.value if row.status else "no score", seeds, spread]))
    word = f"{row.outcome.value}: " if row.judged else "being judged: "
    about = _findings(row) if row.judged else "only its submission.json has been read"
    lines = [
        Content.styled(f" {name_of(row)}", "bold"),
        Content.styled(f" {who}{gap}{facts}", "dim"),
        Content(f" {standing(row, board, g)}{gap + safe(row.ruling.text) if row.ruling else ''}"),
        Content.assemble(Content(f" {word}"), Content.styled(about, "dim")),
    ]
    return plain(Content("\n").join(lines), g)


def standing(row: Row, board: Board | None, g: Glyphs) -> str:
    """Return one line that says whether the record held the frontier, or why not."""
    if board is None:
        return "not ranked yet"
    if row.held:
        newest = bool(board.frontier) and board.frontier[-1].verdict.path == row.verdict.path
        return f"{g.held} the record to beat" if newest else f"{g.held} was the record"
    return f"not a record: {safe(row.reason)}" if row.reason else "not a record"


def _findings(row: Row) -> str:
    counts = [
        counted(count, severity.label)
        for severity in (Severity.ERROR, Severity.WARNING)
        if (count := row.verdict.count(severity))
    ]
    rules = Counter(f.rule for f in row.verdict.findings if f.severity > Severity.INFO and f.waived is None)
    named = ", ".join(list(rules)[:_RULES])
    more = f" and {len(rules) - _RULES} more" if len(rules) > _RULES else ""
    return f"{', '.join(counts)}: {named}{more}" if counts else "no errors or warnings"


def nothing_here(problem: str) -> Content:
    """Return what to do if there are no records; `problem` may be untrusted."""
    return Content(
        f"no records here\n\n{safe(problem)}\n\n"
        "golfcheck demo          creates one in two minutes\n"
        "golfcheck tui ROOT      opens another tree\n"
        "w                       follows a training run"
    )


def could_not_read(failure: str) -> Content:
    """Return what to show if reading the tree failed."""
    return Content(f"the records could not be read\n\n{safe(failure)}\n\nr tries again")


def filtered_out() -> Content:
    """Return what to do if no record matches the filter."""
    return Content("no record matches the filter\n\nesc removes it, F1 explains the syntax")
