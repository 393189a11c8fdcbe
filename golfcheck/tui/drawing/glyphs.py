"""The symbols of the interface, for terminals with and without Unicode (`--ascii`)."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Each is one column wide; `fill` has the partial cells of a bar, from empty to full."""

    fill: str = " ╸━"
    up: str = "▲"
    down: str = "▼"
    mark: str = "●"
    held: str = "◆"
    other: str = "•"
    rescored: str = "✓"
    claimed: str = "?"
    rule: str = "─"
    post: str = "│"
    rise: str = "┐"  # where a step goes down to the right
    dash: str = "—"
    dot: str = "·"
    more: str = "…"
    cursor: str = "┊"

    def plain(self, text: str) -> str:
        """Return `text` with only characters that the terminal can show."""
        if self is UNICODE or text.isascii():
            return text
        return text.translate(_IN_ASCII).encode("ascii", "replace").decode()


UNICODE = Glyphs()
ASCII = Glyphs(
    fill=" -=",
    up="^",
    down="v",
    mark="*",
    held="#",
    other=".",
    rescored="+",
    rule="-",
    post="|",
    rise="+",
    dash="-",
    dot="|",
    more="~",
    cursor=":",
)


_IN_ASCII = str.maketrans(
    {
        **{
            getattr(UNICODE, field.name): getattr(ASCII, field.name) for field in fields(Glyphs) if field.name != "fill"
        },
        "Δ": "d",
    }
)


def bar(share: float, columns: int, glyphs: Glyphs) -> str:
    """Return a bar of `columns` cells, filled to `share`; it looks full only if `share` is at least 1."""
    parts = len(glyphs.fill) - 1  # of a cell
    steps = columns * parts
    filled = steps if share >= 1 else min(int(max(share, 0.0) * steps), steps - 1)
    full, part = divmod(filled, parts)
    return (glyphs.fill[-1] * full + (glyphs.fill[part] if full < columns else "")).ljust(columns)
