"""A generated part of a file that is otherwise written by hand: what stands between two markers."""

from pathlib import Path

from golfcheck.core.errors import UsageError

BEGIN = "<!-- golfcheck leaderboard: what stands between these two lines is generated -->"
END = "<!-- end of golfcheck leaderboard -->"
MAX_BYTES = 16 * 2**20


def replaced(path: Path, part: str) -> tuple[str, str]:
    """Return the text of `path` as it is, and with `part` between its markers.

    Raises UsageError when there is no such file, or when it has not each marker once and in this order.
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
    # Whole lines: a record's name may hold a marker, but stands in a cell of the table.
    lines = text.split("\n")
    begins, ends = ([index for index, line in enumerate(lines) if line.rstrip() == mark] for mark in (BEGIN, END))
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise UsageError(f"{path}: expected once the line {BEGIN} and after it once {END}")
    after = [*lines[: begins[0] + 1], part.strip("\n"), *lines[ends[0] :]]
    return text, "\n".join(after)
