"""The prefix of every line of a log: timestamps, ranks, levels, colors. Learned from the log's own steps.

Launchers and loggers put their own text before each line, each in its own format. If most step lines begin with some
other text, that text is the prefix: its digits, blanks and words may vary from line to line.
"""

import re
from collections import Counter
from collections.abc import Iterator

_ANSI = re.compile(rb"\x1b(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_STEP = re.compile(rb"(?:step:)?[0-9]{1,12}/[0-9]{1,12} \Z")  # between a prefix and `train_loss:`
_LANDMARKS = (b"Total submission size", b"Serialized model", b"Code size", b"stopping_early: ", b"val_loader:")
_HAS_NUMBER = re.compile(rb"[^\n{}\"']{0,160}?[0-9]")
_TOKEN = re.compile(rb"(?P<digits>[0-9]+)|(?P<blanks>[ \t]+)|(?P<word>[A-Za-z_][A-Za-z_.]*)|(?P<other>.)", re.DOTALL)
_MAX_PREFIX_BYTES = 200
_SAMPLES = 200
_MAX_SHAPES = 16


def without_colors(data: bytes) -> bytes:
    """Return the log without color escape sequences."""
    return _ANSI.sub(b"", data) if b"\x1b" in data else data


def learned(data: bytes) -> re.Pattern[bytes] | None:
    """Return the expression that matches the prefix of a log's lines; None if they have none."""
    prefixes = list(_before_steps(data)) or list(_before_landmarks(data))
    present = [prefix for prefix in prefixes if prefix]
    if not present or 2 * len(present) < len(prefixes):
        return None
    shapes = [shape for shape, _ in Counter(map(_shape, present)).most_common(_MAX_SHAPES)]
    shapes.sort(key=lambda shape: -len(shape))  # the longest match is the whole prefix
    return re.compile(rb"^(?:" + b"|".join(shapes) + rb")", re.MULTILINE)


def without_prefix(data: bytes, prefix: re.Pattern[bytes] | None) -> bytes:
    """Return the lines without the prefixes that `learned` found."""
    return prefix.sub(b"", data) if prefix else data


def _before_steps(data: bytes) -> Iterator[bytes]:
    """Yield the text before `step:1/20000 train_loss:` or `1/20000 val_loss:`."""
    for mark in (b"train_loss:", b"val_loss:"):
        position = -1
        for _ in range(_SAMPLES):
            position = data.find(mark, position + 1)
            if position < 0:
                break
            start = data.rfind(b"\n", max(0, position - _MAX_PREFIX_BYTES), position) + 1
            if start and (match := _STEP.search(data, start, position)):
                yield data[start : match.start()]


def _before_landmarks(data: bytes) -> Iterator[bytes]:
    for mark in _LANDMARKS:
        position = -1
        for _ in range(_SAMPLES // 10):
            position = data.find(mark, position + 1)
            if position < 0:
                break
            start = data.rfind(b"\n", max(0, position - _MAX_PREFIX_BYTES), position) + 1
            if (start or position < _MAX_PREFIX_BYTES) and _HAS_NUMBER.match(data, position + len(mark)):
                yield data[start:position]


def _shape(prefix: bytes) -> bytes:
    """Return an expression for similar prefixes: with other numbers, other blanks and, if it has a time, other words.

    A prefix of only blanks must match exactly, since a block of settings is indented too.
    """
    if not prefix.strip():
        return re.escape(prefix)
    is_logging = sum(match.lastgroup == "digits" for match in _TOKEN.finditer(prefix)) >= 3
    parts = []
    stem = prefix.rstrip(b" \t")
    for match in _TOKEN.finditer(stem):
        text = match[0]
        if match.lastgroup == "digits":
            parts.append(rb"[0-9]{1,20}")
        elif match.lastgroup == "blanks":
            parts.append(rb"[ \t]{1,40}")
        elif match.lastgroup == "word" and is_logging:
            parts.append(rb"[A-Za-z_.]{1,80}")
        else:
            parts.append(re.escape(text))
    return b"".join(parts) + re.escape(prefix[len(stem) :])  # further blanks belong to the line
