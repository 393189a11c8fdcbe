"""An Atom feed (RFC 4287) of the records that took the lead, newest first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

from golfcheck.board.model import Board, Row
from golfcheck.core.numbers import bpb_text, counted, delta_text, p_text
from golfcheck.core.text import safe
from golfcheck.render.board_columns import title_of

_NAMESPACE = "http://www.w3.org/2005/Atom"
_ENTRIES = 50
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # required in a feed without entries; today's date would change the file


def feed(board: Board, pages: Mapping[str, str], url: str = "") -> bytes:
    """Return the feed; a record's identifier depends only on its address in the site.

    With `url`, the address of the site, links are absolute, which most feed readers need.
    """
    base = f"{url.rstrip('/')}/" if url else ""
    held = [row for row in board.frontier if row.created][::-1][:_ENTRIES]
    root = ElementTree.Element("feed", xmlns=_NAMESPACE)
    _add(root, "title", "Parameter Golf: new records")
    _add(root, "id", _identifier(f"board {board.ruleset}"))
    _add(root, "updated", _timestamp(held[0].created if held else None))
    _add(root, "author").append(_text("name", "golfcheck"))
    ElementTree.SubElement(root, "link", rel="self", href=f"{base}feed.xml")
    ElementTree.SubElement(root, "link", rel="alternate", href=f"{base}index.html")
    for row in held:
        _entry(root, row, pages[row.verdict.path], base)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _entry(root: ElementTree.Element, row: Row, href: str, base: str) -> None:
    verdict = row.verdict
    entry = _add(root, "entry")
    _add(entry, "title", f"{bpb_text(row.score_bpb or 0.0)} bpb: {title_of(row)}")
    _add(entry, "id", _identifier(href))
    _add(entry, "updated", _timestamp(row.created))
    _add(entry, "author").append(_text("name", safe(verdict.author or "unknown", 200)))
    ElementTree.SubElement(entry, "link", rel="alternate", href=base + href)
    gain = "the first record" if row.delta_bpb is None else f"{delta_text(row.delta_bpb)} bpb"
    p = "" if row.p is None else f", p {p_text(row.p)}"
    seeds = counted(len(row.seeds_bpb), "seed")
    _add(entry, "summary", "; ".join(filter(None, (gain + p, seeds, safe(row.reason)))))


def _identifier(what: str) -> str:
    return uuid5(NAMESPACE_URL, f"golfcheck:{what}").urn


def _timestamp(time: datetime | None) -> str:
    return (time or _NO_TIME).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    element = _text(name, text)
    parent.append(element)
    return element


def _text(name: str, text: str | None) -> ElementTree.Element:
    element = ElementTree.Element(name)
    element.text = text
    return element
