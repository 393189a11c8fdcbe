"""matplotlib's figures → SVG that stands inside a page: themed by its style sheet, and allowed by its policy.

The page's policy forbids `style` attributes, so they become presentation attributes; our marker colors become the
page's variables, so one drawing is both dark and light. Text stays text: it is set in the reader's own font, can be
searched and read aloud, and is a tenth of the bytes of outlines.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from golfcheck.core.text import safe

# Colors that no page shows: each stands for a variable of the style sheet.
PAPER, INK, DIM, RULE, ACCENT = (f"#0101{place:02x}" for place in range(1, 6))
SERIES = tuple(f"#0202{place:02x}" for place in range(1, 7))
_VARIABLES = {
    **dict(zip((PAPER, INK, DIM, RULE, ACCENT), ("paper", "ink", "dim", "rule", "accent"), strict=True)),
    **{color: f"s{place}" for place, color in enumerate(SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a stranger's `$` is no formula
    "axes.unicode_minus": True,
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": DIM,
    "axes.titley": 1.0,  # told: looking for room costs a third of the time
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": DIM,
    "ytick.labelcolor": DIM,
    "legend.frameon": False,
    "path.simplify": True,
}
_BELOW, _RIGHT = 0.62, 0.15  # inches: two lines of text, and half a number
_DROPPED = ("metadata", "style")
_SPACE = re.compile(r"\s+")


@contextmanager
def drawing(
    name: str, width: float, height: float, *, left: float, top: float = 0.4
) -> Iterator[tuple[Figure, list[Markup]]]:
    """Yield a figure to draw into, and a list that holds its SVG when the block is left without an exception.

    Sizes and the two margins that differ are in inches; margins that are told take half the time of a layout that looks
    for them. `name` is a word of ours that sets the figure's identifiers apart from those of others in one page.
    """
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has others
        figure = Figure(figsize=(width, height))
        figure.subplots_adjust(
            left / width, _BELOW / height, 1 - _RIGHT / width, 1 - top / height, wspace=2.5 * left / width
        )
        FigureCanvasSVG(figure)
        out: list[Markup] = []
        yield figure, out
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Type")))
        out.append(_inline(text.getvalue()))


def titled(svg: Markup, title: str, titles: Mapping[str, str], *, tab_stops: bool = True) -> Markup:
    """Return the SVG with a title for those who cannot see it, and one for each link, by its address."""
    root = ElementTree.fromstring(str(svg))
    root.set("role", "group")
    root.set("aria-label", safe(title))
    for link in root.iter("a"):
        link.attrib.pop("target", None)
        if not tab_stops:
            link.set("tabindex", "-1")
        if text := titles.get(link.get("href", "")):
            label = ElementTree.Element("title")
            label.text = safe(text, 200)
            link.insert(0, label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _inline(document: str) -> Markup:
    root = ElementTree.fromstring(document.partition("<!DOCTYPE")[0] + document[document.index("<svg") :])
    for element in list(root.iter()):
        element.tag = element.tag.rpartition("}")[2]
        element.text = (element.text or "").strip() or None
        element.tail = None
        for child in list(element):
            if child.tag.rpartition("}")[2] in _DROPPED:
                element.remove(child)
        for key, value in _attributes(element.attrib).items():
            element.set(key, value)
        if element.tag == "g":
            element.attrib.pop("id", None)  # "line2d_1" is in every figure, and nothing refers to it
    for gone in ("width", "height"):
        root.attrib.pop(gone, None)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _attributes(attributes: dict[str, Any]) -> dict[str, str]:
    """Return an element's attributes without namespaces and styles; clears `attributes`."""
    found = {key.rpartition("}")[2]: value for key, value in attributes.items()}
    attributes.clear()
    for declaration in filter(str.strip, found.pop("style", "").split(";")):
        key, _, value = declaration.partition(":")
        if key.strip() != "font-family":
            found[key.strip()] = value.strip()
    if "d" in found:
        found["d"] = _SPACE.sub(" ", found["d"]).strip()
    return {key: _themed(value) for key, value in found.items()}


def _themed(value: str) -> str:
    return f"var(--{_VARIABLES[value]})" if value in _VARIABLES else value
