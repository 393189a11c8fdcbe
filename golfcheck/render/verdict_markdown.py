"""The markdown format: a pull request's comment or a step summary.

All text from the submission is in code spans, where GitHub interprets no HTML, links, mentions or references.
"""

import re
from collections.abc import Sequence

from golfcheck.core.numbers import (
    bpb_text,
    bytes_text,
    cap_text,
    delta_text,
    headroom_text,
    nats_text,
    p_text,
    ratio_text,
    seconds_text,
)
from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.text import safe
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.render.counts import counts_text, outcomes_text
from golfcheck.render.findings import in_order, location
from golfcheck.render.page import Page
from golfcheck.render.verdict_block import mark, seeds_text

_SIGN = {
    Outcome.INVALID: "❌",
    Outcome.REVIEW: "⚠️",
    Outcome.UNVERIFIED: "❔",
    Outcome.VALID: "✅",
    Outcome.RECORD: "🏆",
}
_MAX_CHARS = 60_000  # a comment on GitHub holds 65,536
_CUT = "\n_The rest does not fit here: run_ `golfcheck verify`"


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return a table of all records if there are many, and a section for each that a comment has room for.

    A section has the numbers, the findings, and the checks that could not run.
    """
    lines: list[str] = []
    if len(verdicts) > 1:
        lines += [f"**{outcomes_text(verdicts)}**; {counts_text(verdicts)}", ""]
        lines += ["| | record | val_bpb | errors | warnings |", "|---|---|---|---|---|", *map(_line, verdicts), ""]
    for verdict in verdicts:
        lines += _section(verdict)
    room = _MAX_CHARS
    for count, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            lines[count:] = [_CUT]
            break
    return "\n".join(lines).rstrip("\n") + "\n"


def code(text: str) -> str:
    """Return `text` as a code span, fenced by more backticks than it has in a row."""
    text = safe(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if longest or not text.strip() else ""
    return f"{fence}{blank}{text}{blank}{fence}"


def _line(verdict: Verdict) -> str:
    word = outcome(verdict)
    score = verdict.score.mean_bpb if verdict.score else None
    bpb = "" if score is None else bpb_text(score)
    counts = f"{verdict.count(Severity.ERROR) or ''} | {verdict.count(Severity.WARNING) or ''}"
    return f"| {_SIGN[word]} {word} | {table_cell(code(verdict.path))} | {bpb} | {counts} |"


def _section(verdict: Verdict) -> list[str]:
    word = outcome(verdict)
    lines = [f"### {_SIGN[word]} {word}: {code(verdict.name or verdict.path)}", ""]
    facts = [code(fact) for fact in (verdict.author, verdict.date, verdict.path) if fact]
    lines += [" · ".join(facts), "", "| | | |", "|---|---|---|", *numbers(verdict), ""]
    findings = in_order(verdict.findings)
    if findings:
        lines += ["| | where | what |", "|---|---|---|", *(_row(finding) for finding in findings), ""]
    checks = len(verdict.passed) + len({finding.rule for finding in findings})
    lines.append(f"{counts_text([verdict])}; {checks} checks, ruleset {code(verdict.ruleset)}")
    if verdict.skipped:
        lines += ["", f"<details><summary>not checked: {len(verdict.skipped)}</summary>", ""]
        lines += [f"- `{skipped.rule}`: {code(skipped.reason)}" for skipped in verdict.skipped]
        lines += ["", "</details>"]
    return [*lines, ""]


def numbers(verdict: Verdict) -> list[str]:
    """Return the rows of the table of numbers: what, value, limit or margin."""
    rows: list[tuple[str, str, str]] = []
    if (score := verdict.score) is not None:
        value = "not in the logs" if score.mean_bpb is None else f"**{bpb_text(score.mean_bpb)}** bpb"
        value += "" if score.mean_nats is None else f", {nats_text(score.mean_nats)} nats per token"
        claimed = "" if score.claimed_bpb is None else f"; claimed {bpb_text(score.claimed_bpb)}"
        rows.append(("score", value, seeds_text(score.seeds) + claimed))
    if (size := verdict.size) is not None:
        left = size.cap_bytes - size.total_bytes
        margin = headroom_text(left) if left >= 0 else f"**{headroom_text(left)}**"
        rows.append(("size", f"{bytes_text(size.total_bytes)} bytes", f"{margin} of {bytes_text(size.cap_bytes)}"))
    if (time := verdict.time) is not None:
        for name, spent, cap in (
            ("training", time.train_ms, time.train_cap_ms),
            ("evaluation", time.eval_ms, time.eval_cap_ms),
        ):
            if spent is not None:
                limit = (
                    "no cap"
                    if cap is None
                    else f"{seconds_text(abs(cap - spent))} s {_side(spent, cap)} of {cap_text(cap)} s"
                )
                rows.append((name, f"{seconds_text(spent)} s", limit))
    if (tokens := verdict.token_bytes) is not None:
        tokenizer = code(tokens.tokenizer) if tokens.tokenizer else "unknown tokenizer"
        conserved = mark(verdict, "bytes-not-conserved")[0]
        rows.append(("bytes per token", ratio_text(tokens.bytes_per_token), f"{tokenizer}: {conserved}"))
    if (rival := verdict.to_beat) is not None:
        nats = "" if rival.delta_nats is None else f", {delta_text(rival.delta_nats)} nats per token"
        tests = [
            f"gain > {margin}: p {p_text(p)}"
            for margin, p in (("0", rival.p_zero), (f"{rival.margin_nats:g} nats", rival.p_margin))
            if p is not None
        ]
        why = code(rival.reason) if rival.reason else ""
        rows.append(
            (f"to beat {bpb_text(rival.bpb)}", f"{delta_text(rival.delta_bpb)} bpb{nats}", "; ".join(tests) or why)
        )
    return [f"| {' | '.join(map(table_cell, row))} |" for row in rows]


def _side(spent_ms: float, cap_ms: float) -> str:
    return "left" if spent_ms <= cap_ms else "over the cap"


def _row(finding: Finding) -> str:
    word = f"**{finding.severity.label}**" if finding.waived is None else "waived"
    note = finding.hint if finding.waived is None else f"reason given: {code(finding.waived)}"
    cells = (f"{word} `{finding.rule}`", code(location(finding)), f"{code(finding.message)}<br>{note}")
    return f"| {' | '.join(table_cell(cell.removesuffix('<br>')) for cell in cells)} |"


def table_cell(text: str) -> str:
    """Return Markdown for a cell of a table."""
    return text.replace("|", "\\|")  # a table is split into cells before code spans are seen
