"""The generated part of a file that is otherwise written by hand, between two marker lines."""

from pathlib import Path

from golfcheck.core.errors import UsageError

BEGIN = "<!-- golfcheck leaderboard: the text between these two lines is generated -->"
END = "<!-- end of golfcheck leaderboard -->"
MAX_BYTES = 16 * 2**20


def replaced(path: Path, part: str) -> tuple[str, str]:
    """Return the current text of `path`, and the text with `part` between the markers.

    Raises UsageError if the file does not exist, or does not contain each marker exactly once and in order.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; it must exist and have the lines {BEGIN} and {END}")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 (byte {error.start})") from None
    # Compare whole lines: a record's name may contain a marker, but only inside a table cell.
    lines = text.split("\n")
    begins, ends = ([index for index, line in enumerate(lines) if line.rstrip() == mark] for mark in (BEGIN, END))
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise UsageError(f"{path}: expected the line {BEGIN} once, and {END} once after it")
    after = [*lines[: begins[0] + 1], part.strip("\n"), *lines[ends[0] :]]
    return text, "\n".join(after)
