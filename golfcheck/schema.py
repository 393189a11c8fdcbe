"""The JSON Schemas of everything that golfcheck reads and writes, and what is wrong with a value."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
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
    inside = files("golfcheck") / "schemas" / f"{name}.schema.json"
    source = inside if inside.is_file() else Path(__file__).parent.parent / "schemas" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return schema


def violations(name: str, data: Any) -> list[Violation]:
    """Return what is wrong with `data` by the schema called `name`, in the order of its places; at most 50."""
    found = [
        Violation("".join(f"/{_escaped(part)}" for part in error.absolute_path), error.message[:_MESSAGE_CHARS])
        for error, _ in zip(_validator(name).iter_errors(data), range(_MAX_VIOLATIONS), strict=False)
    ]
    return sorted(found, key=lambda violation: violation.pointer)


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # 0.1 s: only where needed

    return Draft202012Validator(load(name))


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
