"""An input line. Pasted text is untrusted, because it may contain control characters."""

from textual.widgets import Input


class TypedInput(Input):
    """An input whose value contains only printable characters."""

    def validate_value(self, value: str) -> str:
        """Return the value without control, format and other unprintable characters."""
        return "".join(filter(str.isprintable, value))
