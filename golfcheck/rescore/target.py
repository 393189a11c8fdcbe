"""A file or a record folder → the artifacts to score, each with its claim and its log."""

import math
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from golfcheck import trainlog
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.text import shell_word
from golfcheck.rescore.report import Claim
from golfcheck.source.reach import Source
from golfcheck.submission import bounded
from golfcheck.submission.claims import SeedClaim, Submission
from golfcheck.submission.discover import is_record, record_folders
from golfcheck.submission.examined import results
from golfcheck.submission.identity import stated_seed
from golfcheck.submission.record import CUT_RULE, Record, RecordFile, load
from golfcheck.trainlog import LoggedRun, choose_score
from golfcheck.trainlog.choose import RunScore
from golfcheck.trainlog.events import ScoreLine

MAX_BPB = 100.0  # a uniform guess among 65,536 tokens costs at most 16 bits for a byte
MAX_DIGITS = 12
LEAST_DIGITS = 4  # of the contest's scores: 1.2 means 1.2000, so that few decimals do not widen the tolerance
_ARTIFACT = "an artifact or a record folder"
_NO_ARTIFACT = (".json", ".log", ".txt", ".py", ".md")  # other files of a record, which a user may name by mistake
_SLIDING, _FINAL = "sliding", "int8_zlib_roundtrip"  # in the names of scores
_MAX_FOLDERS = 4096  # how many are searched for records; a clone of the contest has a few hundred
_UNREAD = ("json-invalid", CUT_RULE)  # the rules about files whose claims were not read
_MAX_NOTES = 4


@dataclass(frozen=True, slots=True)
class Target:
    """An artifact's bytes, its claims and its log's settings."""

    path: str
    data: bytes
    seed: int | None
    claim: Claim | None
    log_settings: dict[str, str]  # hyperparameters that the log prints, by lower-case name
    json_claim: Claim | None = None  # submission.json's claim about it, if `claim` is the log's
    mean_claim: Claim | None = None  # submission.json's claim about the mean over all seeds
    seeds: int = 0  # the number of those seeds
    sources: tuple[Source, ...] = ()  # that the record's main script reaches
    record: Path | None = None  # the submission's folder, if the artifact is in one
    log_model_bytes: tuple[int, ...] = ()  # sizes of compressed models that the run's log states
    notes: tuple[str, ...] = ()


def find(path: Path, claim: Claim | None, log: Path | None, limit_bytes: int) -> list[Target]:
    """Return the artifacts to score at `path`; a given claim or log replaces those of the record.

    Raises UsageError if there is no artifact, or if there are several but only one claim or log is given.
    """
    targets = _in_folder(path, limit_bytes) if path.is_dir() else [_file(path, limit_bytes)]
    if len(targets) > 1 and (claim is not None or log is not None):
        raise UsageError(f"{path}: {len(targets)} artifacts, but one --claim or --log: name one of {_names(targets)}")
    return [claimed(target, claim, log) for target in targets]


def claimed(target: Target, claim: Claim | None, log: Path | None) -> Target:
    """Return a target whose claim and log settings are replaced by those given."""
    if log is not None:
        target = replace(_with_log(target, log), sources=target.sources, record=target.record)
    return target if claim is None else _changed(target, claim)


def _names(targets: list[Target]) -> str:
    return ", ".join(target.path for target in targets[:8])


def _changed(target: Target, claim: Claim) -> Target:
    return replace(target, claim=claim, json_claim=None, mean_claim=None, notes=())


def read_file(path: Path, limit_bytes: int, expected: str) -> bytes:
    """Return a file's bytes, at most one more than the limit, so that the reader can refuse a longer file.

    Raises GolfcheckError if it cannot be read; the message says what was `expected`.
    """
    real = path.resolve()  # the user may name a link; links inside a folder are never followed
    with bounded.opened(real.parent) as folder:
        return _read_in(folder, real.name, path, limit_bytes, expected)


def _read_in(folder: int, name: str, shown: Path, limit_bytes: int, expected: str = _ARTIFACT) -> bytes:
    try:
        data, _ = bounded.read(folder, name, limit_bytes + 1)
    except bounded.UnreadableError as error:
        raise GolfcheckError(f"{shown}: {error}; expected {expected}") from None
    return data


def _file(path: Path, limit_bytes: int) -> Target:
    """Return the target of a file, with its claims if it is inside a record folder."""
    if path.suffix in _NO_ARTIFACT:
        folder = shell_word(str(path.parent))
        raise UsageError(
            f"{path}: not an artifact; give final_model.int8.ptz, or the record folder: golfcheck rescore {folder}"
        )
    if path.exists() and is_record(path.parent):
        record = load(path.parent)
        if files := [file for file in record.artifacts if file.path == path.name]:
            return _of_record(record, files, limit_bytes)[0]
    return Target(str(path), read_file(path, limit_bytes, _ARTIFACT), stated_seed(path.name), None, {})


def _with_log(target: Target, path: Path) -> Target:
    log = trainlog.read(str(path), read_file(path, bounded.MAX_LOG_BYTES, "a training log"))
    chosen = choose_score((log,))
    score = _matching(target.seed, len(target.data), list(chosen.scores))
    if score is None:
        raise GolfcheckError(f"{path}: no score of this artifact in it: {chosen.reason}")
    return _of_run(target.path, target.data, score)


def records_below(path: Path) -> list[Path]:
    """Return the record folders in a folder; raises UsageError if there are too many folders to search."""
    folders = 0
    for _, names, _ in os.walk(path):
        names[:] = [name for name in names if not name.startswith(".")]  # as `record_folders` does
        if (folders := folders + len(names)) > _MAX_FOLDERS:
            raise UsageError(
                f"{path}: more than {_MAX_FOLDERS:,} folders in it; expected an artifact or a record folder"
            )
    try:
        return record_folders([path])
    except UsageError:
        return []


def _in_folder(path: Path, limit_bytes: int) -> list[Target]:
    below = records_below(path) or [path]  # no record: a folder of artifacts
    if len(below) > 1:
        raise UsageError(
            f"{path}: {len(below)} records in it, each with its own claims: name one, for example {below[0]}"
        )
    record = load(below[0])
    artifacts = [file for file in record.artifacts if file.path.endswith(".ptz")] or list(record.artifacts)
    if not artifacts:
        raise UsageError(
            f"{path}: no artifact (*.ptz) and no predictor.py in it: most records ship neither; name the file itself"
        )
    return _of_record(record, artifacts, limit_bytes)


def _of_record(record: Record, files: list[RecordFile], limit_bytes: int) -> list[Target]:
    scores = [RunScore(result.log, result.run, result.score) for result in results(record)]
    with bounded.opened(record.path) as folder:
        contents = [_read_in(folder, file.path, record.path / file.path, limit_bytes) for file in files]
    return noted([of_record(record, file, data, scores) for file, data in zip(files, contents, strict=True)])


def noted(targets: list[Target]) -> list[Target]:
    """Return the targets of a record, with a note if its JSON's claimed mean cannot be compared."""
    claim, seeds = targets[0].mean_claim, targets[0].seeds
    if claim is None or len(targets) == seeds:
        return targets
    stated = f"{claim.source} {claim.val_bpb:.{claim.digits}f}"
    note = f"{stated} is a mean over {seeds} seeds, {len(targets)} of them scored here: it is not compared"
    return [replace(target, notes=(*target.notes, note)) for target in targets]


def of_record(record: Record, file: RecordFile, data: bytes, scores: list[RunScore]) -> Target:
    """Return an artifact with the scores that its log and the JSON state: the log's is the claim, else the JSON's."""
    shown = record.path / file.path
    target = Target(str(shown), data, stated_seed(file.path), None, {})
    if (score := _matching(target.seed, len(data), scores)) is not None:
        target = _of_run(str(shown), data, score)
    folder = record.path if record.submission is not None else None
    # A claim in a file that cannot be read is not the same as no claim.
    unread = [one.problem for one in record.problems if one.rule in _UNREAD]
    notes = tuple(f"{problem.path}: {problem.message}" for problem in unread[:_MAX_NOTES])
    target = replace(target, sources=record.sources, record=folder, notes=notes)
    if (submission := record.submission) is None:
        return target
    # A file whose name has no seed adds none: an extra file must not turn the JSON's claim about one seed into a mean.
    named_seeds = {seed for artifact in record.artifacts if (seed := stated_seed(artifact.path)) is not None}
    seeds = max(len(submission.seeds), len(scores), len(named_seeds), 1)
    of_seed = next((item for item in submission.seeds if item.seed == target.seed and item.val_bpb is not None), None)
    named = f"{submission.path} val_bpb"
    if of_seed is not None:
        stated = _in_json(of_seed, f"{named} of seed {of_seed.seed}", target.claim)
    else:
        stated = _in_json(submission, named, target.claim) if seeds == 1 else None
    return replace(
        target,
        claim=target.claim or stated,
        json_claim=stated if target.claim else None,
        mean_claim=_in_json(submission, named, target.claim) if seeds > 1 else None,
        seeds=seeds,
    )


def _in_json(stated: Submission | SeedClaim, source: str, log: Claim | None) -> Claim | None:
    """Return the JSON's score as a claim, with the run's details from the log's claim if there is one."""
    if stated.val_bpb is None or not 0 < stated.val_bpb < MAX_BPB:
        return None
    return Claim(
        val_bpb=stated.val_bpb,
        digits=digits_of(stated.val_bpb),
        source=source,
        val_loss_nats=stated.val_loss_nats,
        activations=log.activations if log else None,
        device=log.device if log else None,
        is_compiled=log is not None and log.is_compiled,
    )


def _matching(seed: int | None, size_bytes: int, scores: list[RunScore]) -> RunScore | None:
    """Return the run that wrote an artifact: that of its seed, else the one that logged its size, else the only one."""
    of_seed = [score for score in scores if seed is not None and score.run.seed and score.run.seed.value == seed]
    of_size = [score for score in scores if any(size.size_bytes == size_bytes for size in score.run.model_bytes)]
    for candidates in (of_seed, of_size, scores if seed is None else []):
        if len(candidates) == 1:
            return candidates[0]
    return None


def _of_run(path: str, data: bytes, score: RunScore) -> Target:
    run, line = score.run, score.score
    if not 0 < line.val_bpb < MAX_BPB:
        raise GolfcheckError(f"{score.log.path}:{line.line}: val_bpb {line.val_bpb} is not a possible score")
    settings = {name: fact.value for name, fact in run.settings.items()}
    stride, seq_len = _window(run, line, settings)
    claim = Claim(
        val_bpb=line.val_bpb,
        digits=min(max(line.digits, LEAST_DIGITS), MAX_DIGITS),
        source=f"{score.log.path}:{line.line} {line.name}",
        val_loss_nats=line.val_loss_nats if line.val_loss_nats and math.isfinite(line.val_loss_nats) else None,
        tokens=run.val_tokens.value if run.val_tokens else None,
        text_bytes=run.val_bytes.value if run.val_bytes else None,
        activations=activations if (activations := settings.get("activations")) in ("bf16", "fp32") else None,
        device=_device(run, settings),
        is_compiled=settings.get("compiled") == "True",
        is_sliding=_SLIDING in line.name.lower() or stride is not None,
        stride=stride,
        seq_len=seq_len,
    )
    sizes = tuple(size.size_bytes for size in run.model_bytes if size.label)
    seed = run.seed.value if run.seed else None
    return Target(path, data, seed, claim, settings, log_model_bytes=sizes)


def _window(run: LoggedRun, line: ScoreLine, settings: dict[str, str]) -> tuple[int | None, int | None]:
    """Return the stride of a score's window, and its length if it differs from that of the training sequences.

    They are stated by the score's line, by the line that it repeats, or by the settings. Those of our trainer apply to
    its only final evaluation, those of others to the lines that name a sliding window.
    """
    if _FINAL in line.name and "activations" in settings:  # a setting that only our trainer logs
        return _positive(settings.get("eval_stride")), _positive(settings.get("eval_seq_len"))
    if line.stride is not None or _SLIDING not in line.name.lower():
        return line.stride, None
    for other in run.scores:
        if other.name == line.name.removesuffix("_exact") and other.stride is not None:
            return other.stride, None
    stated = (_positive(settings.get(name)) for name in ("eval_stride", "sliding_eval_stride"))
    return next((value for value in stated if value is not None), None), None


def _positive(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[1-9][0-9]{0,5}", text) else None


def _device(run: LoggedRun, settings: dict[str, str]) -> str | None:
    """Return the kind of device of a run, which our log names and others show in a list of GPUs."""
    if "device" in settings:
        return next((kind for kind in ("cpu", "mps") if settings["device"].startswith(kind)), "cuda")
    return "cuda" if run.gpus else None


def digits_of(value: float) -> int:
    """Return the number of decimals that a JSON number was written with, at most `MAX_DIGITS`.

    JSON writers drop trailing zeros, so a number with fewer decimals is not less precise.
    """
    return (
        min(max(len(repr(value).partition(".")[2]), LEAST_DIGITS), MAX_DIGITS) if "e" not in repr(value) else MAX_DIGITS
    )
