"""Compare up to four records in columns: scores, sizes, times, and settings that differ in their logs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from golfcheck.comparison.difference import Difference, Side
from golfcheck.core.numbers import (
    bpb_text,
    bytes_text,
    delta_text,
    nats_text,
    p_text,
    ratio_text,
    seconds_text,
    step_ms_text,
)
from golfcheck.core.text import safe
from golfcheck.core.verdict import Verdict
from golfcheck.render.diff_text import day, nats_label, same_tokens, settings_title

LETTERS = "ABCD"
_VALUE_CHARS = 120
_LABEL = 22  # columns; longer values are wrapped

Number = float | None


def numbers(difference: Difference, outcomes: Sequence[str]) -> RenderableType:
    """Return a column for each record; where less is better, the smallest value of a row is highlighted."""
    sides = difference.sides
    table = _table(sides)
    for label, words in _words(sides, outcomes):
        table.add_row(Text(label, "dim"), *(Text(safe(word, 60)) for word in words))
    for label, text, values, less_is_better in _rows(sides):
        present = [value for value in values if value is not None]
        if present:
            least = min(present) if less_is_better and len(present) > 1 and min(present) != max(present) else None
            drawn = [_cell(value, text, value is not None and value == least) for value in values]
            table.add_row(Text(label, "dim"), *drawn)
    parts: list[RenderableType] = [table]
    if difference.findings:
        parts += [Text(), Text("findings that not all have", "bold"), _findings(difference)]
    return Group(*parts)


def settings(difference: Difference) -> RenderableType:
    """Return a row for each setting that differs, with the value in each record's logs."""
    title = Text(settings_title(difference), "dim")
    if not difference.settings:
        return Group(title, Text("\nthe logs show no setting that differs"))
    table = _table(difference.sides)
    by_all = [row for row in difference.settings if None not in row.printed]
    by_some = [row for row in difference.settings if None in row.printed]
    for heading, rows in (("", by_all), ("only in some logs", by_some)):
        if heading and rows:
            table.add_row(Text(f"\n{heading}", "bold"))
        for row in rows:
            cells = [Text("-", "dim") if p is None else Text(safe(p.value, _VALUE_CHARS)) for p in row.printed]
            table.add_row(Text(safe(row.name, 60), "dim"), *cells)
    return Group(table, Text(), title)


def _table(sides: Sequence[Side]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    table.add_column("", width=_LABEL, overflow="fold")
    for letter in LETTERS[: len(sides)]:
        table.add_column(Text(letter, "bold"), ratio=4, overflow="fold")
    return table


def _words(sides: Sequence[Side], outcomes: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    verdicts = [side.verdict for side in sides]
    yield "author", [verdict.author or "-" for verdict in verdicts]
    yield "date", [day(side) or "-" for side in sides]
    yield "verdict", list(outcomes)
    yield "seeds", [" ".join("?" if s.seed is None else str(s.seed) for s in side.seeds) or "-" for side in sides]


def _rows(sides: Sequence[Side]) -> Iterable[tuple[str, Callable[[Any], str], list[Number], bool]]:
    """Yield label, formatter, the value of each record, and whether less is better."""
    verdicts = [side.verdict for side in sides]

    def each(get: Callable[[Verdict], Number]) -> list[Number]:
        return [get(verdict) for verdict in verdicts]

    yield "val_bpb", bpb_text, each(lambda v: v.score.mean_bpb if v.score else None), True
    yield "claimed", bpb_text, each(lambda v: v.score.claimed_bpb if v.score else None), False
    yield "sd", bpb_text, each(lambda v: v.score.sd_bpb if v.score else None), False
    yield nats_label(sides), nats_text, each(lambda v: v.score.mean_nats if v.score else None), False
    yield "to A, bpb", delta_text, [side.gain.delta_bpb if side.gain else None for side in sides], False
    yield (
        "to A, nats" if same_tokens(sides) else f"to A, {nats_label(sides)}",
        delta_text,
        [side.gain.delta_nats if side.gain else None for side in sides],
        False,
    )
    yield "p (gain > 0)", p_text, [side.gain.p_zero if side.gain else None for side in sides], False
    yield "bytes, total", bytes_text, each(lambda v: v.size.total_bytes if v.size else None), True
    for part in ("model", "code"):
        yield f"bytes, {part}", bytes_text, each(lambda v, part=part: _logged(v, part)), True  # type: ignore[misc]
    yield "bytes per token", ratio_text, each(lambda v: v.token_bytes.bytes_per_token if v.token_bytes else None), False
    yield "training, s", seconds_text, each(lambda v: v.time.train_ms if v.time else None), True
    yield "evaluation, s", seconds_text, each(lambda v: v.time.eval_ms if v.time else None), True
    yield "step, ms", step_ms_text, each(lambda v: v.time.step_ms if v.time else None), True


def _logged(verdict: Verdict, part: str) -> int | None:
    rows = [row for row in verdict.ledger if row.part == part]
    return rows[0].logged_bytes if rows else None


def _cell(value: Number, text: Callable[[Any], str], best: bool) -> Text:
    return Text("-", "dim") if value is None else Text(text(value), "ok" if best else "")


def _findings(difference: Difference) -> Table:
    table = _table(difference.sides)
    table.show_header = False
    for row in difference.findings:
        cells = [Text("-", "dim") if not each else Text(safe(each[0].message, 200)) for each in row.findings]
        table.add_row(Text(f"{row.severity.label} {row.rule}", "dim"), *cells)
    return table
