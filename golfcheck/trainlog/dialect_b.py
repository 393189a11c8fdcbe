"""Dialect B, `key: value` with a block of hyperparameters: 69 of 165 real logs."""

import re

from golfcheck.trainlog.dialect_a import keep_setting
from golfcheck.trainlog.events import Fact, TrainPoint, ValPoint
from golfcheck.trainlog.pairs import INT, NUMBER, milliseconds, pairs
from golfcheck.trainlog.runs import Runs

_TRAIN = re.compile(rf"({INT})/({INT}) train_loss: ({NUMBER})")
_VAL = re.compile(rf"({INT})/({INT}) val_loss: ({NUMBER}) val_bpb: ({NUMBER})")
_SETTING = re.compile(r"  ([A-Za-z_][A-Za-z0-9_]{0,63}): ?(.{0,400})")
_NUMBER = re.compile(INT)


def step(runs: Runs, line: int, text: str) -> bool:
    """Read `N/M train_loss: x train_time: y.zm tok/s: k` or `N/M val_loss: x val_bpb: y`."""
    if match := _TRAIN.match(text):
        values = pairs(text[match.end() :])
        train_ms, average_ms = milliseconds(values.get("train_time")), milliseconds(values.get("step_avg"))
        at, of, loss = match.groups()
        runs.at_step(int(at)).train.append(TrainPoint(line, int(at), int(of), float(loss), train_ms, average_ms))
        return True
    if match := _VAL.match(text):
        values = pairs(text[match.end() :])
        train_ms, average_ms = milliseconds(values.get("train_time")), milliseconds(values.get("step_avg"))
        at, of, loss, bpb = match.groups()
        runs.now.val.append(ValPoint(line, int(at), int(of), float(loss), float(bpb), train_ms, average_ms))
        return True
    return False


def block(runs: Runs, line: int, text: str) -> bool:
    """Enter the block of hyperparameters."""
    runs.in_settings = text.startswith("Hyperparameters:")
    if runs.in_settings:
        runs.header()
    return runs.in_settings


def setting(runs: Runs, line: int, text: str) -> bool:
    """Read one line of the block, `  name: value`; anything else ends it."""
    match = _SETTING.fullmatch(text)
    if not match:
        runs.in_settings = False
        return False
    name, value = match[1].lower(), match[2]
    run = runs.now
    keep_setting(runs, line, name, value)
    if name == "seed" and _NUMBER.fullmatch(value):
        run.seed = Fact(int(value), line)
    if name == "world_size" and _NUMBER.fullmatch(value):
        run.world_size = Fact(int(value), line)
    return True


def validation_tokens(runs: Runs, line: int, text: str) -> bool:
    """Read `Validation tokens: 40,540,160`."""
    digits = text.partition(":")[2].strip().replace(",", "").replace("_", "")
    if not _NUMBER.fullmatch(digits):
        return False
    runs.header().val_tokens = Fact(int(digits), line)
    return True


def val_tokens(runs: Runs, line: int, text: str) -> bool:
    """Read `val_tokens: N`."""
    _, separator, value = text.partition("val_tokens: ")
    if not separator or not _NUMBER.fullmatch(value.strip()):
        return False
    run = runs.header()
    run.val_tokens = Fact(int(value), line)
    return True
