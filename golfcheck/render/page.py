"""A page of text: its width, whether it supports color and more than ASCII, and functions that lay text out on it."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from golfcheck.core.text import fit, width

_STYLES = {"error": "1;31", "warning": "33", "info": "36", "ok": "32", "bold": "1", "dim": "2"}
_GAP = "   "
_LEAST_LABEL = 8  # columns of a label that is shortened


@dataclass(frozen=True, slots=True)
class Page:
    """The page's width in terminal columns, what it can show, and how long the run took."""

    columns: int = 100
    color: bool = False
    ascii: bool = False
    verbose: bool = False
    run_seconds: float | None = None  # None: not shown

    def paint(self, text: str, style: str) -> str:
        """Return `text` in one of the page's styles ("error", "ok", "dim", …), if the page has color."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and style else text

    def bar(self, share: float, columns: int) -> str:
        """Return a bar of `columns` cells that is filled to `share`; full only when the share is 1 or more."""
        full, empty = ("#", ".") if self.ascii else ("█", "░")
        cells = columns if share >= 1 else min(int(max(share, 0) * columns), columns - 1)
        return f"[{full * cells}{empty * (columns - cells)}]"

    def flow(self, label: str, segments: Iterable[tuple[str, str]], indent: int = 10) -> list[str]:
        """Lay (text, style) segments out after `label`, as many per line as fit; no segment is broken."""
        lines: list[str] = []
        line, used = label.ljust(indent), max(indent, len(label))
        for whole, style in segments:
            text = fit(whole, self.columns - indent)
            gap = "" if used == indent else _GAP
            if gap and used + len(gap) + width(text) > self.columns:
                lines.append(line.rstrip())
                line, used, gap = " " * indent, indent, ""
            line += gap + self.paint(text, style)
            used += len(gap) + width(text)
        return [*lines, line.rstrip()]

    def spread(self, rows: Sequence[Sequence[str]], wanted: Sequence[int]) -> list[int]:
        """Return the widths of a table's columns: those `wanted` or, on a narrower page, those that its cells need.

        If even that does not fit, the first column, which has the labels, is shortened.
        """
        if sum(wanted) <= self.columns:
            return list(wanted)
        label, *others = (max(map(width, cells)) + 1 for cells in zip(*rows, strict=True))
        spare = self.columns - label - sum(others)
        return [max(label + min(spare, 0), _LEAST_LABEL), *(needed + max(spare, 0) // len(others) for needed in others)]

    def text(self, lines: Iterable[str]) -> str:
        """Join `lines` into a text that ends with one newline, in ASCII if the page supports nothing else."""
        joined = "\n".join(lines).rstrip("\n") + "\n"
        return joined.replace("…", "~").encode("ascii", "backslashreplace").decode() if self.ascii else joined

    def prose(self, text: str, first: str, rest: str) -> list[str]:
        """Wrap `text` at blanks; `first` is put before its first line, `rest` before the others."""
        if width(text) != len(text):  # wide characters: assume that all are wide
            columns = len(rest) + (self.columns - len(rest)) * len(text) // max(width(text), 1)
        else:
            columns = self.columns
        return textwrap.wrap(
            text, max(columns, len(rest) + 20), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
        )
