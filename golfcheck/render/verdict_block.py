"""The numbers of one verdict for people: each line has a value, its limit and the margin between them."""

from collections.abc import Iterator

from golfcheck.core.numbers import (
    bpb_text,
    bytes_text,
    cap_text,
    counted,
    delta_text,
    df_text,
    headroom_text,
    nats_text,
    overtime_text,
    p_text,
    ratio_text,
    seconds_text,
    t_text,
)
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.text import fit, safe, width
from golfcheck.core.verdict import ScoreSummary, SizeSummary, TimeSummary, ToBeat, TokenBytes, Verdict
from golfcheck.render.page import Page

Segment = tuple[str, str]  # text and style

BAR_COLUMNS = 32
_NAME_CHARS = 120
_LABEL_COLUMNS = 10


def block(verdict: Verdict, page: Page) -> list[str]:
    """Return the header and those of the lines score, size, time, bytes and to beat whose values are known."""
    lines = header(verdict, page)
    if verdict.score:
        lines += page.flow("  score", _score(verdict.score))
    if verdict.size:
        lines += page.flow("  size", _size(verdict.size, page))
    if verdict.time and (time := list(_time(verdict.time))):
        lines += page.flow("  time", time)
    if verdict.token_bytes:
        lines += page.flow("  bytes", _token_bytes(verdict.token_bytes, verdict))
    if verdict.to_beat:
        lines += _to_beat(verdict.to_beat, verdict, page)
    return lines


def header(verdict: Verdict, page: Page) -> list[str]:
    """Return the record's name, author and date, and below them its path."""
    name = safe(verdict.name or verdict.path, _NAME_CHARS)
    tail = _LABEL_COLUMNS // 3 * " " + "   ".join(safe(text, 40) for text in (verdict.author, day(verdict)) if text)
    room = page.columns - width(tail)
    title = fit(name, room)
    gap = max(0, min(56, room) - width(title))
    lines = [page.paint(title, "bold") + (" " * gap + tail if tail.strip() else "")]
    if verdict.name:
        lines += [page.paint(line, "dim") for line in page.prose(safe(verdict.path, 400), "  ", "  ")]
    return lines


def day(verdict: Verdict) -> str:
    """Return the record's date, without the time of day; "" if it has none."""
    return safe((verdict.date or "")[:10])


def mark(verdict: Verdict, rule: str) -> Segment:
    """Return the outcome of `rule`: ok, the severity of its finding, or that it was not checked."""
    if rule in verdict.passed:
        return "ok", "ok"
    findings = [finding for finding in verdict.findings if finding.rule == rule]
    if not findings:
        return "not checked", "dim"
    worst = max(finding.severity for finding in findings).label
    return (worst, worst) if any(finding.waived is None for finding in findings) else ("waived", "dim")


def seeds_text(seeds: tuple[int | None, ...]) -> str:
    """Return `3 seeds (314 42 999)`; an unknown seed is `?`."""
    named = " ".join("?" if seed is None else str(seed) for seed in seeds)
    return f"{counted(len(seeds), 'seed')} ({named})" if seeds else "no seed"


def _score(score: ScoreSummary) -> Iterator[Segment]:
    if score.mean_bpb is not None:
        yield f"{bpb_text(score.mean_bpb)} bpb", "bold"
    if score.mean_nats is not None:
        yield f"{nats_text(score.mean_nats)} nats/tok", ""
    if score.claimed_bpb is not None and (score.mean_bpb is None or abs(score.claimed_bpb - score.mean_bpb) > 5e-5):
        yield f"claimed {bpb_text(score.claimed_bpb)}", "warning"
    yield seeds_text(score.seeds), ""
    if score.sd_bpb is not None:
        yield f"sd {bpb_text(score.sd_bpb)}", ""
    yield (
        (safe(score.name, 60), "dim") if score.name else (safe(score.chosen, 200) or "no score in the logs", "warning")
    )
    if score.left_out:
        yield f"{counted(len(score.left_out), 'run')} left out; judged: {safe(score.chosen, 80)}", "dim"


def _size(size: SizeSummary, page: Page) -> Iterator[Segment]:
    left_bytes = size.cap_bytes - size.total_bytes
    yield f"{bytes_text(size.total_bytes)} / {bytes_text(size.cap_bytes)}", "bold"
    yield page.bar(size.total_bytes / size.cap_bytes, BAR_COLUMNS), "ok" if left_bytes >= 0 else "error"
    yield headroom_text(left_bytes), "" if left_bytes >= 0 else "error"
    if size.seed is not None:
        yield f"(worst seed {size.seed})", "dim"


def _time(time: TimeSummary) -> Iterator[Segment]:
    for name, spent_ms, cap_ms, step_ms in (
        ("train", time.train_ms, time.train_cap_ms, time.step_ms),
        ("eval", time.eval_ms, time.eval_cap_ms, None),
    ):
        if spent_ms is None:
            continue
        spent = f"{name} {seconds_text(spent_ms)} s"
        if cap_ms is None:
            yield f"{spent} (no cap)", ""
        else:
            yield f"{spent} / {cap_text(cap_ms)} ({_margin(spent_ms - cap_ms, step_ms)})", ""


def _margin(over_ms: float, step_ms: float | None) -> str:
    """Say how far from its cap a time is; a run ends between steps, so up to two steps late is normal."""
    if over_ms <= 0:
        return f"{seconds_text(-over_ms)} left"
    steps = over_ms / step_ms if step_ms else None
    if steps is not None and steps <= 1:
        return f"{overtime_text(over_ms)}: within one step"
    if steps is not None and steps <= 2:
        return f"{overtime_text(over_ms)}: within two steps"
    return f"{overtime_text(over_ms)}: over the cap"


def _token_bytes(tokens: TokenBytes, verdict: Verdict) -> Iterator[Segment]:
    tokenizer = f"= {safe(tokens.tokenizer, 80)}" if tokens.tokenizer else "= unknown tokenizer"
    yield f"{ratio_text(tokens.bytes_per_token)} per token {tokenizer}", ""
    yield mark(verdict, "bytes-not-conserved")


def _to_beat(rival: ToBeat, verdict: Verdict, page: Page) -> list[str]:
    dated = safe(rival.on or day(verdict))
    when = f"frontier on {dated}: " if dated else ""
    frontier = f"({when}{safe(rival.name, 80)})"
    lines = page.flow("  to beat", [(bpb_text(rival.bpb), "bold"), (frontier, "dim")])
    difference: list[Segment] = [(f"{delta_text(rival.delta_bpb)} bpb", "ok" if rival.delta_bpb < 0 else "error")]
    if rival.delta_nats is not None:
        difference.append((f"{delta_text(rival.delta_nats)} nats/tok", ""))
    if rival.t is not None:
        difference.append((f"Welch t {t_text(rival.t)}", ""))
    if rival.df is not None:
        difference.append((f"df {df_text(rival.df)}", ""))
    lines += page.flow("", difference)
    if rival.reason:
        lines += page.prose(safe(f"no test: {rival.reason}"), " " * _LABEL_COLUMNS, " " * _LABEL_COLUMNS)
    for ruleset in sorted(RULESETS.values(), key=lambda ruleset: ruleset.margin_nats):
        p = rival.p_margin if ruleset.margin_nats else rival.p_zero
        if p is not None:
            lines += page.flow("", _gain(rival, p, ruleset.name, verdict.ruleset))
    return lines


def _gain(rival: ToBeat, p: float, name: str, chosen: str) -> Iterator[Segment]:
    """One ruleset's line: the gain it requires, p, and its threshold; that of the chosen ruleset is highlighted."""
    ruleset = RULESETS[name]
    asked = f"gain > {rival.margin_nats:g} nats" if ruleset.margin_nats else "gain > 0"
    holds = p < ruleset.alpha
    yield f"{asked:<18}", ""
    yield f"p {p_text(p)}", ""
    yield ("ok", "ok") if holds else ("no", "warning" if name == chosen else "dim")
    limit = f"{name}: < {ruleset.alpha:g}"
    if ruleset.margin_nats and rival.ci_nats is not None:
        limit += f"; 95% CI {delta_text(rival.ci_nats[0])} .. {delta_text(rival.ci_nats[1])}"
    yield f"({limit})", "dim"
