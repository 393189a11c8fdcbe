"""Dialect A, `key:value`: the contest's own trainer, ours, and 78 of 165 real logs.

Lines that match the templates of `trainlog.linekinds` exactly are read by these; variants in real logs as pairs.
"""

import re

from golfcheck.trainlog import linekinds
from golfcheck.trainlog.events import Fact, Stop, TrainPoint, ValPoint
from golfcheck.trainlog.pairs import INT, milliseconds, pairs, pattern_of
from golfcheck.trainlog.runs import MAX_SETTINGS, Runs

_TRAIN = pattern_of(linekinds.TrainStep.template).fullmatch
_VAL = pattern_of(linekinds.ValStep.template).fullmatch
_STEP = re.compile(rf"step:({INT})/({INT}) ")
_STOP = re.compile(rf"stopping_early: (\S{{1,80}}) train_time:\s?([0-9.]{{1,20}})ms step:\s?({INT})/({INT})")
_SETTING = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})[:=](.{0,400})")
_STATES_SCORE = re.compile(r"e?val_(?:loss|bpb)[:=] ?[0-9]")
_FIRST_NUMBER = re.compile(rf" ?({INT})(?![\w.])")
_MAX_TOKENS = 256  # of a line of settings; dialect C prints about 80


def step(runs: Runs, line: int, text: str) -> bool:
    """Read a training or a validation step."""
    if match := _TRAIN(text):
        at, of, loss, train_ms, average_ms = match.groups()
        point = TrainPoint(line, int(at), int(of), float(loss), float(train_ms), float(average_ms))
        runs.at_step(point.step).train.append(point)
        return True
    if match := _VAL(text):
        at, of, loss, bpb, train_ms, average_ms = match.groups()
        runs.now.val.append(
            ValPoint(line, int(at), int(of), float(loss), float(bpb), float(train_ms), float(average_ms))
        )
        return True
    return _variant(runs, line, text)


def _variant(runs: Runs, line: int, text: str) -> bool:
    """Read a step with labels, missing times, or more values than in the templates; also dialect C's `loss t avg`."""
    if not (match := _STEP.match(text)):
        return False
    at, of = int(match[1]), int(match[2])
    values = pairs(text[match.end() :])
    train_ms = milliseconds(values.get("train_time") or values.get("t"))
    average_ms = milliseconds(values.get("step_avg") or values.get("avg"))
    if (values.get("train_time") or values.get("t") or ("", ""))[1] == "m":
        average_ms = None  # times in minutes are rounded too much to compare with it
    if "val_loss" in values and "val_bpb" in values:
        loss_nats, bpb = float(values["val_loss"][0]), float(values["val_bpb"][0])
        runs.now.val.append(ValPoint(line, at, of, loss_nats, bpb, train_ms, average_ms))
    elif loss := values.get("train_loss") or values.get("loss"):
        runs.at_step(at).train.append(TrainPoint(line, at, of, float(loss[0]), train_ms, average_ms))
    else:
        return False
    return True


def stop(runs: Runs, line: int, text: str) -> bool:
    """Read why a run ended early (dialect B puts a space after each colon)."""
    if not (match := _STOP.match(text)):
        return False
    runs.now.stop = Stop(line, match[1], float(match[2]), int(match[3]), int(match[4]))
    return True


def seed(runs: Runs, line: int, text: str) -> bool:
    """Read `seed:N`."""
    if not (match := _FIRST_NUMBER.match(text, len("seed:"))) or not text.startswith("seed:"):
        return False
    run = runs.header()
    run.seed = Fact(int(match[1]), line)
    return settings(runs, line, text)


def world(runs: Runs, line: int, text: str) -> bool:
    """Read `world_size:N grad_accum_steps:K`."""
    if not (match := _FIRST_NUMBER.match(text, len("world_size:"))) or not text.startswith("world_size:"):
        return False
    run = runs.header()
    run.world_size = Fact(int(match[1]), line)
    return settings(runs, line, text)


def params(runs: Runs, line: int, text: str) -> bool:
    """Read `model_params:N`; loops and the like may follow."""
    if not (match := _FIRST_NUMBER.match(text, len("model_params:"))) or not text.startswith("model_params:"):
        return False
    run = runs.header()
    run.params = Fact(int(match[1]), line)
    settings(runs, line, text)
    return True


def val_loader(runs: Runs, line: int, text: str) -> bool:
    """Read `val_loader:(shards )pattern=… tokens:N`."""
    _, separator, number = text.rpartition(" tokens:")
    if not text.startswith("val_loader:") or not separator or not (match := _FIRST_NUMBER.match(number)):
        return False
    run = runs.header()
    run.val_tokens = Fact(int(match[1]), line)
    return True


def settings(runs: Runs, line: int, text: str) -> bool:
    """Read a line of only `name:value` or `name=value` pairs, printed before training; lists may contain spaces."""
    if runs.started() or runs.setting_words > MAX_SETTINGS or _STATES_SCORE.match(text):
        return False
    values: dict[str, str] = {}
    name, is_open = "", False
    for token in text.split(" ", _MAX_TOKENS):
        runs.setting_words += 1
        if is_open:
            values[name] += " " + token[:400]
        elif match := _SETTING.fullmatch(token):
            name = match[1].lower()
            values[name] = match[2]
        else:
            return False
        is_open = values[name].startswith("[") and not values[name].endswith("]")
    for name, value in values.items():
        keep_setting(runs, line, name, value)
    return bool(values)


def keep_setting(runs: Runs, line: int, name: str, value: str) -> None:
    """Record a hyperparameter; a run's first value counts, unless that start failed before its first step."""
    settings = runs.now.settings
    if (name not in settings and len(settings) < MAX_SETTINGS) or (name in settings and not runs.started()):
        settings[name] = Fact(value, line)
        runs.settings += 1
