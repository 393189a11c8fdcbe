"""A submission folder → Record, with the problems of reading it. Loading never raises on content."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golfcheck import trainlog
from golfcheck.core import schema, work
from golfcheck.core.errors import UsageError
from golfcheck.core.gitlfs import POINTER_BYTES, pointer
from golfcheck.core.numbers import counted
from golfcheck.core.verdict import Problem, Severity
from golfcheck.source import reach
from golfcheck.source.reach import Source
from golfcheck.submission import bounded, claims, kinds, secrets, strictjson
from golfcheck.submission.claims import Submission
from golfcheck.submission.identity import SUBMISSION_FILE, track_of_place
from golfcheck.submission.mentions import Mention, mentions_of
from golfcheck.trainlog.events import TrainLog

_VALIDATED_ITEMS = 20  # of each list: enough for the schema to report which kinds of lines are missing or malformed
CUT_RULE = "costly-to-read"  # the rule that reports what was not read because of its cost


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """Problems that loading reported, by the rule that they belong to (`json-invalid`, `unexpected-file`, …)."""

    rule: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file in the folder: its path inside it, and its size."""

    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known about one submission folder."""

    path: Path
    files: tuple[RecordFile, ...]
    submission: Submission | None
    logs: tuple[TrainLog, ...]  # sorted by name; includes files with equal content
    sources: tuple[Source, ...]  # every source file the main script reaches, itself first
    artifacts: tuple[RecordFile, ...]
    readme: str | None
    problems: tuple[LoadProblem, ...]
    mentions: tuple[Mention, ...] = ()  # of the claimed scores, in tables and results that are not logs
    left_us: float = 0.0  # of its budget of work

    @property
    def is_cut(self) -> bool:
        """Whether a part was not read because the whole would cost too much."""
        return any(loaded.rule == CUT_RULE for loaded in self.problems)


def load(path: Path) -> Record:
    """Read a submission folder. Errors inside become problems; raises UsageError if `path` is not a folder."""
    with _opened(path) as folder:
        return folder.load()


def load_from(files: bounded.Files, path: Path) -> Record:
    """Read a submission through `files`; `path` gives its name, track and date, and is not opened."""
    return _Folder(files, path).load()


def load_claim(path: Path) -> Record:
    """Read only the claims in a folder's submission.json; raises like `load`.

    It takes a millisecond, for boards that show their rows before they judge them.
    """
    with _opened(path) as folder:
        return Record(path, (), folder.submission(checked=False), (), (), (), None, ())


def load_scores(path: Path) -> Record:
    """Read only a folder's claim and its logs, which show its score, size and time.

    Neither source nor README is read, and nothing is checked against a schema; raises like `load`. It takes a tenth of
    the time, for records that others are compared with.
    """
    with _opened(path) as folder:
        return folder.scores()


@contextmanager
def _opened(path: Path) -> "Iterator[_Folder]":
    try:
        with bounded.opened(path) as folder:
            yield _Folder(bounded.OpenFolder(folder), path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}; expected a submission folder") from None


class _Folder:
    """The files of a submission, and the problems of reading them."""

    def __init__(self, files: bounded.Files, path: Path) -> None:
        self.files = files
        self.path = path
        self.work = work.Work()
        listing = files.walk()
        self.problems = [LoadProblem("unexpected-file", problem) for problem in listing.problems]
        self.entries = self._evidence(listing.entries)

    def _evidence(self, entries: Sequence[bounded.FileEntry]) -> list[bounded.FileEntry]:
        """Return the files that count, without leftovers and those of a second submission."""
        for entry in entries:
            if secrets.is_file_of_secrets(entry.path):
                self.say(
                    "secret-published",
                    f"a file that usually contains secrets, {counted(entry.size_bytes, 'byte')}",
                    entry.path,
                )
        others = kinds.other_submissions([entry.path for entry in entries])
        evidence: list[bounded.FileEntry] = []
        for entry in entries:
            other = next((folder for folder in others if entry.path.startswith(folder)), None)
            if other is None and not kinds.is_left_behind(entry.path):
                evidence.append(entry)
        for folder in others:
            self.say("unexpected-file", "a second submission: judged separately", folder.rstrip("/"))
        hidden = [entry.path for entry in entries if kinds.is_left_behind(entry.path)]
        if hidden:
            more = f", like {len(hidden) - 1} more" if len(hidden) > 1 else ""
            self.say("unexpected-file", f"ignored: a hidden file or an editor's backup{more}", hidden[0])
        return evidence

    def load(self) -> Record:
        files = tuple(RecordFile(entry.path, entry.size_bytes) for entry in self.entries)
        submission = self.submission()
        logs = tuple(self.logs())  # before everything that `scores` omits, so that both read the same part of the logs
        readme = self.readme()
        sources = reach.reached([file.path for file in files], self.source, work=self.work)
        for source in sources:
            self.problems += [LoadProblem("syntax-error", problem) for problem in source.problems]
        if self.work.is_spent and sources and not sources[-1].examined:
            self.leave_out(f"its code and what it reaches were not examined: {work.TOO_COSTLY}", sources[-1].path)
        artifacts = tuple(file for file in files if kinds.is_artifact(file.path))
        for artifact in artifacts:
            if artifact.size_bytes <= POINTER_BYTES:
                self.read(artifact.path, POINTER_BYTES)  # `read` reports it if it is a pointer
        mentions = mentions_of(submission, [file.path for file in files], self.table)
        return Record(
            path=self.path,
            files=files,
            submission=submission,
            logs=logs,
            sources=sources,
            artifacts=artifacts,
            readme=readme,
            problems=tuple(self.problems),
            mentions=mentions,
            left_us=self.work.left_us,
        )

    def scores(self) -> Record:
        submission = self.submission(checked=False)
        files = tuple(RecordFile(entry.path, entry.size_bytes) for entry in self.entries)
        logs = tuple(self.logs(checked=False))
        return Record(self.path, files, submission, logs, (), (), None, tuple(self.problems))

    def read(self, path: str, limit_bytes: int) -> tuple[bytes, bool] | None:
        """Read a file, or report why it cannot be read."""
        if self.work.is_spent:
            self.leave_out(f"not read: {work.TOO_COSTLY}", path)
            return None
        try:
            data, is_whole = self.files.read(path, limit_bytes)
        except bounded.UnreadableError as error:
            self.say("unexpected-file", f"cannot be read: {error}", path, severity=Severity.WARNING)
            return None
        self.work.spend(1, work.FILE_US)
        self.work.spend(len(data), work.BYTE_US)
        if problem := pointer(data):
            self.say("unexpected-file", problem, path, severity=Severity.WARNING)
            return None
        for line, what in secrets.in_text(data):
            self.say("secret-published", f"what looks like {what}", path, line)
        return data, is_whole

    def whole(self, path: str, limit_bytes: int, rule: str) -> bytes | None:
        """Read a file that is of no use in part; one above the limit is a warning of `rule`."""
        data, is_whole = self.read(path, limit_bytes) or (None, True)
        if not is_whole:
            self.say(rule, f"larger than {limit_bytes:,} bytes: not read", path, severity=Severity.WARNING)
        return data if is_whole else None

    def leave_out(self, message: str, path: str, line: int | None = None) -> None:
        self.say(CUT_RULE, message, path, line)

    def say(
        self, rule: str, message: str, path: str, line: int | None = None, severity: Severity | None = None
    ) -> None:
        self.problems.append(LoadProblem(rule, Problem(message, path, line, severity)))

    def submission(self, *, checked: bool = True) -> Submission | None:
        """Read submission.json, or the one file that is named like it; if `checked`, validate it."""
        names = [entry.path for entry in self.entries if SUBMISSION_FILE.fullmatch(entry.path)]
        if not names:
            return None
        path = "submission.json" if "submission.json" in names else names[0]
        for other in names:
            if other != path:
                self.say("unexpected-file", f"a second submission file: {path} was read", other)
        data = self.whole(path, bounded.MAX_JSON_BYTES, "json-invalid")
        if data is None:
            return None
        self.work.spend(len(data), work.JSON_BYTE_US)
        try:
            document = strictjson.parse(data)
        except strictjson.JsonError as error:
            self.say("json-invalid", f"column {error.column}: {error.message}", path, error.line)
            return None
        if document.bom:
            message = "begins with a byte order mark (U+FEFF), which most JSON readers refuse: save it without"
            self.say("json-invalid", message, path, 1, Severity.WARNING)
        if not isinstance(document.value, dict):
            self.say("json-invalid", f"expected an object, found {_json_type(document.value)}", path, 1)
            return None
        for violation in schema.violations("submission", document.value) if checked else ():
            key = violation.pointer.split("/")[1] if violation.pointer else ""
            where = f"{violation.pointer}: " if violation.pointer else ""
            self.say("schema-violation", where + violation.message, path, document.line_of.get(key))
        return claims.normalize(path, document.value, document.line_of, track_of_place(self.path))

    def logs(self, *, checked: bool = True) -> Iterator[TrainLog]:
        """Read every log, together at most as much as a single log may have; if `checked`, validate them."""
        left_bytes = bounded.MAX_LOG_BYTES
        num_runs = 0
        for entry in self.entries:
            if not kinds.may_be_log(entry.path):
                continue
            content = self.read(entry.path, left_bytes)
            if content is None:
                continue
            data, is_whole = content
            left_bytes -= len(data)
            log = trainlog.read(entry.path, data, self.work)
            num_runs += len(log.runs)
            points = sum(len(run.train) + len(run.val) + len(run.scores) for run in log.runs)
            self.work.spend(num_runs * len(log.runs), work.RUN_PAIR_US)
            self.work.spend(num_runs * points, work.RUN_POINT_US)
            if log.unread_from is not None:
                self.leave_out(f"not read from here on: {work.TOO_COSTLY}", entry.path, log.unread_from)
            if not entry.path.lower().endswith(".log") and not any(run.train or run.scores for run in log.runs):
                continue  # a text file that is not a log
            if not is_whole:
                self.say("unexpected-file", f"only {len(data):,} of {entry.size_bytes:,} bytes were read", entry.path)
            for note in log.notes:
                self.say("log-schema-violation", f"read anyway: {note.value}", entry.path, note.line, Severity.INFO)
            # In nearly every log, all kinds of lines are valid, so that the rest need not be checked.
            if checked and schema.violations("train_log", trainlog.to_json(log, _VALIDATED_ITEMS, kinds=True)):
                for violation in schema.violations("train_log", trainlog.to_json(log, _VALIDATED_ITEMS)):
                    self.say("log-schema-violation", _log_message(violation, log), entry.path)
            yield log

    def source(self, path: str) -> bytes | None:
        """Read a source file."""
        return self.whole(path, bounded.MAX_SOURCE_BYTES, "syntax-error")

    def readme(self) -> str | None:
        names = [entry.path for entry in self.entries if entry.path.lower() in ("readme.md", "readme")]
        content = self.read(names[0], bounded.MAX_README_BYTES) if names else None
        if content is None:
            return None
        self.work.spend(len(content[0]), work.README_BYTE_US)
        return content[0].decode("utf-8", "replace")

    def table(self, path: str, limit_bytes: int) -> tuple[bytes, bool] | None:
        """Read a file that may be a table."""
        content = self.read(path, limit_bytes)
        self.work.spend(len(content[0]) if content else 0, work.TABLE_BYTE_US)
        return content


def _json_type(value: Any) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _log_message(violation: schema.Violation, log: TrainLog) -> str:
    if violation.pointer == "/runs":
        return "it has no line of a training run"
    pointer = violation.pointer.removeprefix("/runs/0" if len(log.runs) == 1 else "/").strip("/")
    return f"{pointer}: {violation.message}" if pointer else violation.message
