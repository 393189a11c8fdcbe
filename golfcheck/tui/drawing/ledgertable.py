"""A record's bytes and seconds: the size ledger, its bar, and the numbers of each seed."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from golfcheck.core.numbers import (
    bpb_text,
    bytes_text,
    cap_text,
    headroom_share,
    headroom_text,
    ratio_text,
    seconds_text,
    step_ms_text,
)
from golfcheck.core.text import safe
from golfcheck.core.verdict import LedgerRow, Verdict
from golfcheck.submission.results import Result, train_ms

_BAR = 16
_SIZE_RULES = ("bytes-", "total-", "code-size", "artifact-size", "uncounted", "wrapper", "thin-margin")


def ledger(verdict: Verdict, results: tuple[Result, ...]) -> RenderableType:
    """Return everything known about a record's sizes and times, seed by seed."""
    parts: list[RenderableType] = [_cap(verdict), Text()]
    parts += [_sources(verdict), Text()] if verdict.ledger else []
    if verdict.size is None and not verdict.ledger:
        parts = [Text("no sizes are known", "dim"), Text()]
    about = [f for f in verdict.findings if f.rule.startswith(_SIZE_RULES)]
    for finding in about:
        parts.append(
            Text(f"{finding.severity.label}  {safe(finding.message)}", "warning" if finding.severity > 1 else "dim")
        )
    parts += [Text()] if about else []
    if results:
        parts += [_seeds(results), Text()]
    parts.append(_times(verdict))
    return Group(*parts)


def _cap(verdict: Verdict) -> Text:
    size = verdict.size
    if size is None:
        return Text("no log states the total size", "dim")
    left = size.cap_bytes - size.total_bytes
    full = round(headroom_share(left) * _BAR)  # a bar for the bytes used would be full for almost every record
    seed = f"  largest seed {size.seed}" if size.seed is not None else ""
    return Text.assemble(
        ("█" * full, "error" if left < 0 else "ok"),
        ("░" * (_BAR - full), "dim"),
        f"  {bytes_text(size.total_bytes)} / {bytes_text(size.cap_bytes)}  ",
        (headroom_text(left), "error" if left < 0 else "bold"),
        (seed, "dim"),
    )


def _sources(verdict: Verdict) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("bytes")
    for heading in ("file on disk", "log says", "submission.json"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for row in verdict.ledger:
        name = Text.assemble((row.part, "bold"), (f"  {safe(row.path, 60)}" if row.path else "", "dim"))
        counts = (row.disk_bytes, row.logged_bytes, row.claimed_bytes)
        distinct = {count for count in counts if count is not None}
        style = "warning" if len(distinct) > 1 else ""
        cells = [Text("-" if count is None else bytes_text(count), style) for count in counts]
        table.add_row(name, *cells, Text(_note(row, len(distinct) > 1), "dim"))
    return table


def _note(row: LedgerRow, differ: bool) -> str:
    return "; ".join(filter(None, ["the sources differ" if differ else "", safe(row.note, 200)]))


def _seeds(results: tuple[Result, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("seed", "val_bpb", "code", "model", "total", "train s", "eval s", "steps"):
        table.add_column(heading, justify="right", no_wrap=True)  # the log's name is shortened
    table.add_column("log", overflow="fold")
    for result in results:
        run, model, total, ms = result.run, result.model_bytes, result.total_bytes, train_ms(result.run)
        code = run.code_bytes[-1].size_bytes if run.code_bytes else None
        step = run.stop.step if run.stop else run.train[-1].step if run.train else None
        table.add_row(
            "-" if result.seed is None else str(result.seed),
            f"{bpb_text(result.score.val_bpb)}",
            _count(code),
            _count(model.size_bytes if model else None),
            _count(total.size_bytes if total else None),
            "-" if ms is None else seconds_text(ms),
            "-" if result.eval_ms is None else seconds_text(result.eval_ms),
            _count(step),
            Text(safe(f"{result.log.path}:{result.score.line}", 80), "dim"),
        )
    return table


def _times(verdict: Verdict) -> RenderableType:
    time, tokens = verdict.time, verdict.token_bytes
    lines = []
    if time is not None and time.train_ms is not None:
        cap = f" / {cap_text(time.train_cap_ms)}" if time.train_cap_ms else ""
        lines.append(f"training    {seconds_text(time.train_ms)} s{cap}")
    if time is not None and time.eval_ms is not None:
        cap = f" / {cap_text(time.eval_cap_ms)}" if time.eval_cap_ms else ""
        lines.append(f"evaluation  {seconds_text(time.eval_ms)} s{cap}")
    if time is not None and time.step_ms is not None:
        lines.append(f"step        {step_ms_text(time.step_ms)} ms on average")
    if tokens is not None:
        name = f" = {tokens.tokenizer}" if tokens.tokenizer else ""
        lines.append(f"bytes       {ratio_text(tokens.bytes_per_token)} per token{name}")
    return Text("\n".join(lines))


def _count(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"
