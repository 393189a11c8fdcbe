"""Score lines in all their formats, and lines with scores that cannot be read.

Nearly every log prints `NAME val_loss:x val_bpb:y`; others print only bits per byte, under names of their own, after
`=` or blanks, or several numbers on a line. Progress (a chunk, a batch, a running mean) is not a score.
"""

import math
import re
from zlib import crc32

from golfcheck.trainlog.events import Fact, LoggedRun, ScoreLine, ValPoint
from golfcheck.trainlog.pairs import NUMBER, milliseconds
from golfcheck.trainlog.runs import Runs

_NAME_CHARS = 120
_MAX_SCORES = 1_000  # kept of one run
_MAX_UNREAD = 100
_MAX_NUMBERS = 20
_LINE_CHARS = 400
_TAIL_CHARS = 40  # after the score, for the duration of its evaluation
_MAX_PROGRESS = 500
_BPB = re.compile(
    r"(?<![A-Za-z0-9_])(?P<key>[A-Za-z0-9_]{0,60}(?:bpb|BPB|bits_per_byte|[Bb]its[ -]per[ -]byte))"
    rf"[\"']?(?:\s{{0,2}}\((?P<note>[^()]{{1,40}})\))?"
    rf"(?:\s{{0,4}}[:=]\s{{0,16}}|\s{{1,4}})(?P<number>{NUMBER})(?![\w.]|/)"
)
_LOSS = re.compile(rf"(?<![A-Za-z0-9_])([A-Za-z0-9_]{{0,40}}val_loss)[\"']?\s{{0,2}}[:=]\s{{0,4}}({NUMBER})(?![\w.])")
_EXACT = re.compile(rf"(?<![\w])exact[:=]\s?({NUMBER})(?![\w.])")
_FIRST_PAIR = re.compile(rf"(?<![\w.])[A-Za-z_][A-Za-z0-9_]{{0,60}}\s{{0,2}}[:=]\s{{0,4}}(?:{NUMBER})(?![\w])")
_ELAPSED = re.compile(
    rf"(?<![\w])(?:(?:eval_time|time|elapsed|t)[:=]|eval(?:uation)?(?:\s(?:took|in))?)\s?({NUMBER})\s?(ms|s|m)(?![\w.])"
)
_OWN = frozenset(
    ("val_bpb", "bpb", "eval_bpb", "bits_per_byte", "val_bits_per_byte", "eval_bits_per_byte", "bits per byte")
)
# `[RESULT] run=9b13 | score=1.1888`: a harness around the script summarizes a run.
_RESULT = re.compile(
    rf"\b(?:result|final)\b.{{0,120}}?(?<![\w])score\s{{0,2}}[:=]\s{{0,4}}({NUMBER})(?![\w.%]|/)", re.IGNORECASE
)
_RESULT_DIGITS = 3
# A position within the work, or part of it; a line that says `done` reports the whole.
_PROGRESS = re.compile(
    r"[0-9]/[0-9]|[0-9]%|chunk|batch|epoch|progress|warmup|windows\b|\bETA\b|rank:[0-9]|phase=|restored"
    r"|captured|(?<![a-z])search|->|REFERENCE|target",
    re.IGNORECASE,
)
_POSITION = re.compile(r"[0-9]/[0-9]")
_DONE = re.compile(r"\bdone\b", re.IGNORECASE)
_NO_SCORE = re.compile(
    r"delta|gain|running|run_|batch|chunk|cur_|train|base|avg_|improve|gap|diff|window_|best_agree_gain|only|max|min_"
)
_AT_STEP = re.compile(r"(?<![\w])step[:= ]\s?([0-9]{1,12})(?![\w./])")
_STRIDE = re.compile(r"\bstride[:=] ?([0-9]{1,6})\b")
_ALONE = re.compile(
    r"\s{0,8}(?:val_|eval_)?(?:bpb|bits_per_byte)\s{0,4}[:=](?!.*(?:train_time|step))"
)  # nothing but the score on a line
_BARE = re.compile(r"(?<![\w.,])[0-9]{1,2}\.[0-9]{2,16}(?![\w.%])")
_SEEMS_SCORE = re.compile(r"[0-9]\.[0-9]{2}")
_SOURCE = re.compile(r"[({\[]\s*$|==|\bdef |^\s*#|\bf[\"']|print\(|log0\(")  # a line of a program
_ENDS = " \t:=-|>#*,;[]"


def read(runs: Runs, line: int, text: str) -> bool:
    """Read the scores of a line about bits per byte; a line with a score in an unknown format is kept as text."""
    name_of_both, both, _ = text.partition(" val_loss:")
    is_plain = bool(both) and " val_bpb:" in text  # the format of nearly all logs, whatever words its name has
    progress = _POSITION.search(name_of_both) if is_plain else _PROGRESS.search(text)
    if progress and progress[0] == "->":
        return keep_unread(runs.now, line, text)  # two numbers, or an arrow instead of an equals sign
    if progress and not _DONE.search(text):
        if not _SEEMS_SCORE.search(text) or _SOURCE.search(text):
            return False
        runs.now.progress_line = line
        runs.now.progress_texts.append(Fact(text[:200], line))
        del runs.now.progress_texts[:-_MAX_PROGRESS]
        if len(runs.now.progress) < _MAX_PROGRESS:
            runs.now.progress.append(crc32(text.encode("utf-8", "replace")))
        return False
    runs.score_lines += 1
    numbers = list(_BPB.finditer(text))
    if (
        len(text) > _LINE_CHARS and numbers
    ):  # several lines whose newlines were lost: the rest does not belong to this name
        numbers, text = numbers[:1], text[: numbers[0].end() + _TAIL_CHARS]
    run = runs.now
    if not numbers:
        return keep_unread(run, line, text)
    loss = _LOSS.search(text)
    first = _FIRST_PAIR.search(text)
    begin = min(numbers[0].start(), loss.start() if loss else len(text), first.start() if first else len(text))
    name = _DONE.sub("", text[:begin]).strip(_ENDS)
    at = _AT_STEP.search(text) if loss else None
    if not name and at and at.start() == begin:
        name = f"step {at[1]}"  # a validation during training, not a score of the artifact
    if len(name) > _NAME_CHARS or not (name or run.stop or run.total_bytes or _ALONE.match(text)):
        return keep_unread(run, line, text)
    times = [milliseconds((match[1], match[2])) for match in _ELAPSED.finditer(text[:_LINE_CHARS])]
    eval_ms = max((ms for ms in times if ms is not None), default=None)
    # Of several scores, the one named val_bpb, or just bpb, is the line's own: it is read first, and comes last.
    numbers.sort(key=lambda match: match["key"].lower() not in _OWN)
    stride = _STRIDE.search(text)
    if loss and at and not any(size.label for size in (*run.model_bytes, *run.total_bytes)):
        number = next((match["number"] for match in numbers if match["key"].lower() in _OWN), numbers[0]["number"])
        run.val.append(ValPoint(line, int(at[1]), 0, float(loss[2]), float(number), None, None))
        return True  # nothing has been saved yet: a validation, whatever its line begins with
    scores: list[ScoreLine] = []
    for match in numbers:
        key = match["key"].lower()
        if any(score.val_bpb == float(match["number"]) for score in scores):
            continue  # two lines that lost the newline between them
        if _NO_SCORE.search(key) or len(run.scores) + len(scores) >= _MAX_SCORES:
            continue
        own = key in _OWN
        label = key.removesuffix("bpb").removesuffix("val_").strip("_")
        words = (name, "" if own else label, match["note"] or "")
        number = match["number"]
        if own and (exact := _EXACT.search(text)) and _rounds_to(exact[1], number):
            number = exact[1]
        if loss is None and not math.isfinite(float(number)):
            continue  # the start of a search for the best, not its end
        its_loss = loss if loss and (own or loss[1].lower().startswith(label)) else None
        scores.append(
            ScoreLine(
                line,
                " ".join(filter(None, words)) or "val_bpb",
                float(its_loss[2]) if its_loss else None,
                float(number),
                eval_ms,
                decimals(number),
                int(stride[1]) if stride else None,
            )
        )
    scores.reverse()
    if name:
        run.scores += scores
    else:  # a summary repeats the scores without their names
        run.scores += [score for score in scores if all(score.val_bpb != other.val_bpb for other in run.scores)]
    return bool(scores)


def result(runs: Runs, line: int, text: str) -> bool:
    """Read `[RESULT] … score=1.1888`; any other line about a score is kept as text."""
    text = text[:_LINE_CHARS]
    runs.searched_chars += len(text)
    match = _RESULT.search(text)
    run = runs.now
    if match is None or decimals(match[1]) < _RESULT_DIGITS or len(run.scores) >= _MAX_SCORES:
        return keep_unread(run, line, text)
    run.scores.append(ScoreLine(line, "result score", None, float(match[1]), None, decimals(match[1])))
    return True


def keep_number(runs: Runs, line: int, text: str) -> None:
    """Keep a line after training with a decimal in an unknown format: `| quantized | 1.2345 |` may be a score."""
    run = runs.now
    is_over = run.stop or run.total_bytes
    if not is_over and (
        run.train or run.gpus or run.settings
    ):  # otherwise it may be from an evaluation without training
        return
    text = text[:_LINE_CHARS]
    runs.searched_chars += len(text)
    if _BARE.search(text) and not _PROGRESS.search(text) and not _SOURCE.search(text):
        run.numbers.append(Fact(text.strip()[:200], line))
        del run.numbers[:-_MAX_NUMBERS]


def decimals(number: str) -> int:
    """Return the number of decimals of a printed number."""
    return len(number.partition("e")[0].partition(".")[2])


def _rounds_to(exact: str, rounded: str) -> bool:
    return abs(float(exact) - float(rounded)) <= 0.5 * 10.0 ** -decimals(rounded) + 1e-12


def keep_unread(run: LoggedRun, line: int, text: str) -> bool:
    """Keep a line that seems to state a score in an unknown format."""
    if _SEEMS_SCORE.search(text) and not _SOURCE.search(text) and len(run.unread) < _MAX_UNREAD:
        run.unread.append(Fact(text.strip()[:200], line))
    return False
