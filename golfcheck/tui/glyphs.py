"""The few signs that are drawn, for terminals with Unicode and for those without (`--ascii`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Each is one column wide; `eighths` are the parts of a cell of a bar, from nothing to full."""

    eighths: str = " ▏▎▍▌▋▊▉█"
    up: str = "▲"
    down: str = "▼"
    mark: str = "●"
    held: str = "◆"
    other: str = "·"
    rescored: str = "✓"
    claimed: str = "?"
    rule: str = "─"
    post: str = "│"
    rise: str = "┐"  # where a step goes down to the right
    fall: str = "└"
    dash: str = "—"
    dot: str = "·"
    more: str = "…"
    cursor: str = "┊"


UNICODE = Glyphs()
ASCII = Glyphs(
    eighths="   --==##",
    up="^",
    down="v",
    mark="*",
    held="#",
    other=".",
    rescored="+",
    rule="-",
    post="|",
    rise="+",
    fall="+",
    dash="-",
    dot="|",
    more="~",
    cursor=":",
)


def bar(share: float, columns: int, glyphs: Glyphs) -> str:
    """Return a bar of `columns` cells filled to `share`, in eighths of a cell; full only from a share of 1."""
    cell = len(glyphs.eighths) - 1
    steps = columns * cell
    filled = steps if share >= 1 else min(int(max(share, 0.0) * steps), steps - 1)
    full, part = divmod(filled, cell)
    return (glyphs.eighths[-1] * full + (glyphs.eighths[part] if full < columns else "")).ljust(columns)
