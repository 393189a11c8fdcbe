"""The JSON Schemas of everything that golfcheck reads and writes, and what is wrong with a value."""

import itertools
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_MAX_VIOLATIONS = 50
_MESSAGE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a value breaks its schema; `pointer` says where (RFC 6901; "" is the whole value)."""

    pointer: str
    message: str


@cache
def load(name: str) -> dict[str, Any]:
    """Return the schema called `name` ("submission", "train_log", …): from the wheel, or from a checkout beside it."""
    schema: dict[str, Any] = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


def folder() -> Path:
    """Return where the schemas are: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "schemas"
    return inside if inside.is_dir() else package.parent / "schemas"


def violations(name: str, data: Any) -> list[Violation]:
    """Return what is wrong with `data` by the schema called `name`, in the order of its places; at most 50."""
    errors = itertools.islice(_validator(name).iter_errors(data), _MAX_VIOLATIONS)
    broken = [
        Violation("".join(f"/{_escaped(part)}" for part in error.absolute_path), _message(error)) for error in errors
    ]
    return sorted(broken, key=lambda violation: violation.pointer)


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # 0.1 s: only where needed

    return Draft202012Validator(load(name))


def _message(error: Any) -> str:
    """Return what is wrong with a value; for a missing key, what it is for."""
    if error.validator == "required":
        name = next(name for name in error.validator_value if error.message.startswith(repr(name)))
        what = error.schema.get("properties", {}).get(name, {}).get("description", "required")
        return f"{name!r} is missing: {what.removesuffix('.')}"
    message: str = error.message
    half = _MESSAGE_CHARS // 2  # the value stands first, what is wrong with it last
    return message if len(message) <= _MESSAGE_CHARS else f"{message[:half]} … {message[-half:]}"


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
