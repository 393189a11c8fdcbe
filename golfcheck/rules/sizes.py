"""The artifact sizes that a run states, as logged and with the code that the folder ships."""

from collections.abc import Iterator

from golfcheck.submission.record import Record
from golfcheck.submission.results import model_bytes, total_bytes
from golfcheck.trainlog.events import LoggedRun, Size


def fits_as_shipped(record: Record, run: LoggedRun, total: Size, cap_bytes: int) -> str:
    """Return what a total over the cap is with the code as shipped, if that fits; "" if it does not."""
    codes = [code.size_bytes for code in run.code_bytes if code.line < total.line]
    shipped = sum(len(source.text) for source in record.sources)
    if not codes or not shipped or record.is_cut:
        return ""
    as_shipped = total.size_bytes - codes[-1] + shipped
    if as_shipped > cap_bytes:
        return ""
    return f"; with the {shipped:,} bytes of code that are shipped, not {codes[-1]:,}, it is {as_shipped:,}, which fits"


def stated_sizes(run: LoggedRun) -> Iterator[tuple[Size, str]]:
    """Yield the sizes that a run states: the total, and the compressed model, which must fit by itself as well."""
    if total := total_bytes(run):
        yield total, ""
    if model := model_bytes(run):
        yield model, " of compressed model alone"
