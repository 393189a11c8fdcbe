"""The scores of a record's seeds on a line: one dot each, their mean, and the record to beat."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.widget import Widget

from golfcheck.core.numbers import bpb_text, counted, delta_text, p_text
from golfcheck.core.text import fit, safe
from golfcheck.core.verdict import ScoreSummary, ToBeat
from golfcheck.tui.widgets.chart import is_ascii

_EDGE = 9  # columns for a number at each end


@dataclass(frozen=True, slots=True)
class Seeds:
    """The contents of the strip: (seed, bpb) of each run, and the verdict."""

    scores: tuple[tuple[int | None, float], ...]
    summary: ScoreSummary | None
    to_beat: ToBeat | None


class SeedStrip(Widget):
    """Three lines: a summary, the scores as dots, and the seeds below them."""

    DEFAULT_CSS = """
    SeedStrip { height: 3; padding: 0 1; }
    """

    def __init__(self, seeds: Seeds, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.seeds = seeds

    def show(self, seeds: Seeds) -> None:
        """Show other scores."""
        self.seeds = seeds
        self.refresh()

    def render(self) -> Content:
        """Return the three lines."""
        return strip(self.seeds, self.content_size.width, ascii_only=is_ascii(self))


def strip(seeds: Seeds, columns: int, *, ascii_only: bool = False) -> Content:
    """Return three lines of at most `columns`."""
    dot, delta = (" | ", "delta") if ascii_only else (" · ", "Δ")
    parts = _fitting(_head(seeds, delta), columns, len(dot))
    lines = [Content.styled(fit(dot.join(parts), max(columns, 20)), "bold")]
    lines += _axis(seeds, columns, ascii_only=ascii_only)
    return Content("\n").join(lines)


def _fitting(parts: Sequence[tuple[int, str]], columns: int, between: int) -> list[str]:
    """Return the parts that fit, by priority; a short part of low priority may fit where a longer one does not."""
    fitting: set[str] = set()
    room = columns + between
    for _, text in sorted(parts):
        if not fitting or len(text) + between <= room:
            fitting.add(text)
            room -= len(text) + between
    return [text for _, text in parts if text in fitting]


def _head(seeds: Seeds, delta: str) -> list[tuple[int, str]]:
    """Return the parts of the summary in reading order, each with a priority; the lowest number comes first."""
    summary, rival = seeds.summary, seeds.to_beat
    parts = []
    if summary is None or (summary.mean_bpb is None and summary.claimed_bpb is None):
        return [(0, "no score, neither in the logs nor in submission.json")]
    if summary.mean_bpb is None and summary.claimed_bpb is not None:
        parts.append((0, f"claimed {bpb_text(summary.claimed_bpb)} bpb, not in any log"))
    elif summary.mean_bpb is not None:
        count = len(seeds.scores) or len(summary.seeds)
        parts.append((4, counted(count, "seed")))
        parts.append((0, f"mean {bpb_text(summary.mean_bpb)}"))
        parts.append((1, f"sd {bpb_text(summary.sd_bpb)}" if summary.sd_bpb is not None else "no sd"))
    if rival is None:
        return [*parts, (2, "no record to beat on its day")]
    nats = f" {delta_text(rival.delta_nats)} nats/tok" if rival.delta_nats is not None else ""
    parts.append((5, f"to beat {bpb_text(rival.bpb)}"))  # the line below shows it
    parts.append((2, f"{delta} {delta_text(rival.delta_bpb)} bpb{nats}"))
    if rival.p_zero is None or rival.p_margin is None:
        parts.append((3, safe(rival.reason or "no p", 60)))
    else:  # each ruleset uses one of them
        parts.append((3, f"p {p_text(rival.p_zero)} (> 0), {p_text(rival.p_margin)} (> {rival.margin_nats:g} nats)"))
    return parts


def _axis(seeds: Seeds, columns: int, *, ascii_only: bool) -> list[Content]:
    """Return the line with its dots, and the line below them."""
    dot, middle, post, floor = ("o", "+", "|", "-") if ascii_only else ("●", "┼", "┃", "─")
    rival = seeds.to_beat.bpb if seeds.to_beat else None
    values = [score for _, score in seeds.scores] + ([rival] if rival is not None else [])
    width = columns - 2 * (_EDGE + 1)
    if not seeds.scores or width < 16:
        return [Content(""), Content("")]
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 1e-4
    low, high = low - pad, high + pad

    def at(value: float) -> int:
        return round((value - low) / (high - low) * (width - 1))

    cells: list[tuple[str, str]] = [(floor, "dim")] * width
    below = [" "] * width
    mean = sum(score for _, score in seeds.scores) / len(seeds.scores)
    cells[at(mean)] = (middle, "bold")
    if rival is not None:
        cells[at(rival)] = (post, "bold $warning")
        _write(below, at(rival), "to beat")
    for _, score in seeds.scores:
        ahead = rival is None or score < rival
        cells[at(score)] = (dot, "bold $success" if ahead else "bold $error")
    for seed, score in sorted(seeds.scores, key=lambda pair: pair[1]):
        _write(below, at(score), "?" if seed is None else str(seed))
    _write(below, at(mean), "mean")
    line = Content.assemble(
        Content.styled(f"{bpb_text(min(values)):>{_EDGE}} ", "dim"),
        *(Content.styled(character, style) for character, style in cells),
        Content.styled(f" {bpb_text(max(values))}", "dim"),
    )
    return [line, Content.styled(" " * (_EDGE + 1) + "".join(below).rstrip(), "dim")]


def _write(line: list[str], middle: int, text: str) -> None:
    """Write a word below its position, unless another is there."""
    start = max(0, min(middle - len(text) // 2, len(line) - len(text)))
    around: Sequence[str] = line[max(0, start - 1) : start + len(text) + 1]
    if len(text) <= len(line) and all(character == " " for character in around):
        line[start : start + len(text)] = text
