"""Settings from flags, the environment, and a file: the first of them that says something decides.

The file is `golfcheck.toml`, or the table `[tool.golfcheck]` of pyproject.toml, in the working folder or the nearest
one above it. It is never taken from inside a record: a submission does not choose how it is judged.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from golfcheck.core.errors import UsageError
from golfcheck.core.ruleset import DEFAULT_RULESET, RULESETS
from golfcheck.core.suggest import suggestion
from golfcheck.submission.discover import is_record

FORMATS = {
    "text": "for a person: numbers, limits and margins, findings with their remedy, the verdict",
    "concise": "one line per finding: path:line: severity[rule] message",
    "json": "one document (schemas/verdict.schema.json)",
    "jsonl": "one verdict per line (the same schema's $defs/verdict)",
    "github": "annotations of GitHub Actions, 10 at most",
    "markdown": "for a pull request's comment or a step summary",
    "junit": "JUnit XML: one suite per record, one case per rule",
    "sarif": "SARIF 2.1.0, for code scanning",
}  # each is a module of golfcheck/render
FAIL_ON = ("error", "warning", "never")
REQUIRE = ("record",)
_MAX_FILE_BYTES = 2**20
_PREFIX = "GOLFCHECK_"


@dataclass(frozen=True, slots=True)
class Settings:
    """How `verify` works; in the file with dashes, in the environment as GOLFCHECK_FAIL_ON, lists with commas."""

    format: str = "text"
    select: tuple[str, ...] = ()  # rules or families; empty: all
    ignore: tuple[str, ...] = ()
    ruleset: str = DEFAULT_RULESET
    fail_on: str = "error"
    require: str = ""
    jobs: int = 0  # processes; 0: one per core
    cache: bool = True
    base: str = ""  # a revision: only what the branch adds since is judged


CHOICES: dict[str, tuple[str, ...]] = {
    "format": tuple(FORMATS),
    "ruleset": tuple(RULESETS),
    "fail_on": FAIL_ON,
    "require": REQUIRE,
}
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Settings)}


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], start: Path) -> Settings:
    """Return the settings: a flag that is not None, else the environment, else the file, else the default.

    Raises UsageError that names the place of a value which cannot be meant.
    """
    chosen = dict(_DEFAULTS)
    path = find(start)
    if path is not None:
        chosen |= _from_file(path)
    chosen |= _from_environment(environment)
    for name, value in flags.items():
        if name in _DEFAULTS and value is not None:
            chosen[name] = _checked(name, value, f"--{name.replace('_', '-')}")
    return Settings(**chosen)


def find(start: Path) -> Path | None:
    """Return the nearest file with settings, from `start` upward; None if there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if is_record(folder):
            continue
        own, project = folder / "golfcheck.toml", folder / "pyproject.toml"
        if own.is_file():
            return own
        if project.is_file() and "golfcheck" in _read(project).get("tool", {}):
            return project
    return None


def _read(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        data = file.read(_MAX_FILE_BYTES + 1)
    if len(data) > _MAX_FILE_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_FILE_BYTES:,} bytes")
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _from_file(path: Path) -> dict[str, Any]:
    content = _read(path)
    table = content["tool"]["golfcheck"] if path.name == "pyproject.toml" else content
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.golfcheck] must be a table")
    chosen = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in _DEFAULTS or "_" in key:
            known = [field.replace("_", "-") for field in _DEFAULTS]
            raise UsageError(f"{path}: unknown key {key!r}{suggestion(name.replace('_', '-'), known)}")
        chosen[name] = _checked(name, value, f"{path}: {key}")
    return chosen


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    readers: dict[type, Callable[[str], Any]] = {
        str: str,
        int: lambda text: int(text) if text.isdecimal() else text,
        bool: lambda text: {"1": True, "true": True, "0": False, "false": False}.get(text.lower(), text),
        tuple: lambda text: [part.strip() for part in text.split(",") if part.strip()],
    }
    chosen = {}
    for name, default in _DEFAULTS.items():
        variable = _PREFIX + name.upper()
        if text := environment.get(variable):
            chosen[name] = _checked(name, readers[type(default)](text), variable)
    return chosen


def _checked(name: str, value: Any, place: str) -> Any:
    """Return `value` in the type of the setting. Raises UsageError that names `place`."""
    default = _DEFAULTS[name]
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{place}: expected a list of rule or family names")
        return tuple(value)
    if type(value) is not type(default) or (isinstance(value, int) and value < 0):
        expected = {str: "text", int: "a number, 0 or more", bool: "true or false"}[type(default)]
        raise UsageError(f"{place}: expected {expected}, not {value!r}")
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{place}: {value!r} is none of {', '.join(CHOICES[name])}{suggestion(value, CHOICES[name])}")
    return value
