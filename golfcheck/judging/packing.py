"""What `golfcheck pack` would save, for the ledger of a single record."""

from dataclasses import replace

from golfcheck.core.errors import UsageError
from golfcheck.core.numbers import bytes_text
from golfcheck.core.verdict import Verdict
from golfcheck.core.work import TOO_COSTLY, Work
from golfcheck.submission.record import Record


def packing_of(record: Record) -> str:
    """Return how small packing makes the script and its modules; "" if it makes them no smaller.

    It is paid for with what is left of the record's budget, and is not tried if that does not suffice.
    """
    from golfcheck.source.selfextracting import packed_bytes  # takes a tenth of the time of a cached verdict

    sources = sorted(record.sources, key=lambda source: not source.main)
    if not sources or any(source.wrapper or not source.examined for source in sources):
        return ""
    files = {source.path: source.text for source in sources}
    size_bytes = sum(map(len, files.values()))
    try:
        packed = packed_bytes(files, Work(record.left_us))
    except UsageError:  # they cannot be packed into one script
        return ""
    if packed is None:
        return f"packing was not tried: {TOO_COSTLY}"
    if packed >= size_bytes:
        return ""
    return f"golfcheck pack makes it at most {bytes_text(packed)}, {bytes_text(size_bytes - packed)} fewer"


def with_packing(verdict: Verdict, packing: str) -> Verdict:
    """Add what `packing_of` says to the ledger's line about the code."""
    if not verdict.ledger or not packing:
        return verdict
    code, *others = verdict.ledger
    return replace(verdict, ledger=(replace(code, note="; ".join(filter(None, [code.note, packing]))), *others))
