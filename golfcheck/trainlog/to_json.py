"""A parsed log as a JSON object, as described by `schemas/train_log.schema.json`."""

import math
from collections.abc import Hashable
from dataclasses import fields, is_dataclass, replace
from itertools import islice
from typing import Any

from golfcheck.trainlog.events import TrainLog


def to_json(log: TrainLog, at_most: int | None = None, *, kinds: bool = False) -> dict[str, Any]:
    """Return the log's facts as JSON values. Missing facts are left out; NaN and infinity become strings.

    `at_most` limits the length of each list of a run and the number of its settings, and `kinds` keeps only the first
    item of each kind: for items with the same keys, types and signs, the schema gives the same result.
    """
    return {
        "path": log.path,
        "sha256": log.sha256,
        "runs": [_value(replace(run, progress_texts=[]), at_most, kinds=kinds) for run in log.runs[:at_most]],
        "dumps": [{"line": dump.line, "name": dump.name, "size_bytes": len(dump.text)} for dump in log.dumps],
        "notes": [_value(note) for note in log.notes],
    }


def _value(value: Any, at_most: int | None = None, *, kinds: bool = False) -> Any:
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {
            name: _value(item, at_most, kinds=kinds)
            for name, item in pairs
            if item is not None and item not in ([], {})
        }
    if isinstance(value, dict):
        return {name: _value(item) for name, item in islice(value.items(), at_most)}
    if isinstance(value, list):
        items = [_value(item) for item in value[:at_most]]
        return list({_kind(item): item for item in reversed(items)}.values()) if kinds else items
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _kind(value: Any) -> Hashable:
    """Return what a schema can distinguish: keys, types, and whether a number is below, at or above 0."""
    if isinstance(value, dict):
        return tuple((name, _kind(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_kind, value))
    return type(value), (value > 0) - (value < 0) if isinstance(value, int | float) else bool(value)
