"""How far a run is, in a few lines: the bar to its cap, its numbers, its gap to the record, its projection.

A line that is wider than the screen loses whole parts, the least important first; names are shortened.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from textual.content import Content

from golfcheck.core.numbers import bpb_text, counted
from golfcheck.core.text import fit, safe, width
from golfcheck.live.pace import Gap
from golfcheck.live.runprogress import RunProgress, RunState
from golfcheck.tui.drawing.glyphs import ASCII, Glyphs, bar

_NAME_COLUMNS = 12  # of a record's name: where there are fewer, another part is left out
_PATH_COLUMNS = 16  # of the log's path, likewise
_BAR_COLUMNS = 8, 60
_STATES = {
    RunState.WAITING: "$warning",
    RunState.STARTING: "$secondary",
    RunState.TRAINING: "bold $success",
    RunState.EVALUATING: "$secondary",
    RunState.FINISHED: "bold $primary",
}


def report(found: RunProgress, log: Path, beside: str, columns: int, g: Glyphs) -> Content:
    """Return the lines, none wider than `columns`; `beside` is the name of the record, a stranger's text."""
    lines = [*_head(found, log, columns, g), _bar(found, columns, g), _numbers(found, columns, g)]
    lines += [_gap(found, safe(beside), columns, g), *_projection(found, columns, g)]
    lines += [_machine(found, columns, g)] if found.gpus or found.peak_memory_mib is not None else []
    return Content("\n").join(lines)


def brief(found: RunProgress | None, log: Path, columns: int, g: Glyphs, *, chosen: bool) -> Content:
    """Return one of several runs on a line: whether it is the one that is reported in full, and how far it is."""
    parts = [(0, "", f"{g.mark if chosen else ' '} {_end(safe(str(log)), 28)}", "bold" if chosen else "")]
    if found is None:
        return _fitting([*parts, (1, "  ", "reading", "dim")], columns)
    if found.seed is not None:
        parts.append((2, "  ", f"seed {found.seed}", ""))
    parts.append((1, "  ", found.state.value, _STATES[found.state]))
    parts += [(6, "  ", warning, "bold $warning") for warning in (found.diverged, found.stall) if warning]
    if found.share is not None:
        parts.append((3, "  ", f"{found.share:.1%}", ""))
        parts.append((5, "  ", _steps(found), "dim"))
    if found.score_bpb is not None:
        parts.append((4, "  ", f"score {bpb_text(found.score_bpb)} bpb", "bold"))
    elif found.loss_nats is not None:
        parts.append((4, "  ", f"loss {found.loss_nats:.4f}", ""))
    return _fitting(parts, columns)


def _machine(found: RunProgress, columns: int, g: Glyphs) -> Content:
    """Return the graphics cards and the memory that the log tells of."""
    parts = []
    counts = Counter(safe(name, 40) for name in found.gpus)
    for place, (name, count) in enumerate(counts.items()):
        parts.append((place, f" {g.dot} ", f"{count}x {name}", "dim"))
    if found.peak_memory_mib is not None:
        parts.append((len(counts), f" {g.dot} ", f"peak memory {found.peak_memory_mib:,} MiB a card", "dim"))
    return _fitting(parts, columns)


def summary(found: RunProgress, log: Path, beside: str) -> str:
    """Return all that matters of a report on one line of any length, to be copied; it is not safe to print."""
    number = f"run {found.run_number} of this log" if found.run_number > 1 else ""
    parts = [str(log), found.state.value, f"seed {found.seed}" if found.seed is not None else "", number]
    parts += [found.diverged, found.stall, found.note]
    if found.share is not None:
        parts += [f"{found.share:.1%}", _steps(found, of=True), _seconds(found)]
    if found.score_bpb is not None:
        parts.append(f"score {bpb_text(found.score_bpb)} bpb ({found.score_name})")
    elif found.loss_nats is not None:
        parts.append(f"loss {found.loss_nats:.4f} nats")
    if found.gap is None:
        parts.append(f"no gap: {found.no_gap}" if found.no_gap else "")
    else:
        unsure = f", {found.gap.unsure}" if found.gap.unsure else ""
        parts.append(f"{_bpb(found.gap)} {beside} {_when(found.gap)}{unsure}")
    if found.projection is not None:
        parts.append(f"projected {found.projection.score_bpb:.4f} ±{found.projection.other_code_bpb[1]:.3f} bpb")
    elif found.no_projection and found.score_bpb is None:
        parts.append(f"no projection: {found.no_projection}")
    return "; ".join(filter(None, parts))


def _head(found: RunProgress, log: Path, columns: int, g: Glyphs) -> list[Content]:
    """Return the first line, and a second one where the warning has no room in it."""
    warnings = [g.plain(safe(said, 160)) for said in (found.diverged, found.stall, found.note) if said]
    parts = [(0, "", found.state.value, _STATES[found.state])]
    if found.seed is not None:
        parts.append((1, "  ", f"seed {found.seed}", ""))
    if found.run_number > 1:
        parts.append((3, "  ", f"run {found.run_number} of this log", ""))
    if not warnings and found.state in (RunState.TRAINING, RunState.EVALUATING):
        parts.append((2, "  ", f"last line {found.idle_seconds:,.0f} s ago", "dim"))
    if not warnings and found.past and found.state is not RunState.FINISHED:
        parts.append((4, "  ", found.past, "dim"))
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


def _bar(found: RunProgress, columns: int, g: Glyphs) -> Content:
    if found.share is None:
        return Content.styled("no training step yet", "dim")
    parts = [(0, "", f"{found.share:.1%}", "")]
    if found.seconds is not None:
        parts.append((1, "  ", _seconds(found), ""))
    if found.left_seconds is not None:
        parts.append((3, "  ", f"{_clock(found.left_seconds)} left", ""))
    if found.step is not None:
        parts.append((2, "  ", _steps(found), ""))
        parts.append((4, "", _steps(found, of=True).removeprefix(_steps(found)), ""))
    least, most = _BAR_COLUMNS
    text = _fitting(parts, columns - least - 2)
    room = max(least, min(most, columns - len(text) - 2))
    return Content.assemble(Content.styled(bar(found.share, room, g), "$primary on $surface"), "  ", text)


def _numbers(found: RunProgress, columns: int, g: Glyphs) -> Content:
    dot = f" {g.dot} "
    parts = []
    if found.score_bpb is not None:
        parts.append((0, dot, f"score {bpb_text(found.score_bpb)} bpb", ""))
        parts.append((2, " ", f"({safe(found.score_name, 40)})", ""))
    if found.val_bpb is not None:
        said = f"validation {found.val_bpb:.4f} bpb"
        if found.val_step == 0:  # of weights that had learned nothing: without its step it would deceive
            parts.append((6, dot, f"{said} (step 0)", ""))
        else:
            parts.append((3, dot, said, ""))
            parts += [(6, " ", f"(step {found.val_step:,})", "")] if found.val_step is not None else []
    if found.loss_nats is not None:
        parts.append((1, dot, f"loss {found.loss_nats:.4f} nats", ""))
    if found.step_ms is not None:
        parts.append((4, dot, f"{found.step_ms:,.1f} ms a step", ""))
        if found.step_avg_ms is not None:
            parts.append((7, " ", f"(average {found.step_avg_ms:,.1f})", ""))
    if found.tokens_per_second is not None:
        parts.append((5, dot, f"{_thousands(found.tokens_per_second)} tokens/s", ""))
    return _fitting(parts, columns) if parts else Content(" ")


def _gap(found: RunProgress, name: str, columns: int, g: Glyphs) -> Content:
    now = found.gap
    if now is None:
        leads = ("beside the best record: ", "no gap: ")
        return Content.styled(_because(leads, found.no_gap or "no training step yet", columns), "dim")
    least = min(width(name), _NAME_COLUMNS)
    if now.unsure:
        short = now.unsure.partition(" (")[0]
        so_far = f"; {now.bpb:+.4f} bpb so far" if short.startswith("too close") else ""
        said = [f"{now.unsure}{so_far}", f"{short}{so_far}"]
        for text in said:
            if (room := columns - len(text) - len(", beside ")) >= least:
                return Content.styled(f"{text}, beside {fit(name, room)}", "dim")
        return Content.styled(_first_that_fits(said, columns), "dim")
    sign, style = (g.down, "bold $success") if now.bpb < 0 else (g.up, "bold $error")
    told = f"{sign} {_bpb(now)}"
    when = _when(now)
    for what in (when, when.partition(", ")[0]):
        if (room := columns - len(told) - len(what) - 2) >= least:
            return Content.assemble(Content.styled(told, style), f" {fit(name, room)} ", Content.styled(what, "dim"))
    return Content.assemble(Content.styled(told, style), f" {fit(name, max(1, columns - len(told) - 1))}")


def _projection(found: RunProgress, columns: int, g: Glyphs) -> list[Content]:
    told = found.projection
    if told is None:
        reason = found.no_projection or "no training step yet"
        return [Content.styled(_because(("no projection: ",), reason, columns), "dim")]
    plus = "+-" if g is ASCII else "±"
    half, most = told.other_code_bpb
    same_half, same_most = told.same_code_bpb
    score = f"projected {told.score_bpb:.4f} {plus}{most:.3f} bpb"
    errors = f"of real runs at this point, half ended within {plus}{half:.3f}, 9 in 10 within {plus}{most:.3f}"
    return [
        _fitting(
            [
                (0, "", score, "bold"),
                (1, " ", "if that gap stays", "dim"),
                (2, "", ": the record's score plus the gap", "dim"),
            ],
            columns,
        ),
        Content.styled(
            _first_that_fits(
                [
                    f"{errors} (same code: {plus}{same_half:.4f}, {plus}{same_most:.4f})",
                    errors,
                    f"of real runs half ended within {plus}{half:.3f}, 9 in 10 {plus}{most:.3f}",
                ],
                columns,
            ),
            "dim",
        ),
    ]


def _fitting(parts: Sequence[tuple[int, str, str, str]], columns: int) -> Content:
    """Return the parts that fit on a line, each with a rank, what joins it to the one before, its text, its style.

    The one of the highest rank is left out first; what stands in parentheses behind another has a higher one.
    """
    kept = list(parts)
    while len(kept) > 1 and sum(width(joint + text) for _, joint, text, _ in kept) - len(kept[0][1]) > columns:
        kept.remove(max(kept))
    (_, _, first, style), *rest = kept
    line = Content.styled(fit(first, max(1, columns)), style)
    return Content.assemble(line, *((joint + text, style) for _, joint, text, style in rest))


def _first_that_fits(texts: Sequence[str], columns: int) -> str:
    """Return the first text that fits, else the last one cut; the fullest comes first."""
    return next((text for text in texts if width(text) <= columns), fit(texts[-1], columns) if texts else "")


def _because(leads: Sequence[str], reason: str, columns: int) -> str:
    """Return why something is not told; what explains the reason after its colon may go."""
    short = reason.partition(": ")[0]
    return _first_that_fits([lead + text for text in (reason, short) for lead in leads], columns)


def _end(text: str, columns: int) -> str:
    """Return the end of a path, which tells more than its beginning, with an ellipsis where it is cut."""
    if width(text) <= columns:
        return text
    kept = text[-columns:]
    while width(kept) >= columns:
        kept = kept[1:]
    return "…" + kept


def _bpb(gap: Gap) -> str:
    return f"{abs(gap.bpb):.4f} bpb {'ahead of' if gap.bpb < 0 else 'behind'}"


def _when(gap: Gap) -> str:
    count = gap.points
    return f"at the same second, mean of {counted(count, 'point')}" if count else "in the final score"


def _seconds(found: RunProgress) -> str:
    if found.seconds is None:
        return ""
    return f"{found.seconds:,.1f}{f' / {found.cap_seconds:,.0f}' if found.cap_seconds else ''} s"


def _steps(found: RunProgress, *, of: bool = False) -> str:
    if found.step is None:
        return ""
    return f"step {found.step:,}" + (f" / {found.iterations:,}" if of and found.iterations else "")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _thousands(count: float) -> str:
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count:,.0f}"
