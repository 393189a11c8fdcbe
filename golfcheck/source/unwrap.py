"""Packed source, `exec(lzma.decompress(base64.b85decode("…")))`, unpacked as data, never executed.

Code that is computed at run time stays packed, with the reason. Every other way of running unreadable code is reported
too, because a rule must not claim that a script which it could not read imports nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from golfcheck.core.work import TOO_COSTLY, Work
from golfcheck.source import syntax
from golfcheck.source.executions import Unfollowed, executions

MAX_LEVELS = 4  # packed source inside packed source
_MAX_TEXTS = 16  # run by one source, on all levels
_MAX_UNFOLLOWED = 16


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The code that a source runs besides its own text.

    `wrapper` is None if nothing is packed; `text` is None if it could not be unpacked, with the reason in `note`.
    """

    wrapper: str | None  # the decoders, outermost first: "lzma+base85"; levels are joined by ", "
    text: bytes | None  # the largest packed text, at the innermost level
    note: str = ""
    executed: tuple[bytes, ...] = ()  # all texts that it runs, packed or in strings, on all levels
    unfollowed: tuple[Unfollowed, ...] = ()  # code that it runs and that could not be read


def unwrap(text: bytes, path: str = "", shipped: Collection[str] = (), work: Work | None = None) -> Unwrapped:
    """Unpack what a source runs. `path` is its own path in the record, `shipped` the record's sources.

    `work` is the record's remaining budget (None: a full one); the caller pays for the text itself.
    """
    work = Work() if work is None else work
    wrappers: list[str] = []
    packed, note = None, ""
    executed: list[bytes] = []
    unfollowed: list[Unfollowed] = []
    pending = [(text, 0, True)]
    while pending:
        outer, level, is_main = pending.pop(0)
        if level and not work.spend(1, syntax.cost_us(outer, work.left_us)):
            unfollowed.append(Unfollowed(None, TOO_COSTLY))
            break
        if syntax.is_too_deep(syntax.parse(outer)):
            if level:
                unfollowed.append(Unfollowed(None, "its unpacked code is too large or too deeply nested to be read"))
            continue
        runs, unknown = executions(outer, path, shipped, work)
        unfollowed += [Unfollowed(None if level else one.line, one.reason) for one in unknown]
        best = max((run for run in runs if run.wrapper), key=lambda run: len(run.text or b""), default=None)
        if is_main and best and level == MAX_LEVELS:
            note = f"still packed after {MAX_LEVELS} levels"
        elif is_main and best:
            wrappers.append(best.wrapper)
            packed, note = best.text, best.note
        for run in runs:
            if run.text is None or run.text in executed:
                continue
            if level == MAX_LEVELS or len(executed) == _MAX_TEXTS:
                unfollowed.append(Unfollowed(None, "it runs more packed texts than are unpacked"))
                break
            executed.append(run.text)
            pending.append((run.text, level + 1, is_main and run is best))
    return Unwrapped(
        ", ".join(wrappers) if wrappers else None,
        packed,
        note,
        tuple(executed),
        tuple(dict.fromkeys(unfollowed))[:_MAX_UNFOLLOWED],
    )
