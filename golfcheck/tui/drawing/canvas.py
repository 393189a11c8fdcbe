"""Draw points, lines and marks on a grid of characters: braille dots, or ASCII."""

from collections.abc import Iterator

from rich.text import Text

# Bits of a braille cell, by column and row of its dots (Unicode, block 2800).
_BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ASCII = {1: "'", 2: "-", 3: "'", 4: ".", 5: ":", 6: ".", 7: "|"}  # of three dots above one another


class DotCanvas:
    """A grid of `columns` × `rows` cells; (0, 0) is the dot at the lower left."""

    def __init__(self, columns: int, rows: int, *, ascii_only: bool = False) -> None:
        self.columns, self.rows = max(columns, 1), max(rows, 1)
        self.ascii_only = ascii_only
        self._across, self._up = (1, 3) if ascii_only else (2, 4)  # dots of a cell
        self.width, self.height = self.columns * self._across, self.rows * self._up  # in dots
        self._bits: dict[tuple[int, int], int] = {}
        self._styles: dict[tuple[int, int], str] = {}
        self._marks: dict[tuple[int, int], str] = {}

    def dot(self, x: float, y: float, style: str) -> None:
        """Set the dot at (x, y); dots outside the grid are ignored."""
        column, row = int(x), self.height - 1 - int(y)
        if not (0 <= x < self.width and 0 <= row < self.height and y >= 0):
            return
        cell = column // self._across, row // self._up
        bit = 1 << row % self._up if self.ascii_only else _BRAILLE[column % self._across][row % self._up]
        self._bits[cell] = self._bits.get(cell, 0) | bit
        self._styles[cell] = style

    def line(self, start: tuple[float, float], end: tuple[float, float], style: str) -> None:
        """Draw a straight line between two dots, clipped to the grid."""
        for x, y in self._walk(*start, *end):
            self.dot(x, y, style)

    def mark(self, x: float, y: float, character: str, style: str) -> None:
        """Put a character over the cell of the dot (x, y)."""
        row = self.height - 1 - int(y)
        if 0 <= x < self.width and 0 <= row < self.height and y >= 0:
            cell = int(x) // self._across, row // self._up
            self._marks[cell], self._styles[cell] = character, style

    def lines(self) -> Iterator[Text]:
        """Yield the rows from the top, each as wide as the grid."""
        for row in range(self.rows):
            text = Text(no_wrap=True, end="")
            for column in range(self.columns):
                cell = column, row
                text.append(self._marks.get(cell) or self._drawn(self._bits.get(cell, 0)), self._styles.get(cell))
            yield text

    def _drawn(self, bits: int) -> str:
        if not bits:
            return " "
        return _ASCII[bits] if self.ascii_only else chr(0x2800 + bits)

    def _walk(self, x0: float, y0: float, x1: float, y1: float) -> Iterator[tuple[float, float]]:
        """Yield points one dot apart, clipped to the lower and upper edges."""
        low, high = sorted((self._leaves(y0, y1, -0.5), self._leaves(y0, y1, self.height - 0.5)))
        inside = min(y0, y1) < self.height and max(y0, y1) >= 0
        first, last = (max(0.0, low), min(1.0, high)) if y0 != y1 else (0.0, 1.0)
        if not inside or first > last:
            return
        count = int(max(abs(x1 - x0), abs(y1 - y0)) * (last - first)) + 1
        for step in range(min(count, 4 * (self.width + self.height)) + 1):
            share = first + (last - first) * step / count
            yield x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    @staticmethod
    def _leaves(y0: float, y1: float, edge: float) -> float:
        """Return at which fraction of the way from y0 to y1 the line crosses the edge."""
        return (edge - y0) / (y1 - y0) if y0 != y1 else 0.0
