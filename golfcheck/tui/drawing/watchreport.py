"""Report on a run in a few lines: progress toward the cap, numbers, gap to the record, projected score.

If a line is wider than the screen, whole parts are dropped, the least important first, and names are shortened.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from golfcheck.core.numbers import (
    bpb_text,
    counted,
    margin_text,
    percent_text,
    rough_delta_text,
    rough_text,
    seconds_text,
    short_count_text,
    step_ms_text,
    whole_seconds_text,
)
from golfcheck.core.text import fit, safe, width
from golfcheck.live.pace import Gap
from golfcheck.live.runprogress import RunProgress, RunState
from golfcheck.tui.drawing.glyphs import ASCII, Glyphs, bar

_NAME_COLUMNS = 12  # for a record's name; with less room another part is dropped
_PATH_COLUMNS = 16  # for the log's path, likewise
_BAR_COLUMNS = 8, 60
_STATES = {
    RunState.WAITING: "$warning",
    RunState.STARTING: "$secondary",
    RunState.TRAINING: "bold $success",
    RunState.EVALUATING: "$secondary",
    RunState.FINISHED: "bold $primary",
}


def report(run: RunProgress, log: Path, rival: str, columns: int, g: Glyphs) -> Content:
    """Return the lines, none wider than `columns`; `rival` is the untrusted name of what the run is compared with."""
    lines = [*_head(run, log, columns, g), _bar(run, columns, g), _numbers(run, columns, g)]
    lines += [_gap(run, safe(rival), columns, g), *_projection(run, columns, g)]
    lines += [_machine(run, columns, g)] if run.gpus or run.peak_memory_mib is not None else []
    return Content("\n").join(lines)


def brief(run: RunProgress | None, log: Path, columns: int, g: Glyphs, *, chosen: bool) -> Content:
    """Return a line about one of several runs: its progress, and whether it is the one reported in full."""
    parts = [(0, "", f"{g.mark if chosen else ' '} {_end(safe(str(log)), 28)}", "bold" if chosen else "")]
    if run is None:
        return _fitting([*parts, (1, "  ", "reading", "dim")], columns)
    if run.seed is not None:
        parts.append((2, "  ", f"seed {run.seed}", ""))
    parts.append((1, "  ", run.state.value, _STATES[run.state]))
    parts += [(6, "  ", warning, "bold $warning") for warning in (run.diverged, run.stall) if warning]
    if run.share is not None:
        parts.append((3, "  ", percent_text(run.share, 1), ""))
        parts.append((5, "  ", _steps(run), "dim"))
    if run.score_bpb is not None:
        parts.append((4, "  ", f"score {bpb_text(run.score_bpb)} bpb", "bold"))
    elif run.loss_nats is not None:
        parts.append((4, "  ", f"loss {rough_text(run.loss_nats)}", ""))
    return _fitting(parts, columns)


def _machine(run: RunProgress, columns: int, g: Glyphs) -> Content:
    """Return the GPUs and the peak memory, if the log states them."""
    parts = []
    counts = Counter(safe(name, 40) for name in run.gpus)
    for index, (name, count) in enumerate(counts.items()):
        parts.append((index, f" {g.dot} ", f"{count}x {name}", "dim"))
    if run.peak_memory_mib is not None:
        parts.append((len(counts), f" {g.dot} ", f"peak memory {run.peak_memory_mib:,} MiB per GPU", "dim"))
    return _fitting(parts, columns)


def summary(run: RunProgress, log: Path, rival: str) -> str:
    """Return the report as one line to copy; it is not safe to print."""
    number = f"run {run.run_number} of this log" if run.run_number > 1 else ""
    parts = [str(log), run.state.value, f"seed {run.seed}" if run.seed is not None else "", number]
    parts += [run.diverged, run.stall, run.note]
    if run.share is not None:
        parts += [percent_text(run.share, 1), _steps(run, of=True), _seconds(run)]
    if run.score_bpb is not None:
        parts.append(f"score {bpb_text(run.score_bpb)} bpb ({run.score_name})")
    elif run.loss_nats is not None:
        parts.append(f"loss {rough_text(run.loss_nats)} nats")
    if run.gap is None:
        parts.append(f"no gap: {run.no_gap}" if run.no_gap else "")
    else:
        unsure = f", {run.gap.unsure}" if run.gap.unsure else ""
        parts.append(f"{_bpb(run.gap)} {rival} {_when(run.gap)}{unsure}")
    if run.projection is not None:
        parts.append(
            f"projected {rough_text(run.projection.score_bpb)} ±{margin_text(run.projection.other_code_bpb[1])} bpb"
        )
    elif run.no_projection and run.score_bpb is None:
        parts.append(f"no projection: {run.no_projection}")
    return "; ".join(filter(None, parts))


def _head(run: RunProgress, log: Path, columns: int, g: Glyphs) -> list[Content]:
    """Return the first line, and a second one if the warning does not fit into it."""
    warnings = [g.plain(safe(said, 160)) for said in (run.diverged, run.stall, run.note) if said]
    parts = [(0, "", run.state.value, _STATES[run.state])]
    if run.seed is not None:
        parts.append((1, "  ", f"seed {run.seed}", ""))
    if run.run_number > 1:
        parts.append((3, "  ", f"run {run.run_number} of this log", ""))
    if not warnings and run.state in (RunState.TRAINING, RunState.EVALUATING):
        parts.append((2, "  ", f"last line {whole_seconds_text(run.idle_seconds)} s ago", "dim"))
    if not warnings and run.past and run.state is not RunState.FINISHED:
        parts.append((4, "  ", run.past, "dim"))
    name = safe(str(log))
    least = min(width(name), _PATH_COLUMNS)
    facts = _fitting(parts, columns - least - 2)
    room = columns - 2 - len(facts)
    warning = _first_that_fits([f"{g.up} {'; '.join(warnings[:n])}" for n in range(len(warnings), 0, -1)], columns)
    within = warnings and width(warning) + 2 <= room - least
    if within:
        room -= width(warning) + 2
    line = [Content.styled(_end(name, max(1, room)), "bold"), facts]
    said = Content.styled(warning, "bold $warning")
    if within:
        return [Content("  ").join([*line, said])]
    return [Content("  ").join(line), *([said] if warnings else [])]


def _bar(run: RunProgress, columns: int, g: Glyphs) -> Content:
    if run.share is None:
        return Content.styled("no training step yet", "dim")
    parts = [(0, "", percent_text(run.share, 1), "")]
    if run.seconds is not None:
        parts.append((1, "  ", _seconds(run), ""))
    if run.left_seconds is not None:
        parts.append((3, "  ", f"{_clock(run.left_seconds)} left", ""))
    if run.step is not None:
        parts.append((2, "  ", _steps(run), ""))
        parts.append((4, "", _steps(run, of=True).removeprefix(_steps(run)), ""))
    least, most = _BAR_COLUMNS
    text = _fitting(parts, columns - least - 2)
    room = max(least, min(most, columns - len(text) - 2))
    return Content.assemble(Content.styled(bar(run.share, room, g), "$primary on $surface"), "  ", text)


def _numbers(run: RunProgress, columns: int, g: Glyphs) -> Content:
    dot = f" {g.dot} "
    parts = []
    if run.score_bpb is not None:
        parts.append((0, dot, f"score {bpb_text(run.score_bpb)} bpb", ""))
        parts.append((2, " ", f"({safe(run.score_name, 40)})", ""))
    if run.val_bpb is not None:
        said = f"validation {rough_text(run.val_bpb)} bpb"
        if run.val_step == 0:  # of untrained weights: misleading without the step
            parts.append((6, dot, f"{said} (step 0)", ""))
        else:
            parts.append((3, dot, said, ""))
            parts += [(6, " ", f"(step {run.val_step:,})", "")] if run.val_step is not None else []
    if run.loss_nats is not None:
        parts.append((1, dot, f"loss {rough_text(run.loss_nats)} nats", ""))
    if run.step_ms is not None:
        parts.append((4, dot, f"{step_ms_text(run.step_ms)} ms/step", ""))
        if run.step_avg_ms is not None:
            parts.append((7, " ", f"(average {step_ms_text(run.step_avg_ms)})", ""))
    if run.tokens_per_second is not None:
        parts.append((5, dot, f"{short_count_text(run.tokens_per_second)} tokens/s", ""))
    return _fitting(parts, columns) if parts else Content(" ")


def _gap(run: RunProgress, name: str, columns: int, g: Glyphs) -> Content:
    now = run.gap
    if now is None:
        leads = ("against the best record: ", "no gap: ")
        return Content.styled(_because(leads, run.no_gap or "no training step yet", columns), "dim")
    least = min(width(name), _NAME_COLUMNS)
    if now.unsure:
        short = now.unsure.partition(" (")[0]
        so_far = f"; {rough_delta_text(now.bpb)} bpb so far" if short.startswith("too close") else ""
        said = [f"{now.unsure}{so_far}", f"{short}{so_far}"]
        for text in said:
            if (room := columns - len(text) - len(", against ")) >= least:
                return Content.styled(f"{text}, against {fit(name, room)}", "dim")
        return Content.styled(_first_that_fits(said, columns), "dim")
    sign, style = (g.down, "bold $success") if now.bpb < 0 else (g.up, "bold $error")
    lead = f"{sign} {_bpb(now)}"
    when = _when(now)
    for what in (when, when.partition(", ")[0]):
        if (room := columns - len(lead) - len(what) - 2) >= least:
            return Content.assemble(Content.styled(lead, style), f" {fit(name, room)} ", Content.styled(what, "dim"))
    return Content.assemble(Content.styled(lead, style), f" {fit(name, max(1, columns - len(lead) - 1))}")


def _projection(run: RunProgress, columns: int, g: Glyphs) -> list[Content]:
    expected = run.projection
    if expected is None:
        reason = run.no_projection or "no training step yet"
        return [Content.styled(_because(("no projection: ",), reason, columns), "dim")]
    plus = "+-" if g is ASCII else "±"
    half, most = (margin_text(bpb) for bpb in expected.other_code_bpb)
    same_half, same_most = expected.same_code_bpb
    score = f"projected {rough_text(expected.score_bpb)} {plus}{most} bpb"
    errors = f"at this point, half of real runs ended within {plus}{half}, 9 in 10 within {plus}{most}"
    return [
        _fitting(
            [
                (0, "", score, "bold"),
                (1, " ", "if this gap stays", "dim"),
                (2, "", ": the record's score plus the gap", "dim"),
            ],
            columns,
        ),
        Content.styled(
            _first_that_fits(
                [
                    f"{errors} (same code: {plus}{rough_text(same_half)}, {plus}{rough_text(same_most)})",
                    errors,
                    f"half of real runs ended within {plus}{half}, 9 in 10 {plus}{most}",
                ],
                columns,
            ),
            "dim",
        ),
    ]


def _fitting(parts: Sequence[tuple[int, str, str, str]], columns: int) -> Content:
    """Return the parts that fit on a line. Each has a rank, a separator before it, a text and a style.

    The part with the highest rank is dropped first; a part in parentheses has a higher rank than the one before it.
    """
    remaining = list(parts)
    while (
        len(remaining) > 1
        and sum(width(joint + text) for _, joint, text, _ in remaining) - len(remaining[0][1]) > columns
    ):
        remaining.remove(max(remaining))
    (_, _, first, style), *rest = remaining
    line = Content.styled(fit(first, max(1, columns)), style)
    return Content.assemble(line, *((joint + text, style) for _, joint, text, style in rest))


def _first_that_fits(texts: Sequence[str], columns: int) -> str:
    """Return the first text that fits, or the last one, shortened."""
    return next((text for text in texts if width(text) <= columns), fit(texts[-1], columns) if texts else "")


def _because(leads: Sequence[str], reason: str, columns: int) -> str:
    """Return why something is not shown; the part after the reason's colon may be dropped."""
    short = reason.partition(": ")[0]
    return _first_that_fits([lead + text for text in (reason, short) for lead in leads], columns)


def _end(text: str, columns: int) -> str:
    """Return the end of a path, which says more than its beginning, after an ellipsis if it was cut."""
    if width(text) <= columns:
        return text
    remaining = text[-columns:]
    while width(remaining) >= columns:
        remaining = remaining[1:]
    return "…" + remaining


def _bpb(gap: Gap) -> str:
    return f"{rough_text(abs(gap.bpb))} bpb {'ahead of' if gap.bpb < 0 else 'behind'}"


def _when(gap: Gap) -> str:
    count = gap.points
    return f"at the same second, mean of {counted(count, 'point')}" if count else "in the final score"


def _seconds(run: RunProgress) -> str:
    if run.seconds is None:
        return ""
    cap = f" / {whole_seconds_text(run.cap_seconds)}" if run.cap_seconds else ""
    return f"{seconds_text(1e3 * run.seconds)}{cap} s"


def _steps(run: RunProgress, *, of: bool = False) -> str:
    if run.step is None:
        return ""
    return f"step {run.step:,}" + (f" / {run.iterations:,}" if of and run.iterations else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
