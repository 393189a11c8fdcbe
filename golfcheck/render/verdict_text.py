"""The text format: one record in full, many in brief, and a summary by rule."""

from collections import Counter
from collections.abc import Sequence
from os.path import commonpath

from golfcheck.core.numbers import bpb_text, took_text
from golfcheck.core.outcome import MEANINGS, Outcome, outcome
from golfcheck.core.text import fit, safe, shell_word, width
from golfcheck.core.verdict import Severity, Verdict
from golfcheck.render.counts import counts_text, outcomes_text
from golfcheck.render.findings import briefly, findings
from golfcheck.render.ledger import disagrees, ledger
from golfcheck.render.page import Page
from golfcheck.render.verdict_block import block, day

_STYLE = {
    Outcome.INVALID: "error",
    Outcome.REVIEW: "warning",
    Outcome.UNVERIFIED: "warning",
    Outcome.VALID: "ok",
    Outcome.RECORD: "ok",
}
_IN_FULL = 3  # more records than this get a line each, with their errors and warnings


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the text for people: up to three records in full (all with `verbose`), more of them in brief."""
    lines: list[str] = []
    if len(verdicts) <= _IN_FULL or page.verbose:
        is_only = len(verdicts) == 1
        for verdict in verdicts:
            lines += [*_in_full(verdict, page, _run_time(page) if is_only else []), ""]
    else:
        lines += _in_short(verdicts, page)
    if len(verdicts) > 1:
        lines += summary(verdicts, page)
    return page.text(lines)


def _run_time(page: Page) -> list[tuple[str, str]]:
    """Return how long this run took; verdicts from the cache took no time."""
    return [] if page.run_seconds is None else [(took_text(page.run_seconds), "dim")]


def _in_full(verdict: Verdict, page: Page, time: list[tuple[str, str]]) -> list[str]:
    lines = block(verdict, page)
    if verdict.ledger and (page.verbose or disagrees(verdict)):
        lines += ["", *ledger(verdict, page)]
    lines += [*findings(verdict.findings, page), ""]
    if page.verbose and verdict.score and verdict.score.left_out:
        lines.append(page.paint("  runs left out", "bold"))
        for run in verdict.score.left_out:
            lines += page.prose(safe(run), "    ", " " * 6)
        lines.append("")
    if page.verbose and verdict.skipped:
        lines.append(page.paint("  could not be checked", "bold"))
        reasons: dict[str, list[str]] = {}
        for skipped in verdict.skipped:
            reasons.setdefault(skipped.reason, []).append(skipped.rule)
        for reason, rules in reasons.items():
            names, why = ", ".join(rules), safe(reason)
            lines += page.prose(f"{names}: {why}" if len(rules) <= 3 else f"{why}: {names}", "    ", " " * 6)
        lines.append("")
    lines += page.flow("VERDICT", [*_verdict_line(verdict, page), *time], indent=9)
    lines += [page.paint(line, "dim") for line in page.prose(MEANINGS[outcome(verdict)], " " * 9, " " * 9)]
    return [*lines, *_next(verdict, page)]


def _verdict_line(verdict: Verdict, page: Page) -> list[tuple[str, str]]:
    word = outcome(verdict)
    checks = f"{len(verdict.passed) + len({finding.rule for finding in verdict.findings})} checks"
    if verdict.skipped:
        checks += f", {len(verdict.skipped)} skipped"
        checks += "" if page.verbose else " (golfcheck verify -v says why)"
    return [(word, _STYLE[word]), (counts_text([verdict]), ""), (checks, "")]


def _next(verdict: Verdict, page: Page) -> list[str]:
    """Return the command to type next: about the worst finding or, if there is none, how to go on."""
    counted = [finding for finding in verdict.findings if finding.waived is None]
    worst = max(counted, key=lambda finding: finding.severity, default=None)
    path = shell_word(verdict.path)
    if worst is not None and worst.severity > Severity.INFO:
        text = f"golfcheck explain {worst.rule}"
    elif any(row.part == "model" and row.disk_bytes for row in verdict.ledger):
        text = f"golfcheck rescore {path}"
    else:
        text = f"golfcheck verify {path} --format markdown   (for the pull request)"
    return [page.paint(f"next     {text}", "dim")]


def _in_short(verdicts: Sequence[Verdict], page: Page) -> list[str]:
    """Return a line for each record and, below it, what needs a person's attention."""
    above = _common_folder([verdict.path for verdict in verdicts])
    lines = [page.paint(f"records in {safe(above, 400)}", "dim"), ""] if above else []
    for verdict in verdicts:
        word = outcome(verdict)
        score = verdict.score.mean_bpb or verdict.score.claimed_bpb if verdict.score else None
        bpb = bpb_text(score) if score is not None else "      -"
        name = safe(verdict.path.removeprefix(above), 400)
        about = "  ".join(safe(text, 30) for text in (verdict.author, day(verdict)) if text)
        line = f"{page.paint(f'{word:<7}', _STYLE[word])}  {bpb}  {page.paint(fit(name, page.columns - 18), 'bold')}"
        lines.append(line + ("" if 20 + width(name) + width(about) > page.columns else page.paint(f"  {about}", "dim")))
        lines += briefly(verdict.findings, page)
    return lines


def _common_folder(paths: Sequence[str]) -> str:
    """Return the folder, with its slash, that all of `paths` are in; "" for none."""
    try:
        common = commonpath([path.rpartition("/")[0] for path in paths])
    except ValueError:  # some are absolute, some are not
        return ""
    return f"{common.rstrip('/')}/" if common else ""


def summary(verdicts: Sequence[Verdict], page: Page) -> list[str]:
    """Return the counts of many verdicts: findings by rule, records by outcome, and what to type next."""
    counts = Counter[tuple[str, Severity]]()
    records: dict[str, set[str]] = {}
    for verdict in verdicts:
        for finding in verdict.findings:
            if finding.waived is None:
                counts[finding.rule, finding.severity] += 1
                records.setdefault(finding.rule, set()).add(verdict.path)
    lines = [""]
    if records:
        columns = max(map(len, records))
        lines.append(page.paint(f"{'rule':<{columns}}  records  errors  warnings  info", "dim"))
        for rule in sorted(records, key=lambda rule: _weight(rule, counts), reverse=True):
            cells = [counts[rule, severity] for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)]
            numbers = f"{len(records[rule]):>7}  {cells[0] or '':>6}  {cells[1] or '':>8}  {cells[2] or '':>4}"
            lines.append(f"{rule:<{columns}}  {numbers}".rstrip())
        lines.append("")
    counted = [(outcomes_text(verdicts), "bold"), (counts_text(verdicts), "")]
    lines += page.flow("VERDICT", [*counted, *_run_time(page)], indent=9)
    worst = max(records, key=lambda rule: _weight(rule, counts), default=None)
    lines.append(page.paint(f"next     golfcheck explain {worst}" if worst else "", "dim"))
    return lines


def _weight(rule: str, counts: Counter[tuple[str, Severity]]) -> tuple[int, ...]:
    return tuple(counts[rule, severity] for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO))
