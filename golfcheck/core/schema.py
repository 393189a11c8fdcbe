"""Validation against the JSON Schemas of everything that golfcheck reads and writes."""

import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from golfcheck.core.suggest import suggestion

_MAX_VIOLATIONS = 50
_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation of a schema; `pointer` says where (RFC 6901; "" is the whole value)."""

    pointer: str
    message: str


@cache
def load(name: str) -> dict[str, Any]:
    """Return the schema called `name` ("submission", "train_log", …)."""
    schema: dict[str, Any] = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def folder() -> Path:
    """Return the folder of the schemas: inside the package in a wheel, next to it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


def violations(name: str, data: Any) -> list[Violation]:
    """Return how `data` violates the schema called `name`, sorted by location; at most 50 violations."""
    errors = itertools.islice(_validator(name).iter_errors(data), _MAX_VIOLATIONS)
    broken = [
        Violation("".join(f"/{_escaped(part)}" for part in error.absolute_path), _message(error)) for error in errors
    ]
    return sorted(broken, key=lambda violation: violation.pointer)


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # takes 0.1 s

    return Draft202012Validator(load(name))


def _message(error: Any) -> str:
    """Return what is wrong with a value; for a missing key, the description of the key."""
    if error.validator == "required":
        name = next(name for name in error.validator_value if error.message.startswith(repr(name)))
        what = error.schema.get("properties", {}).get(name, {}).get("description", "required")
        return f"{name!r} is missing: {what.removesuffix('.')}"
    if error.validator == "additionalProperties" and error.validator_value is False:
        keys = list(error.schema["properties"])
        extra = next(key for key in error.instance if key not in keys)[: _MESSAGE_CHARS // 4]
        hint = suggestion(extra, keys) or f": expected {', '.join(keys)}"
        return f"{extra!r} is unexpected here{hint}"
    message: str = error.message
    half = _MESSAGE_CHARS // 2  # the value comes first, the problem last
    return message if len(message) <= _MESSAGE_CHARS else f"{message[:half]} … {message[-half:]}"


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
