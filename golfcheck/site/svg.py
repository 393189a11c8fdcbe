"""SVG charts embedded in a page. The page's style sheet themes them; its policy forbids inline styles.

Text remains text: it uses the reader's font, can be searched, and works with screen readers. An XML writer escapes all
content.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree

from markupsafe import Markup

from golfcheck.core.text import safe
from golfcheck.live.axes import Tick, ticks

PAPER, INK, DIM, RULE, ACCENT = (f"var(--{name})" for name in ("paper", "ink", "dim", "rule", "accent"))

XY = tuple[float, float]
Link = tuple[str, str]  # the address that a mark links to, and its title
_TICKS = 5
_GAP = 8.0  # between a label and its mark


@dataclass(slots=True)
class Chart:
    """A chart in pixels; `x` and `y` are the ranges of the plot area in units of the data."""

    label: str  # for screen readers
    x: XY
    y: XY
    width: float = 640.0
    height: float = 340.0
    left: float = 76.0  # left margin of the plot area, for the labels of the y axis
    top: float = 34.0
    right: float = 14.0
    bottom: float = 44.0
    elements: list[ElementTree.Element] = field(default_factory=list)

    def at(self, x: float, y: float) -> XY:
        """Return the position of a point in pixels."""
        (x0, x1), (y0, y1) = self.x, self.y
        across, up = (x - x0) / ((x1 - x0) or 1.0), (y - y0) / ((y1 - y0) or 1.0)
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.bottom - up * (self.height - self.top - self.bottom),
        )

    def line(self, points: Iterable[XY], color: str, width: float = 1.6) -> None:
        """Draw a line through points; a single point becomes a dot as wide as the line."""
        pixels = [self.at(*point) for point in points]
        if pixels:
            path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in [*pixels, *pixels[:1] * (len(pixels) == 1)])
            look = {"fill": "none", "stroke": color, "stroke-linejoin": "round", "stroke-linecap": "round"}
            self._add("path", None, d=path, **look, **{"stroke-width": f"{width:g}"})

    def dot(self, point: XY, color: str, radius: float, link: Link, *, filled: bool = True) -> None:
        """Draw a dot with a link."""
        x, y = self.at(*point)
        fill, stroke = (color, PAPER) if filled else (PAPER, color)
        self._add("circle", link, cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{radius:g}", fill=fill, stroke=stroke)

    def arrow(self, point: XY, color: str, way: int, link: Link) -> None:
        """Draw an arrowhead for a value outside the chart, to the right (`way` 1) or to the left (-1)."""
        x, y = self.at(*point)
        self._add("path", link, d=f"M{x:.1f} {y:.1f}l{-9 * way} -5v10z", fill=color, stroke=PAPER)

    def text(self, pixel: XY, text: str, color: str = DIM, anchor: str = "start") -> None:
        """Write text at a position in pixels."""
        x, y = pixel
        element = self._add("text", None, x=f"{x:.1f}", y=f"{y:.1f}", fill=color, **{"text-anchor": anchor})
        element.text = safe(text, 200)

    def axis_y(self, unit: str) -> None:
        """Draw the grid and its numbers, with the unit above them, written horizontally."""
        for value, label in ticks(*self.y, _TICKS):
            self.line([(end, value) for end in self.x], RULE, 1)
            _, y = self.at(self.x[0], value)
            self.text((self.left - _GAP, y + 4), label, anchor="end")
        self.text((0, 14), unit)

    def axis_x(self, ticks: Iterable[Tick], unit: str = "") -> None:
        """Write numbers below the plot area, and the unit below them at the right."""
        self.line([(end, self.y[0]) for end in self.x], RULE, 1)
        for value, label in ticks:
            x, floor = self.at(value, self.y[0])
            self.text((x, floor + 18), label, anchor="middle")
        self.text((self.width - self.right, self.height - 6), unit, anchor="end")

    def markup(self) -> Markup:
        """Return the SVG. Its links are not tab stops, because the page has the same links."""
        root = ElementTree.Element("svg", viewBox=f"0 0 {self.width:g} {self.height:g}", role="group")
        root.set("aria-label", safe(self.label))
        root.extend(self.elements)
        return Markup(ElementTree.tostring(root, encoding="unicode"))

    def _add(self, tag: str, link: Link | None, **attributes: str) -> ElementTree.Element:
        element = ElementTree.Element(tag, attributes)
        if link is None:
            self.elements.append(element)
        else:
            anchor = ElementTree.Element("a", href=link[0], tabindex="-1")
            ElementTree.SubElement(anchor, "title").text = safe(link[1], 200)
            anchor.append(element)
            self.elements.append(anchor)
        return element
