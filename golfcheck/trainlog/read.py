"""The bytes of a log → TrainLog: every line goes to the readers that match its first four characters."""

import hashlib
import re
from collections.abc import Callable, Sequence

from golfcheck.core.work import (
    COLORED_BYTE_US,
    LINE_CHAR_US,
    LOG_LINE_US,
    LONG_LINE_BYTE_US,
    SCORE_LINE_US,
    SEARCHED_CHAR_US,
    SETTING_US,
    Work,
)
from golfcheck.trainlog import dialect_a, dialect_b, dialect_c, dumps, ours, prefix, rawlines, scores, shared
from golfcheck.trainlog.events import Fact, TrainLog
from golfcheck.trainlog.runs import Runs

Reader = Callable[[Runs, int, str], bool]

_HEAD_CHARS = 4
_PAID_LINES = 1_000  # read between two checks of the budget
_MAX_NOTES = 100
_DURATION_ENDS = ("s", "s)", "s total", "ms")
_BITS = re.compile(r"[Bb]its[ _-]per[ _-]byte")
_SIZED = re.compile(r"[0-9]{3} bytes|_bytes:[0-9]|rtifact")
# Lines that must not be hidden by text before them, since size, time and seed are judged by them.
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
    "spee": (),  # our own trainer's speed, which its steps state too
    # Frequent lines with nothing to read, listed so that they cost only one lookup.
    "warm": (),
    "tttg": (),
    "ttp:": (),
}


def read(path_label: str, data: bytes, work: Work | None = None) -> TrainLog:
    """Read a log of any dialect; `path_label` is its path inside the record. Never raises on content.

    `work` is the record's remaining budget (None: a full one); when it is used up, reading stops, and `unread_from` is
    the line.
    """
    work = Work() if work is None else work
    sha256 = hashlib.sha256(data).hexdigest()
    data, notes = rawlines.normalize(data)
    if b"\x1b" in data:
        work.spend(len(data), COLORED_BYTE_US)
        data = prefix.without_colors(data)
    data = prefix.without_prefix(data, prefix.learned(data))
    is_blank = not data or data.isspace()
    spans = dumps.find(data, work)
    runs = Runs()
    line, is_whole = read_lines(runs, data, spans, notes, work)
    dumped = tuple(span.dump for span in spans)
    unread_from = None if is_whole else line + 1
    return TrainLog(path_label, sha256, runs.finish(), dumped, tuple(notes), unread_from, is_blank)


def read_lines(
    runs: Runs, data: bytes, spans: Sequence[dumps.DumpSpan], notes: list[Fact[str]], work: Work, *, line: int = 0
) -> tuple[int, bool]:
    """Read the lines of normalized `data` outside `spans` into `runs`; `line` is the number of lines before it.

    Returns the number of the last line that was read, and whether it is the log's last.
    """
    start = 0
    for end, resume in [*((span.start, span.end) for span in spans), (len(data), len(data))]:
        for page in rawlines.pages(data, start, end):
            for first in range(0, len(page), _PAID_LINES):
                if work.is_spent:
                    return line + first, False
                _read_part(runs, line + first, page[first : first + _PAID_LINES], notes, work)
            line += len(page) - 1
        line += data.count(b"\n", end, resume)
        start = resume
    return line, True


def _read_part(runs: Runs, before: int, part: list[str], notes: list[Fact[str]], work: Work) -> None:
    """Read the lines of a part of a page, and charge for them; `before` is the number of lines before it."""
    readers, folded = _READERS, rawlines.FOLDED_CHARS
    count, chars = len(part), sum(map(len, part))
    scores_before, searched_before, settings_before = runs.score_lines, runs.searched_chars, runs.settings
    for line, whole in enumerate(part, before + 1):
        if len(whole) > folded or "\r" in whole:
            work.spend(len(whole), LONG_LINE_BYTE_US)
            chars -= len(whole)
            count += _read_long(runs, line, whole, notes, work)
        elif (candidates := readers.get(whole[:_HEAD_CHARS])) is not None:
            for reader in candidates:
                if reader(runs, line, whole):
                    break
            else:
                if candidates:
                    _read_rest(runs, line, whole)
        elif whole:
            _read_other(runs, line, whole)
    work.spend(count, LOG_LINE_US)
    work.spend(chars, LINE_CHAR_US)
    work.spend(runs.searched_chars - searched_before, SEARCHED_CHAR_US)
    work.spend(runs.score_lines - scores_before, SCORE_LINE_US)
    work.spend(runs.settings - settings_before, SETTING_US)


def _read_long(runs: Runs, line: int, whole: str, notes: list[Fact[str]], work: Work) -> int:
    """Read a line that may contain several (lost newlines, an overwritten progress bar); return how many."""
    count = 0
    if len(whole) > rawlines.PIECE_CHARS and len(notes) < _MAX_NOTES:
        notes.append(Fact(f"a line of more than {rawlines.PIECE_CHARS:,} characters", line))
    for part in whole.split("\r"):
        for segment in rawlines.unfolded(part):
            _read_other(runs, line, segment)
            work.spend(len(segment), LINE_CHAR_US)
            count += 1
    return count


def _read_other(runs: Runs, line: int, whole: str) -> None:
    """Read a line that its beginning does not identify."""
    first = whole[:1]
    if first.isdecimal() or first == "[":
        if dialect_b.step(runs, line, whole):
            return
        whole = rawlines.without_prefix(whole) or whole
        first = whole[:1]
        if first.isdecimal() and dialect_b.step(runs, line, whole):
            return
    if first == "|":
        if not shared.machine(runs, line, whole) and not _is_score(runs, line, whole):
            scores.keep_number(runs, line, whole)
        return
    if runs.in_settings and dialect_b.setting(runs, line, whole):
        return
    readers = _READERS.get(whole[:_HEAD_CHARS])
    if readers is None and (landmark := _LANDMARK.search(whole)):
        whole = whole[landmark.start() :]  # whatever precedes it
        readers = _READERS.get(whole[:_HEAD_CHARS]) or (dialect_b.step,)
    for reader in readers or ():
        if reader(runs, line, whole):
            return
    if readers != ():
        _read_rest(runs, line, whole)


def _read_rest(runs: Runs, line: int, whole: str) -> None:
    """Read lines that may begin in any way: scores, durations, settings."""
    if _is_score(runs, line, whole):
        return
    if _SIZED.search(whole) and shared.other_size(runs, line, whole):
        return
    if whole.startswith("Validation tokens:") and dialect_b.validation_tokens(runs, line, whole):
        return
    if "essian" in whole or "alibrat" in whole:
        shared.calibration(runs, line, whole)
    if ("pass" in whole or "Pass" in whole) and shared.evaluation_pass(runs, line, whole):
        return
    if ("time_" in whole or "time " in whole) and shared.duration_by_key(runs, line, whole):
        return
    if whole.endswith(_DURATION_ENDS) and shared.duration(runs, line, whole):
        return
    if not runs.started() and (dialect_c.hyperparameters(runs, line, whole) or dialect_a.settings(runs, line, whole)):
        return
    scores.keep_number(runs, line, whole)


def _is_score(runs: Runs, line: int, whole: str) -> bool:
    """Read a line that mentions bits per byte or a score; False if it states none that can be read."""
    is_about = "bpb" in whole or "BPB" in whole or ("its" in whole and _BITS.search(whole))
    if is_about and scores.read(runs, line, whole):
        return True
    return "score" in whole and scores.result(runs, line, whole)
