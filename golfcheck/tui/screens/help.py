"""Help for the focused widget, generated from its key bindings, so that it is complete."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from golfcheck.tui.drawing.glyphs import Glyphs
from golfcheck.tui.drawing.readout import plain
from golfcheck.tui.widgets.filterbar import FilterBar
from golfcheck.tui.widgets.scrollbars import scrollbars_of

_KEY_COLUMNS = 11
_COLUMNS = 69  # of the page, which fits into a terminal of 80


def ours(active: Iterable[ActiveBinding]) -> Iterator[ActiveBinding]:
    """Yield the bindings of this package, not those of Textual's widgets."""
    for entry in active:
        classes = [kind for kind in type(entry.node).__mro__ if kind.__module__.startswith("golfcheck.")]
        own = [binding for kind in classes for binding in kind.__dict__.get("BINDINGS", ())]
        keys_made = {key.strip() for one in own if isinstance(one, Binding) for key in one.key.split(",")}
        if entry.binding.key in keys_made:
            yield entry


def keys(screen: Screen[object]) -> list[tuple[str, str]]:
    """Return (keys, what they do) for a screen and its focused widget, movement keys last.

    Keys that do the same share a row.
    """
    shown: dict[tuple[int, str], list[str]] = {}
    says: dict[tuple[int, str], str] = {}
    moves = []
    for entry in ours(screen.active_bindings.values()):
        what = (id(entry.node), entry.binding.action)
        shown.setdefault(what, []).append(screen.app.get_key_display(entry.binding))
        says[what] = f"{entry.binding.description}: {entry.tooltip}" if entry.tooltip else entry.binding.description
        if not entry.tooltip and not entry.binding.show:
            moves.append(what)
    ordered = [*(what for what in shown if what not in moves), *(what for what in shown if what in moves)]
    return [(" ".join(dict.fromkeys(shown[what])), says[what]) for what in ordered]


def page(screen: Screen[object]) -> Content:
    """Return the help of a screen: its keys, its symbols, and the filter syntax if it has a filter."""
    parts = [Content.styled("Keys", "bold $primary"), Content.styled("   j and k scroll, esc closes\n", "dim")]
    parts += [_line(key, says) for key, says in keys(screen)]
    parts.append(_line("ctrl+p", "all commands, themes, and every order of the board"))
    parts.append(_line("mouse", "click, double click, wheel and scrollbars work everywhere"))
    if screen.HELP:
        parts += [
            Content.styled("\nOn this screen\n", "bold $primary"),
            Content("\n".join(wrap(screen.HELP, _COLUMNS)) + "\n"),
        ]
    for line in screen.query(FilterBar):
        parts.append(Content.styled("\nFilter syntax\n", "bold $primary"))
        parts.append(Content('Words and "phrases" are searched for in names, authors and paths.\n'))
        parts.append(Content("All terms must match; a - before a term excludes what it matches.\n"))
        parts += [_line(key.example, f"{key.meaning}{_words(key.words)}", 24) for key in line.keys.values()]
    return Content("").join(parts)


def _words(words: tuple[str, ...]) -> str:
    return f": {', '.join(words)}" if words else ""


def _line(key: str, says: str, columns: int = _KEY_COLUMNS) -> Content:
    lines = wrap(says, _COLUMNS - columns - 3) or [""]
    rest = [Content(f"{' ' * (columns + 3)}{line}\n") for line in lines[1:]]
    return Content("").join([Content.assemble("  ", (key.ljust(columns), "$accent"), " ", lines[0], "\n"), *rest])


class HelpScreen(ModalScreen[None]):
    """The help page, shown over its screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "leave", "back"),
        Binding("j", "down", "down", show=False),
        Binding("k", "up", "up", show=False),
    ]

    def __init__(self, text: Content, glyphs: Glyphs) -> None:
        super().__init__()
        self.text, self.glyphs = plain(text, glyphs), glyphs

    def compose(self) -> ComposeResult:
        """Yield the page."""
        with VerticalScroll(classes="dialog help"):
            yield Static(self.text, markup=False)

    def on_mount(self) -> None:
        """Draw the scrollbar with characters that the terminal can show."""
        scrollbars_of(self.query_one(VerticalScroll), self.glyphs)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_down(self) -> None:
        """Scroll down."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Scroll up."""
        self.query_one(VerticalScroll).scroll_up(animate=False)
