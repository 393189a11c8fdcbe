"""A line that is typed or pasted: a paste is untrusted, for it may hold what a terminal obeys."""

from textual.widgets import Input


class TypedInput(Input):
    """An input whose value has only characters that are printed."""

    def validate_value(self, value: str) -> str:
        """Return the value without control, format and other unprintable characters."""
        return "".join(filter(str.isprintable, value))
