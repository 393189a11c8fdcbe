"""A finished run → a submission folder: README.md, submission.json, the logs, the code that ran, small artifacts.

All of it comes from the logs: scores and sizes from their lines, the code from the dump that begins them.
"""

import getpass
import json
import re
import statistics
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golfcheck import trainlog
from golfcheck.authoring import readme
from golfcheck.core.errors import UsageError
from golfcheck.core.ruleset import ACCELERATOR, CLOCK_CAP_MS, OVERSHOOT_STEPS, RECORD_SEEDS, WORLD_SIZE
from golfcheck.core.text import safe
from golfcheck.reference import loglines
from golfcheck.submission.results import Result, step_ms, train_ms
from golfcheck.trainlog.templates import parse

MAX_SHIPPED_ARTIFACT_BYTES = 4_000_000  # an artifact below this goes into the folder, so that anybody can rescore it
MAX_LOG_BYTES = 64 << 20
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py")
_GITHUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")


@dataclass(frozen=True, slots=True)
class About:
    """What no log says: whose record it is, and what it is called. `date` is YYYY-MM-DD or with Thh:mm:ssZ."""

    name: str
    author: str
    github_id: str
    blurb: str = ""
    date: str = ""
    track: str = ""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """The files of a submission folder, and what their maker must hear."""

    files: dict[str, bytes]
    results: tuple[Result, ...]
    total_bytes: int
    mean_bpb: float
    notes: tuple[str, ...]


def default_author() -> tuple[str, str]:
    """Return git's `user.name` and `github.user`, or the login name where git has none."""
    login = "unknown"
    with suppress(OSError, KeyError):
        login = getpass.getuser()
    author = _git_config("user.name") or login
    github_id = _git_config("github.user") or re.sub(r"[^A-Za-z0-9-]+", "-", author).strip("-") or "unknown"
    return author, github_id[:39]


def build(logs: Sequence[Path], artifacts: Sequence[Path], about: About) -> NewRecord:
    """Return the submission folder of these logs; `artifacts`, where given, are one for each log, in their order.

    Raises UsageError for logs that are no finished runs of one and the same code, and for an artifact whose size is
    not the logged one.
    """
    if artifacts and len(artifacts) != len(logs):
        raise UsageError(f"{len(artifacts)} artifacts for {len(logs)} logs: give one for each log, in the same order")
    if about.github_id and not _GITHUB_ID.fullmatch(about.github_id):
        raise UsageError(f"--github-id must be a GitHub login, not {about.github_id!r}")
    files: dict[str, bytes] = {}
    notes: list[str] = []
    results: dict[int, Result] = {}
    for i, path in enumerate(logs):
        data = _read(path)
        result = _result(path, data)
        seed = result.seed
        if seed is None:
            raise UsageError(f"{path}: no line says the seed: expected `seed:N`")
        if seed in results:
            raise UsageError(f"{path}: seed {seed} again, after {results[seed].log.path}: each log needs its own seed")
        _same_code(files, path, result)
        results[seed] = result
        files[f"train_seed{seed}.log"] = data
        if artifacts:
            name = "final_model.int8.ptz" if len(logs) == 1 else f"final_model_seed{seed}.int8.ptz"
            _add_artifact(files, notes, name, artifacts[i], result)
    submission = _submission(results, about)
    files["submission.json"] = (json.dumps(submission, indent=2, ensure_ascii=False) + "\n").encode()
    shipped = [name for name in files if name.endswith(".ptz")]
    changed = _changed_settings(files[f"train_seed{next(iter(results))}.log"])
    files["README.md"] = readme.render(submission, changed, shipped).encode()
    if len(results) < RECORD_SEEDS:
        notes.append(f"{len(results)} of the {RECORD_SEEDS} seeds that a record needs")
    return NewRecord(files, tuple(results.values()), submission["bytes_total"], submission["val_bpb"], tuple(notes))


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; expected a training log") from None
    if len(data) > MAX_LOG_BYTES:
        raise UsageError(f"{path}: {len(data):,} bytes: a log of more than {MAX_LOG_BYTES:,} is not read")
    return data


def _result(path: Path, data: bytes) -> Result:
    """Return the run of a log with the score that counts."""
    chosen = trainlog.choose_score((trainlog.read(path.name, data),))
    if len(chosen.scores) != 1:
        raise UsageError(f"{path}: {len(chosen.scores)} finished runs, expected one ({chosen.reason})")
    found = chosen.scores[0]
    result = Result(found.log, found.run, found.score)
    if result.total_bytes is None or not result.run.code_bytes:
        raise UsageError(f"{path}: no sizes: expected the lines `Code size: N bytes` and `Total submission size …`")
    return result


def _same_code(files: dict[str, bytes], path: Path, result: Result) -> None:
    """Add the source files that the log begins with, or check that they are those of the logs before."""
    dumped = {dump.name or "train_gpt.py": dump.text for dump in result.log.dumps}
    if not dumped:
        raise UsageError(f"{path}: holds no source code: a log begins with the code that ran")
    for name in dumped:
        if not _FILE_NAME.fullmatch(name):
            raise UsageError(f"{path}: a source file named {safe(name)}: expected a plain name that ends in .py")
    known = {name: text for name, text in files.items() if name.endswith(".py")}
    if known and known != dumped:
        differ = sorted(name for name in known.keys() | dumped.keys() if known.get(name) != dumped.get(name))
        raise UsageError(f"{path}: other code than in the logs before ({', '.join(differ)}): a record is of one code")
    files |= dumped


def _add_artifact(files: dict[str, bytes], notes: list[str], name: str, path: Path, result: Result) -> None:
    try:
        size_bytes = path.stat().st_size
        logged = result.model_bytes
        if logged is not None and size_bytes != logged.size_bytes:
            raise UsageError(f"{path}: {size_bytes:,} bytes, but {result.log.path} logged {logged.size_bytes:,}")
        if size_bytes <= MAX_SHIPPED_ARTIFACT_BYTES:
            files[name] = path.read_bytes()
        else:
            notes.append(f"{path} is not in the folder: {size_bytes:,} bytes are over {MAX_SHIPPED_ARTIFACT_BYTES:,}")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; expected an artifact") from None


def _submission(results: dict[int, Result], about: About) -> dict[str, Any]:
    """Return submission.json with the canonical keys (schemas/submission.schema.json)."""
    first = next(iter(results.values()))
    scores = [result.score for result in results.values()]
    world_size = first.run.world_size.value if first.run.world_size else 1
    return {
        "author": about.author,
        "github_id": about.github_id,
        "name": about.name,
        "blurb": about.blurb,
        "date": about.date or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "track": about.track or _track(results),
        "val_loss": round(statistics.fmean(score.val_loss_nats for score in scores), 8),
        "val_bpb": round(statistics.fmean(score.val_bpb for score in scores), 8),
        "bytes_total": max(result.total_bytes.size_bytes for result in results.values() if result.total_bytes),
        "bytes_code": first.run.code_bytes[-1].size_bytes,
        "seeds": list(results),
        "seed_results": {str(seed): _seed_result(result) for seed, result in results.items()},
        "hardware": _hardware(first),
        "world_size": world_size,
    }


def _seed_result(result: Result) -> dict[str, Any]:
    run = result.run
    steps = max([point.step for point in run.train] + [point.step for point in run.val], default=None)
    values = {
        "val_loss": result.score.val_loss_nats,
        "val_bpb": result.score.val_bpb,
        "bytes_total": result.total_bytes.size_bytes if result.total_bytes else None,
        "bytes_model": result.model_bytes.size_bytes if result.model_bytes else None,
        "train_time_ms": train_ms(run),
        "eval_time_ms": result.eval_ms,
        "steps": steps,
    }
    return {key: value for key, value in values.items() if value is not None}


def _track(results: dict[int, Result]) -> str:
    """Return the track that the logs qualify for: the ranked one only for what ran on 8×H100 within the cap."""
    for result in results.values():
        gpus = [gpu.value for gpu in result.run.gpus]
        ranks = result.run.world_size.value if result.run.world_size else 1
        on_eight = ranks == WORLD_SIZE == len(gpus) and all(ACCELERATOR in gpu for gpu in gpus)
        over_ms = (train_ms(result.run) or 0.0) - CLOCK_CAP_MS
        if not on_eight or over_ms > OVERSHOOT_STEPS * (step_ms(result.run) or 0.0):
            return "non_record_16mb"
    return "10min_16mb"


def _hardware(result: Result) -> str:
    """Return what the run computed on: as our log says, or else as many of the machine's GPUs as it had ranks."""
    device, gpus = result.run.settings.get("device"), result.run.gpus
    ranks = result.run.world_size.value if result.run.world_size else 1
    if device:
        on_gpus = bool(gpus) and not device.value.startswith(("cpu", "mps"))
        return safe(f"{ranks}x{device.value}" if on_gpus else device.value, 200)
    return safe(f"{min(ranks, len(gpus))}x{gpus[0].value}", 200) if gpus else "unknown"


def _changed_settings(data: bytes) -> dict[str, Any]:
    """Return the settings that our trainer's log says are not the default, by environment name."""
    for text in data.decode(errors="replace").split("\n"):
        line = parse(text) if text.startswith("settings:") else None
        if isinstance(line, loglines.ChangedSettings):
            with suppress(ValueError, RecursionError):
                values = json.loads(line.json)
                return values if isinstance(values, dict) else {}
    return {}


def _git_config(key: str) -> str:
    with suppress(OSError):
        found = subprocess.run(["git", "config", "--get", key], capture_output=True, text=True, check=False)
        return safe(found.stdout.strip(), 200)
    return ""
