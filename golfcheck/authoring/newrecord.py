"""Create a submission folder from finished runs: README.md, submission.json, the logs, the code, small artifacts.

Scores, sizes and times are read from the logs with the code that `golfcheck verify` uses. Values that no log states are
omitted, and a note says so.
"""

import getpass
import json
import os
import re
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from golfcheck.authoring import recordreadme
from golfcheck.authoring.logfiles import LogFile, one_per_seed, read_logs
from golfcheck.authoring.scripts import Code, code_of
from golfcheck.core.errors import UsageError
from golfcheck.core.namedfile import open_named, read_named
from golfcheck.core.ruleset import ACCELERATOR, CLOCK_CAP_MS, OVERSHOOT_STEPS, RECORD_SEEDS, TRACKS, WORLD_SIZE
from golfcheck.core.text import safe
from golfcheck.submission import history
from golfcheck.submission.results import Result, step_ms, train_ms
from golfcheck.trainlog import linekinds
from golfcheck.trainlog.templates import parse

MAX_SHIPPED_ARTIFACT_BYTES = 4_000_000  # smaller artifacts are included so that anybody can rescore them
_GITHUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")
_LOG_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class About:
    """What logs do not contain: author and name. `date` is YYYY-MM-DD, optionally followed by Thh:mm:ssZ."""

    name: str
    author: str
    github_id: str
    blurb: str = ""
    date: str = ""
    track: str = ""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """The files of a submission folder, its score and size, and notes for its author.

    `total_bytes` is None if neither a log nor an artifact gives the size of the model.
    """

    files: dict[str, bytes]
    num_runs: int
    total_bytes: int | None
    mean_bpb: float
    notes: tuple[str, ...]


def default_author() -> tuple[str, str]:
    """Return git's `user.name` and `github.user`, or the login name if git has neither."""
    login = "unknown"
    with suppress(OSError, KeyError):
        login = getpass.getuser()
    author = safe(history.setting("user.name"), 200) or login
    github_id = history.setting("github.user") or re.sub(r"[^A-Za-z0-9-]+", "-", author).strip("-") or "unknown"
    return author, github_id[:39]


def build(
    logs: Sequence[Path],
    artifacts: Sequence[Path],
    about: About,
    script: Path | None = None,
    *,
    keep_last: bool = False,
) -> NewRecord:
    """Return the submission folder for these logs; `artifacts` is empty, or has one for each log in the same order.

    The code is `script` and what it imports, or what the logs or their folder contain (`scripts.code_of`).
    Raises UsageError for logs without a score, with the same seed (unless `keep_last`) or with different code, and for
    an artifact whose size differs from the logged one.
    """
    if artifacts and len(artifacts) != len(logs):
        raise UsageError(f"{len(artifacts)} artifacts for {len(logs)} logs: give one for each log, in the same order")
    if about.github_id and not _GITHUB_ID.fullmatch(about.github_id):
        raise UsageError(f"--github-id must be a GitHub login, not {about.github_id!r}")
    artifact_of = dict(zip(logs, artifacts, strict=False))
    chosen, notes = one_per_seed(read_logs(logs), keep_last=keep_last)
    code = code_of(chosen, script)
    files, log_names = dict(code.files), []
    artifact_bytes: dict[Path, int] = {}
    for log in chosen:
        name = _log_name(log, files)
        files[name] = log.data
        log_names.append(name)
        if artifact := artifact_of.get(log.path):
            artifact_bytes[log.path] = _size_of(artifact, log)
            notes += _add_artifact(files, artifact, artifact_bytes[log.path], log, alone=len(chosen) == 1)
    submission = _submission(chosen, code, artifact_bytes, about)
    files["submission.json"] = (json.dumps(submission, indent=2, ensure_ascii=False) + "\n").encode()
    changed = _changed_settings(chosen[0].data)
    files["README.md"] = recordreadme.render(submission, changed, list(code.files), log_names, list(files)).encode()
    num_runs = sum(len(log.results) for log in chosen)
    return NewRecord(
        files,
        num_runs,
        submission.get("bytes_total"),
        submission["val_bpb"],
        (*notes, *_notes(about, submission, code, chosen, num_runs)),
    )


def _notes(
    about: About, submission: Mapping[str, Any], code: Code, logs: Sequence[LogFile], num_runs: int
) -> list[str]:
    """Return notes for the author of the record, one line each."""
    notes = [code.note] if code.note else []
    counted = {result.run.code_bytes[-1].size_bytes for log in logs for result in log.results if result.run.code_bytes}
    if counted and code.size_bytes not in counted:
        logged = " and ".join(f"{num_bytes:,}" for num_bytes in sorted(counted))
        notes.append(f"the logs count {logged} bytes of code, the files here have {code.size_bytes:,}")
    if "bytes_total" not in submission:
        notes.append("bytes_total is missing: no log states the size of the model: pass --artifact, or add it")
    if not about.track and not TRACKS[submission["track"]].ranked:
        notes.append(f"track {submission['track']}: the logs do not show 8×H100 within the cap; --track overrides this")
    if len(submission.get("seeds", ())) < num_runs:
        notes.append("seeds are missing: some logs state no seed, neither inside nor in their name (train_seed42.log)")
    if num_runs < RECORD_SEEDS:
        notes.append(f"{num_runs} of the {RECORD_SEEDS} seeds required for a record")
    return notes


def _log_name(log: LogFile, files: Mapping[str, bytes]) -> str:
    """Return a unique name for a log in the folder, made from its seed, or from its present name."""
    if log.seed is not None:
        return f"train_seed{log.seed}.log"
    stem = _LOG_NAME.sub("_", log.path.stem).strip(".") or "train"
    names = (f"{stem}.log" if number == 1 else f"{stem}_{number}.log" for number in range(1, len(files) + 2))
    return next(name for name in names if name not in files)


def _size_of(artifact: Path, log: LogFile) -> int:
    """Return an artifact's size; UsageError if it differs from the logged one."""
    with open_named(artifact, "an artifact") as file:
        size_bytes = os.fstat(file.fileno()).st_size
    logged = log.results[-1].model_bytes
    if logged is not None and size_bytes != logged.size_bytes:
        raise UsageError(f"{artifact}: {size_bytes:,} bytes, but {log.path} logged {logged.size_bytes:,}")
    return size_bytes


def _add_artifact(files: dict[str, bytes], artifact: Path, size_bytes: int, log: LogFile, *, alone: bool) -> list[str]:
    """Add a small artifact to the folder; for a large one, return a note."""
    if size_bytes > MAX_SHIPPED_ARTIFACT_BYTES:
        return [f"{artifact} is not in the folder: {size_bytes:,} bytes are over {MAX_SHIPPED_ARTIFACT_BYTES:,}"]
    suffix = artifact.name.partition(".")[2] or "ptz"
    name = f"final_model.{suffix}" if alone or log.seed is None else f"final_model_seed{log.seed}.{suffix}"
    files[name] = read_named(artifact, MAX_SHIPPED_ARTIFACT_BYTES, "an artifact")
    return []


def _submission(logs: Sequence[LogFile], code: Code, artifact_bytes: dict[Path, int], about: About) -> dict[str, Any]:
    """Return submission.json: the canonical keys (schemas/submission.schema.json) that the logs have values for."""
    runs = [(result, artifact_bytes.get(log.path)) for log in logs for result in log.results]
    results = [result for result, _ in runs]
    first = results[0]
    code_bytes = first.run.code_bytes[-1].size_bytes if first.run.code_bytes else code.size_bytes
    totals = [_total_bytes(result, code_bytes, artifact) for result, artifact in runs]
    seeds = [result.seed for result in results if result.seed is not None]
    losses = [loss for result in results if (loss := result.score.val_loss_nats) is not None]
    submission = {
        "author": about.author,
        "github_id": about.github_id,
        "name": about.name,
        "blurb": about.blurb,
        "date": about.date or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "track": about.track or _track(results),
        "val_loss": round(statistics.fmean(losses), 8) if len(losses) == len(results) else None,
        "val_bpb": round(statistics.fmean(result.score.val_bpb for result in results), 8),
        "bytes_total": None if None in totals else max(total for total in totals if total is not None),
        "bytes_code": code_bytes,
        "seeds": seeds or None,
        "seed_results": {
            str(result.seed): _seed_result(result, total, artifact)
            for (result, artifact), total in zip(runs, totals, strict=True)
            if result.seed is not None
        }
        or None,
        "hardware": _hardware(first),
        "world_size": first.run.world_size.value if first.run.world_size else None,
    }
    return {key: value for key, value in submission.items() if value is not None}


def _total_bytes(result: Result, code_bytes: int, artifact_bytes: int | None) -> int | None:
    """Return the bytes of code and compressed model, as logged or added up; None if the model's size is unknown."""
    if result.total_bytes:
        return result.total_bytes.size_bytes
    model_bytes = result.model_bytes.size_bytes if result.model_bytes else artifact_bytes
    return None if model_bytes is None else model_bytes + code_bytes


def _seed_result(result: Result, total_bytes: int | None, artifact_bytes: int | None) -> dict[str, Any]:
    run = result.run
    steps = max([point.step for point in run.train] + [point.step for point in run.val], default=None)
    values = {
        "val_loss": result.score.val_loss_nats,
        "val_bpb": result.score.val_bpb,
        "bytes_total": total_bytes,
        "bytes_model": result.model_bytes.size_bytes if result.model_bytes else artifact_bytes,
        "train_time_ms": train_ms(run),
        "eval_time_ms": result.eval_ms,
        "steps": steps,
    }
    return {key: value for key, value in values.items() if value is not None}


def _track(results: Sequence[Result]) -> str:
    """Return the track that the logs qualify for: the ranked one only for runs on 8×H100 within the cap."""
    for result in results:
        gpus = [gpu.value for gpu in result.run.gpus]
        ranks = result.run.world_size.value if result.run.world_size else 1
        on_eight = ranks == WORLD_SIZE == len(gpus) and all(ACCELERATOR in gpu for gpu in gpus)
        over_ms = (train_ms(result.run) or 0.0) - CLOCK_CAP_MS
        if not on_eight or over_ms > OVERSHOOT_STEPS * (step_ms(result.run) or 0.0):
            return "non_record_16mb"
    return "10min_16mb"


def _hardware(result: Result) -> str | None:
    """Return the hardware: as stated in our own log, otherwise as many of the machine's GPUs as there were ranks."""
    device, gpus = result.run.settings.get("device"), result.run.gpus
    ranks = result.run.world_size.value if result.run.world_size else 1
    if device:
        on_gpus = bool(gpus) and not device.value.startswith(("cpu", "mps"))
        return safe(f"{ranks}x{device.value}" if on_gpus else device.value, 200)
    return safe(f"{min(ranks, len(gpus))}x{gpus[0].value}", 200) if gpus else None


def _changed_settings(data: bytes) -> dict[str, Any] | None:
    """Return the changed settings that our trainer's log lists, by environment variable; None if it lists none."""
    for text in data.decode(errors="replace").split("\n"):
        line = parse(text) if text.startswith("settings:") else None
        if isinstance(line, linekinds.ChangedSettings):
            with suppress(ValueError, RecursionError):
                values = json.loads(line.json)
                return values if isinstance(values, dict) else {}
    return None
