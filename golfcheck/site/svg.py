"""SVG that stands inside a page: themed by the page's style sheet, and allowed by its policy, which forbids styles.

Text stays text: it is set in the reader's own font, can be searched and is read aloud. Whatever is drawn goes through
an XML writer, which escapes it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from markupsafe import Markup

from golfcheck.core.text import safe
from golfcheck.live.axes import nice, tick_decimals

PAPER, INK, DIM, RULE, ACCENT = (f"var(--{name})" for name in ("paper", "ink", "dim", "rule", "accent"))
SERIES = tuple(f"var(--s{index})" for index in range(1, 7))

XY = tuple[float, float]
_TICKS = 5
_GAP = 8.0  # between a label and what it labels


@dataclass(frozen=True, slots=True)
class Link:
    """Where a mark leads, and its title."""

    href: str
    title: str


@dataclass(slots=True)
class Chart:
    """A chart in pixels; `x` and `y` are the ranges that its plot area shows, in units of the data."""

    label: str  # for those who cannot see it
    x: XY
    y: XY
    width: float = 640.0
    height: float = 340.0
    left: float = 76.0  # of the plot area from the left edge; the labels of the y axis stand there
    top: float = 34.0
    right: float = 14.0
    bottom: float = 44.0
    elements: list[ElementTree.Element] = field(default_factory=list)

    def at(self, x: float, y: float) -> XY:
        """Return the pixel of a point."""
        (x0, x1), (y0, y1) = self.x, self.y
        across, up = (x - x0) / ((x1 - x0) or 1.0), (y - y0) / ((y1 - y0) or 1.0)
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.bottom - up * (self.height - self.top - self.bottom),
        )

    def line(self, points: Iterable[XY], color: str, width: float = 1.6) -> None:
        """Draw a line through points; a single one is drawn as a dot of the line's width."""
        pixels = [self.at(*point) for point in points]
        if pixels:
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in [*pixels, *pixels[:1] * (len(pixels) == 1)])
            look = {"fill": "none", "stroke": color, "stroke-linejoin": "round", "stroke-linecap": "round"}
            self._add("path", d=path, **look, **{"stroke-width": f"{width:g}"})

    def dot(self, point: XY, color: str, radius: float, link: Link | None = None, *, filled: bool = True) -> None:
        """Draw a dot, which leads somewhere where `link` is given."""
        x, y = self.at(*point)
        fill, stroke = (color, PAPER) if filled else (PAPER, color)
        self._linked("circle", link, cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:g}", fill=fill, stroke=stroke)

    def arrow(self, point: XY, color: str, way: int, link: Link | None = None) -> None:
        """Draw an arrowhead that points to the right (`way` 1) or to the left (-1): what it stands for lies outside."""
        x, y = self.at(*point)
        path = f"M{x:.1f} {y:.1f}l{-9 * way} -5v10z"
        self._linked("path", link, d=path, fill=color, stroke=PAPER)

    def text(self, pixel: XY, text: str, color: str = DIM, anchor: str = "start") -> None:
        """Write a text at a pixel."""
        x, y = pixel
        self._add("text", x=f"{x:.1f}", y=f"{y:.1f}", fill=color, **{"text-anchor": anchor}).text = safe(text, 200)

    def axis_y(self, unit: str) -> None:
        """Draw the grid and its numbers, and write the unit above them, where it is read without turning the head."""
        decimals = tick_decimals(self.y[1] - self.y[0], _TICKS)
        for value in nice(*self.y, _TICKS):
            _, y = self.at(self.x[0], value)
            self._rule((self.left, y), (self.width - self.right, y))
            self.text((self.left - _GAP, y + 4), f"{value:.{decimals}f}", anchor="end")
        self.text((0, 14), unit)

    def axis_x(self, ticks: Sequence[float], text: Callable[[float], str], unit: str = "") -> None:
        """Write numbers below the plot area, and the unit below them at the right."""
        floor = self.height - self.bottom
        self._rule((self.left, floor), (self.width - self.right, floor))
        for value in ticks:
            x, _ = self.at(value, self.y[0])
            self.text((x, floor + 18), text(value), anchor="middle")
        self.text((self.width - self.right, self.height - 6), unit, anchor="end")

    def markup(self) -> Markup:
        """Return the SVG. Its links are no tab stops: each leads where a link of the page does."""
        root = ElementTree.Element("svg", viewBox=f"0 0 {self.width:g} {self.height:g}", role="group")
        root.set("aria-label", safe(self.label))
        root.extend(self.elements)
        return Markup(ElementTree.tostring(root, encoding="unicode"))

    def _rule(self, start: XY, end: XY) -> None:
        (x1, y1), (x2, y2) = start, end
        self._add("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", stroke=RULE)

    def _linked(self, tag: str, link: Link | None, **attributes: str) -> None:
        if link is None:
            self._add(tag, **attributes)
            return
        anchor = self._add("a", href=link.href, tabindex="-1")
        ElementTree.SubElement(anchor, "title").text = safe(link.title, 200)
        ElementTree.SubElement(anchor, tag, attributes)

    def _add(self, tag: str, **attributes: str) -> ElementTree.Element:
        self.elements.append(ElementTree.Element(tag, attributes))
        return self.elements[-1]
