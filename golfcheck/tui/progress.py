"""How far a run is, in a few lines: the bar to its cap, its numbers, its gap to the record, its projection."""

from pathlib import Path

from textual.content import Content

from golfcheck.text import fit, safe
from golfcheck.tui.glyphs import ASCII, Glyphs, bar
from golfcheck.tui.sheet import plain
from golfcheck.watch import Progress, State

_STATES = {
    State.WAITING: "$warning",
    State.STARTING: "$secondary",
    State.TRAINING: "bold $success",
    State.EVALUATING: "$secondary",
    State.FINISHED: "bold $primary",
}


def report(found: Progress, log: Path, beside: str, columns: int, g: Glyphs) -> Content:
    """Return the lines, none wider than `columns`; `beside` is the name of the record, a stranger's text."""
    lines = [_head(found, log, columns, g), _bar(found, columns, g), _numbers(found, columns, g)]
    lines += [_gap(found, beside, columns, g), *_projection(found, columns, g)]
    return Content("\n").join(lines)


def _head(found: Progress, log: Path, columns: int, g: Glyphs) -> Content:
    warning = found.stall or found.note
    parts = [Content.styled(found.state.value, _STATES[found.state])]
    if found.seed is not None:
        parts.append(Content(f"seed {found.seed}"))
    if found.run_number > 1:
        parts.append(Content(f"run {found.run_number} of this log"))
    if warning:
        said = plain(safe(warning, 160)) if g is ASCII else safe(warning, 160)
        parts.append(Content.styled(f"{g.up} {said}", "bold $warning"))
    elif found.state in (State.TRAINING, State.EVALUATING):
        parts.append(Content.styled(f"last line {found.idle_seconds:,.0f} s ago", "dim"))
    if found.past and not warning and found.state is not State.FINISHED:
        parts.append(Content.styled(found.past, "dim"))
    name = fit(safe(str(log), 200), max(12, columns - sum(len(part) + 2 for part in parts)))
    return Content("  ").join([Content.styled(name, "bold"), *parts]).truncate(columns)


def _bar(found: Progress, columns: int, g: Glyphs) -> Content:
    if found.share is None:
        return Content.styled("no training step yet", "dim")
    parts = [f"{found.share:.1%}"]
    if found.seconds is not None:
        cap = f" / {found.cap_seconds:,.0f}" if found.cap_seconds else ""
        parts.append(f"{found.seconds:,.1f}{cap} s")
    if found.left_seconds is not None:
        parts.append(f"{_clock(found.left_seconds)} left")
    if found.step is not None:
        parts.append(f"step {found.step:,}" + (f" / {found.iterations:,}" if found.iterations else ""))
    text = "  ".join(parts)
    room = max(8, min(60, columns - len(text) - 2))
    return Content.assemble(Content.styled(bar(found.share, room, g), "$primary on $surface"), "  ", text)


def _numbers(found: Progress, columns: int, g: Glyphs) -> Content:
    parts = []
    if found.score_bpb is not None:
        parts.append(f"score {found.score_bpb:.5f} bpb ({safe(found.score_name, 40)})")
    if found.val_bpb is not None:
        at = f" (step {found.val_step:,})" if found.val_step is not None else ""
        parts.append(f"validation {found.val_bpb:.4f} bpb{at}")
    if found.loss_nats is not None:
        parts.append(f"loss {found.loss_nats:.4f} nats")
    if found.step_ms is not None:
        average = f" (average {found.step_avg_ms:,.1f})" if found.step_avg_ms is not None else ""
        parts.append(f"{found.step_ms:,.1f} ms a step{average}")
    if found.tokens_per_second is not None:
        parts.append(f"{_thousands(found.tokens_per_second)} tokens/s")
    return Content(fit(f" {g.dot} ".join(parts) or " ", columns))


def _gap(found: Progress, beside: str, columns: int, g: Glyphs) -> Content:
    if found.gap is None:
        return Content.styled(fit(f"beside the best record: {found.no_gap or 'no training step yet'}", columns), "dim")
    name = fit(safe(beside), max(12, columns - 60))
    if found.gap.unsure:
        so_far = f"; {found.gap.bpb:+.4f} bpb so far" if found.gap.unsure.startswith("too close") else ""
        return Content.styled(fit(f"{found.gap.unsure}{so_far}, beside {name}", columns), "dim")
    ahead = found.gap.bpb < 0
    sign, word, style = (g.down, "ahead of", "bold $success") if ahead else (g.up, "behind", "bold $error")
    count = found.gap.points
    what = f"at the same second, mean of {count} point{'s' * (count != 1)}" if count else "in the final score"
    return Content.assemble(
        Content.styled(f"{sign} {abs(found.gap.bpb):.4f} bpb {word}", style), f" {name} ", Content.styled(what, "dim")
    ).truncate(columns)


def _projection(found: Progress, columns: int, g: Glyphs) -> list[Content]:
    told = found.projection
    if told is None:
        return [Content.styled(fit(f"no projection: {found.no_projection or 'no training step yet'}", columns), "dim")]
    plus = "+-" if g is ASCII else "±"
    half, most = told.other_code_bpb
    same_half, same_most = told.same_code_bpb
    return [
        Content.assemble(
            Content.styled(f"projected {told.score_bpb:.4f} {plus}{most:.3f} bpb", "bold"),
            Content.styled(" if that gap stays: the record's score plus the gap", "dim"),
        ).truncate(columns),
        Content.styled(
            fit(
                f"of real runs at this point, half ended within {plus}{half:.3f}, 9 in 10 within {plus}{most:.3f}"
                f" (same code: {plus}{same_half:.4f}, {plus}{same_most:.4f})",
                columns,
            ),
            "dim",
        ),
    ]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _thousands(count: float) -> str:
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count:,.0f}"
