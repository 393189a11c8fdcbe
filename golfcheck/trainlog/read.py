"""The bytes of a log → TrainLog: every line goes to the readers that its first four characters allow."""

import hashlib
import re
from collections.abc import Callable, Sequence

from golfcheck.trainlog import dialect_a, dialect_b, dialect_c, dumps, ours, prefix, rawlines, scores, shared
from golfcheck.trainlog.events import Fact, TrainLog
from golfcheck.trainlog.runs import Runs

Reader = Callable[[Runs, int, str], bool]

_HEAD_CHARS = 4
_SCORE_WORK = 10  # a line of scores takes as long to read as so many others, and counts as many
_MAX_NOTES = 100
_DURATION_ENDS = ("s", "s)", "s total", "ms")
_BITS = re.compile(r"[Bb]its[ _-]per[ _-]byte")
_SIZED = re.compile(r"[0-9]{3} bytes|_bytes:[0-9]|rtifact")
# Lines that no text before them may hide: what is judged by them is the cap of bytes, the clock and the seed.
_LANDMARK = re.compile(
    r"(?<![\w\"'])(?=step:[0-9]{1,12}/[0-9]{1,12} (?:train_|val_)?loss:|[0-9]{1,12}/[0-9]{1,12} (?:train|val)_loss:"
    r"|(?:Code size|Serialized model|Total submission size)[^:{}]{0,60}: [0-9]|stopping_early: |seed:[0-9]"
    r"|val_loader:\S|world_size:[0-9]|model_params:[0-9])"
)
_READERS: dict[str, tuple[Reader, ...]] = {
    "step": (dialect_a.step,),
    "stop": (dialect_a.stop,),
    "seed": (dialect_a.seed,),
    "worl": (dialect_a.world,),
    "mode": (dialect_a.params, dialect_a.settings),
    "val_": (dialect_a.val_loader, dialect_b.val_tokens, dialect_a.settings),
    "Hype": (dialect_b.block,),
    "Code": (shared.size,),
    "Seri": (shared.size,),
    "Tota": (shared.size,),
    "seri": (shared.mlx_size,),
    "para": (dialect_c.shape, dialect_a.settings),
    "arti": (dialect_c.artifact,),
    "budg": (dialect_c.budget,),
    "GPU ": (shared.machine,),
    "peak": (shared.peak_memory,),
    "data": (ours.extra,),
    "code": (ours.extra,),
    "sett": (ours.extra,),
    "phas": (ours.extra,),
    "resu": (ours.extra,),
    "spee": (),  # how fast our own trainer was: its steps say it too
    # Many of them in a log, and nothing to read: named so that they cost one look-up.
    "warm": (),
    "tttg": (),
    "ttp:": (),
}


def read(path_label: str, data: bytes, max_lines: int | None = None) -> TrainLog:
    """Read a log of any dialect; `path_label` is its path inside the record. Never raises on content.

    Reading stops at the end of the page (1 MiB) in which `max_lines` is passed (None: `rawlines.MAX_LINES`), and a note
    says so; each of the lines that one long line holds counts.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    data, notes = rawlines.normalize(data)
    data = prefix.without_colors(data)
    data = prefix.without_prefix(data, prefix.learned(data))
    spans = dumps.find(data)
    runs = Runs()
    most = rawlines.MAX_LINES if max_lines is None else max_lines
    _, count = read_lines(runs, data, spans, notes, most=most)
    return TrainLog(path_label, sha256, runs.finish(), tuple(span.dump for span in spans), tuple(notes), count)


def read_lines(
    runs: Runs,
    data: bytes,
    spans: Sequence[dumps.DumpSpan],
    notes: list[Fact[str]],
    *,
    line: int = 0,
    most: int = rawlines.MAX_LINES,
) -> tuple[int, int]:
    """Read the lines of normalized `data` outside `spans` into `runs`; `line` is the number of lines before it.

    Returns the number of the last line, and how many were read.
    """
    start = count = 0
    for end, resume in [*((span.start, span.end) for span in spans), (len(data), len(data))]:
        for page in rawlines.pages(data, start, end):
            before = runs.score_lines
            count += _read_page(runs, line, page, notes)
            count += (_SCORE_WORK - 1) * (runs.score_lines - before)
            line += len(page) - 1
            if count > most:
                notes.append(Fact("too long: the rest of the lines was not read", line))
                return line, count
        line += data.count(b"\n", end, resume)
        start = resume
    return line, count


def _read_page(runs: Runs, before: int, page: list[str], notes: list[Fact[str]]) -> int:
    """Read the lines of a page, and return how many these were; `before` is the number of lines before it."""
    readers, folded = _READERS, rawlines.FOLDED_CHARS
    count = len(page)
    for line, whole in enumerate(page, before + 1):
        if len(whole) > folded or "\r" in whole:
            count += _read_long(runs, line, whole, notes)
        elif (candidates := readers.get(whole[:_HEAD_CHARS])) is not None:
            for reader in candidates:
                if reader(runs, line, whole):
                    break
            else:
                if candidates:
                    _read_rest(runs, line, whole)
        elif whole:
            _read_other(runs, line, whole)
    return count


def _read_long(runs: Runs, line: int, whole: str, notes: list[Fact[str]]) -> int:
    """Read a line that may hold several, and return how many: newlines were lost, or a progress bar overwritten."""
    count = 0
    if len(whole) > rawlines.PIECE_CHARS and len(notes) < _MAX_NOTES:
        notes.append(Fact(f"a line of more than {rawlines.PIECE_CHARS:,} characters", line))
    for part in whole.split("\r"):
        for segment in rawlines.unfolded(part):
            _read_other(runs, line, segment)
            count += 1
    return count


def _read_other(runs: Runs, line: int, whole: str) -> None:
    """Read a line that its beginning does not give away."""
    first = whole[:1]
    if first.isdecimal() or first == "[":
        if dialect_b.step(runs, line, whole):
            return
        whole = rawlines.without_prefix(whole) or whole
        first = whole[:1]
        if first.isdecimal() and dialect_b.step(runs, line, whole):
            return
    if first == "|":
        shared.machine(runs, line, whole)
        return
    if runs.in_settings and dialect_b.setting(runs, line, whole):
        return
    readers = _READERS.get(whole[:_HEAD_CHARS])
    if readers is None and (landmark := _LANDMARK.search(whole)):
        whole = whole[landmark.start() :]  # whatever stands before it
        readers = _READERS.get(whole[:_HEAD_CHARS]) or (dialect_b.step,)
    for reader in readers or ():
        if reader(runs, line, whole):
            return
    if readers != ():
        _read_rest(runs, line, whole)


def _read_rest(runs: Runs, line: int, whole: str) -> None:
    """Read what may begin in any way: scores, durations, settings."""
    is_about = "bpb" in whole or "BPB" in whole or ("its" in whole and _BITS.search(whole))
    if is_about and scores.read(runs, line, whole):
        return
    if "score" in whole and scores.result(runs, line, whole):
        return
    if _SIZED.search(whole) and shared.other_size(runs, line, whole):
        return
    if whole.startswith("Validation tokens:") and dialect_b.validation_tokens(runs, line, whole):
        return
    if "essian" in whole or "alibrat" in whole:
        shared.calibration(runs, line, whole)
    if whole.endswith(_DURATION_ENDS) and shared.duration(runs, line, whole):
        return
    if not runs.started():
        dialect_c.hyperparameters(runs, line, whole) or dialect_a.settings(runs, line, whole)
