"""Store dataclasses as JSON between runs, and read them back by their types. Unlike pickle, JSON cannot run code."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError)  # what a reader raises on other JSON


def dump(value: object, limit_chars: int | None = None) -> str | None:
    """Return dataclasses, tuples and plain types as JSON, without field names.

    Returns None if the JSON would be longer than `limit_chars`. Values that are much too long are never serialized to
    find out (a byte may take six characters).
    """
    if limit_chars is not None and _weight(value, limit_chars) > limit_chars:
        return None
    text = json.dumps(_plain(value), separators=(",", ":"))
    return text if limit_chars is None or len(text) <= limit_chars else None


def _weight(value: object, limit: int) -> int:
    """Return a lower bound on the length of the JSON; counting stops above the limit."""
    weight, pending = 0, [value]
    while pending and weight <= limit:
        item = pending.pop()
        weight += 1
        if isinstance(item, str | bytes):
            weight += len(item)
        elif isinstance(item, list | tuple):
            pending += item
        elif isinstance(item, dict):
            pending += (*item, *item.values())
        elif is_dataclass(item) and not isinstance(item, type):
            pending += [getattr(item, field.name) for field in fields(item)]
    return weight


def _plain(value: Any) -> Any:
    """Return dataclasses as lists of their fields, and bytes as Latin-1 text; readers know the types."""
    if is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


@cache
def reader_of(kind: Any) -> Callable[[Any], Any]:
    """Return a function that makes a value of type `kind` from its plain form, or raises one of BROKEN."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (inner,) = (reader_of(argument) for argument in arguments if argument is not NoneType)
        return lambda value: None if value is None else inner(value)
    if origin in (tuple, list):
        item = reader_of(arguments[0])
        return lambda value: origin([item(part) for part in value])
    if origin is dict:
        item = reader_of(arguments[1])
        return lambda value: {key: item(part) for key, part in value.items()}
    target = origin or kind
    if is_dataclass(target):
        return _dataclass_reader(target, dict(zip(getattr(target, "__parameters__", ()), arguments, strict=True)))
    if kind is bytes:
        return lambda value: value.encode("latin-1")
    if kind is datetime:
        return datetime.fromisoformat
    return kind if isinstance(kind, type) and issubclass(kind, Path | int) and kind is not int else lambda value: value


def _dataclass_reader(target: Any, parameters: dict[Any, Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(target)
    readers = [reader_of(parameters.get(hints[field.name], hints[field.name])) for field in fields(target)]
    return lambda value: target(*(read(part) for read, part in zip(readers, value, strict=True)))
