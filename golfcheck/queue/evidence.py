"""The parts of a record that are compared with others: digests of logs and runs, settings, definitions in the code.

Two logs of one training run may differ in the text around the numbers, but not in the losses by step. So a run is
identified by its losses and by the digits of its result, and a log by all of its bytes.
"""

import hashlib
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from golfcheck.source import syntax
from golfcheck.submission.examined import Examined
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs
from golfcheck.trainlog.events import LoggedRun

if TYPE_CHECKING:
    from tree_sitter import Node

_MIN_LOSSES = 5  # from LATE_STEP on: the first losses of a script are similar for the same seed
_LATE_STEP = 100
_MIN_DIGITS = 6  # of val_bpb: fewer are shared by chance
_MAX_LOGS, _MAX_RUNS = 64, 128
_MAX_SETTINGS, _SETTING_CHARS = 200, 80
_MAX_DEFINITIONS = 512
_OF_A_RUN = re.compile(r"seed|run_id|logfile|.*(?:path|dir|files?|time|elapsed|url|https?)")
_NOISE = re.compile(rb"#[^\n]*|\s+")


@dataclass(frozen=True, slots=True)
class LogPrint:
    """A log, identified by its bytes."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunPrint:
    """A run, identified by what it computed; "" if it printed too little to distinguish it from others."""

    path: str
    line: int
    seed: int | None
    losses: str  # digest of step and loss, all of them
    result: str  # digits of loss and score


@dataclass(frozen=True, slots=True)
class Evidence:
    """The values by which a record is compared."""

    logs: tuple[LogPrint, ...]
    runs: tuple[RunPrint, ...]
    script: str | None  # sha256 of the main script
    code_bytes: int  # of the sources that it reaches, unwrapped
    definitions: bytes  # 8 bytes for each function or method: a digest of its text
    settings: str  # one "name=value" per line, for those that all runs print with the same value

    @property
    def hashes(self) -> frozenset[int]:
        """The definitions as numbers."""
        return frozenset(array("Q", self.definitions))

    def setting_values(self) -> dict[str, str]:
        """Return the settings by name."""
        return dict(line.split("=", 1) for line in self.settings.splitlines() if "=" in line)


def evidence_of(examined: Examined) -> Evidence:
    """Return the values by which a record is compared."""
    record = examined.record
    sources = [source.text if source.unwrapped is None else source.unwrapped for source in record.sources]
    # A source that was too costly to examine would be parsed here outside of the record's budget.
    examined_texts = [
        text
        for source, text in zip(record.sources, sources, strict=True)
        if source.examined and source.path.endswith(".py")
    ]
    main = next((source for source in record.sources if source.main), None)
    telling = [log for log in record.logs if any(run.scores or len(run.train) >= _MIN_LOSSES for run in log.runs)]
    scores = {(id(result.run)): result.score for result in examined.results}
    runs = []
    for log, run in distinct_runs(record)[:_MAX_RUNS]:
        score = scores.get(id(run))
        digits = f"{score.val_loss_nats!r} {score.val_bpb!r}" if score and score.digits >= _MIN_DIGITS else ""
        line = score.line if score else run.train[0].line if run.train else 1
        runs.append(RunPrint(log.path, line, run.seed.value if run.seed else None, _losses(run), digits))
    return Evidence(
        logs=tuple(LogPrint(log.path, log.sha256) for log in telling[:_MAX_LOGS]),
        runs=tuple(one for one in runs if one.losses or one.result),
        script=hashlib.sha256(main.text).hexdigest() if main and main.text.strip() else None,
        code_bytes=sum(map(len, sources)),
        definitions=array(
            "Q", sorted({_hash(text) for text in _definitions(examined_texts)})[:_MAX_DEFINITIONS]
        ).tobytes(),
        settings="\n".join(f"{name}={value}" for name, value in _settings(record).items()),
    )


def _losses(run: LoggedRun) -> str:
    points = [(point.step, repr(point.loss_nats)) for point in run.train]
    points += [(point.step, repr(point.val_loss_nats)) for point in run.val]
    if sum(step >= _LATE_STEP for step, _ in points) < _MIN_LOSSES:
        return ""
    return hashlib.sha256(repr(points).encode()).hexdigest()[:32]


def _settings(record: Record) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for _, run in distinct_runs(record):
        for name, fact in run.settings.items():
            values.setdefault(name, set()).add(" ".join(fact.value.split())[:_SETTING_CHARS])
    alike = {name: min(logged) for name, logged in values.items() if len(logged) == 1}
    shown = [name for name in alike if name.isidentifier() and not _OF_A_RUN.fullmatch(name) and "/" not in alike[name]]
    return {name: alike[name] for name in sorted(shown)[:_MAX_SETTINGS]}


def _definitions(texts: list[bytes]) -> Iterator[bytes]:
    """Yield the text of each function of a module and each method of its classes, without blanks and comments."""
    for text in texts:
        if syntax.encoding_problem(text):
            continue
        tree = syntax.parse(text)
        if not syntax.is_too_deep(tree):
            yield from _inside(tree.root_node, 0)


def _inside(node: "Node", depth: int) -> Iterator[bytes]:
    for child in node.named_children:
        inner = child.child_by_field_name("definition") if child.type == "decorated_definition" else child
        if inner is None:
            continue
        if inner.type == "function_definition":
            yield _NOISE.sub(b"", inner.text or b"")
        elif inner.type == "class_definition" and depth == 0 and (body := inner.child_by_field_name("body")):
            name = inner.child_by_field_name("name")
            prefix = (name.text or b"") if name else b""
            yield from (prefix + b"." + text for text in _inside(body, depth + 1))


def _hash(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
