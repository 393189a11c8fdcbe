"""Settings from flags, the environment, and a file: the first one that sets a value wins.

The file is `golfcheck.toml`, or the table `[tool.golfcheck]` of pyproject.toml, in the current directory or the nearest
one above it. It is never read from inside a record: a submission must not choose how it is judged.
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
from golfcheck.submission.history import GitRepository, repository_of

FORMATS = {
    "text": "for people: numbers, limits and margins, findings with their fixes, the verdict",
    "concise": "one line per finding: path:line: severity[rule] message",
    "json": "one document (schemas/verdict.schema.json)",
    "jsonl": "one verdict per line (the same schema's $defs/verdict)",
    "csv": "one row per finding, for a spreadsheet; a record without findings has one row, too",
    "github": "annotations of GitHub Actions, 10 at most",
    "markdown": "for a pull request's comment or a step summary",
    "junit": "JUnit XML: one suite per record, one case per rule",
    "sarif": "SARIF 2.1.0, for code scanning",
}  # each is a module of golfcheck/render
FAIL_ON = ("error", "warning", "never")
REQUIRE = ("record",)
_MAX_FILE_BYTES = 2**20
_PREFIX = "GOLFCHECK_"
_NAMES = ("golfcheck.toml", "pyproject.toml")
_RESTRICTIONS = (
    "select",
    "ignore",
    "ruleset",
    "fail_on",
    "require",
    "base",
)  # settings that change a verdict or an exit code


@dataclass(frozen=True, slots=True)
class JudgingSettings:
    """Settings of `verify`: `fail_on` is fail-on in the file, GOLFCHECK_FAIL_ON in the environment (with commas)."""

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
_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(JudgingSettings)}


def resolve(
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    start: Path,
    say: Callable[[str], None] = lambda line: None,
) -> JudgingSettings:
    """Return the settings: a flag that is not None, else the environment, else the file, else the default.

    When a branch is judged, the file is read from its base: a branch must not choose how it is judged.
    `say` gets one line for each file that restricts the checks, and for each file that is ignored.
    Raises UsageError that names where an invalid value is set.
    """
    chosen = dict(_DEFAULTS)
    base = flags.get("base") or environment.get(f"{_PREFIX}BASE") or ""
    repository = repository_of(start) if base else None
    settings_file = _of_revision(repository, base) if repository else _of_folder(start, say)
    if settings_file is not None:
        path, content = settings_file
        chosen |= _from_file(path, content, say)
    chosen |= _from_environment(environment)
    for name, value in flags.items():
        if name in _DEFAULTS and value is not None:
            chosen[name] = _checked(name, value, f"--{name.replace('_', '-')}")
    return JudgingSettings(**chosen)


def _of_folder(start: Path, say: Callable[[str], None]) -> tuple[Path, dict[str, Any]] | None:
    """Return the nearest file with settings from `start` upward, and its content; files in a record don't count."""
    folders = (start.resolve(), *start.resolve().parents)
    outermost_record = max((level for level, folder in enumerate(folders) if is_record(folder)), default=-1)
    for level, folder in enumerate(folders):
        for name in _NAMES:
            path = folder / name
            if not path.is_file():
                continue
            if level <= outermost_record:
                if name == _NAMES[0]:
                    say(f"{path}: ignored: it is inside a record ({folders[outermost_record]})")
            elif (content := _settings_in(path, _read(path))) is not None:
                return path, content
    return None


def _of_revision(repository: GitRepository, base: str) -> tuple[Path, dict[str, Any]] | None:
    """Return the settings at the root of a repository in a revision."""
    for name in _NAMES:
        path = repository.root / name
        data = repository.text_at(base, name)
        if data is not None and (content := _settings_in(path, data)) is not None:
            return path, content
    return None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_FILE_BYTES + 1)


def _settings_in(path: Path, data: bytes) -> dict[str, Any] | None:
    """Return the table with golfcheck's settings, None if the file belongs to another tool and has none."""
    if len(data) > _MAX_FILE_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_FILE_BYTES:,} bytes")
    try:
        content = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    if path.name == _NAMES[0]:
        return content
    tools = content.get("tool", {})
    return tools.get("golfcheck") if isinstance(tools, dict) else None


def _from_file(path: Path, table: Any, say: Callable[[str], None]) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.golfcheck] must be a table")
    chosen = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in _DEFAULTS or "_" in key:
            keys = [field.replace("_", "-") for field in _DEFAULTS]
            raise UsageError(f"{path}: unknown key {key!r}{suggestion(name.replace('_', '-'), keys)}")
        chosen[name] = _checked(name, value, f"{path}: {key}")
    restricting = [
        f"{name.replace('_', '-')} = {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in chosen.items()
        if name in _RESTRICTIONS and value != _DEFAULTS[name]
    ]
    if restricting:
        say(f"settings of {path}: {'; '.join(restricting)}")
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


def _checked(name: str, value: Any, location: str) -> Any:
    """Return `value` in the type of the setting. Raises UsageError that names `location`."""
    default = _DEFAULTS[name]
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{location}: expected a list of rule or family names")
        return tuple(value)
    if type(value) is not type(default) or (isinstance(value, int) and value < 0):
        expected = {str: "text", int: "a number, 0 or more", bool: "true or false"}[type(default)]
        raise UsageError(f"{location}: expected {expected}, not {value!r}")
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(
            f"{location}: {value!r} is not one of {', '.join(CHOICES[name])}{suggestion(value, CHOICES[name])}"
        )
    return value
