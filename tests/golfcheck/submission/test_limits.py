"""Each limit on a submission is what stops its case: with the limit out of the way, the case passes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from golfcheck import trainlog
from golfcheck.source import decoders, evaluate, reach, syntax, unwrap
from golfcheck.submission import bounded, strictjson
from golfcheck.submission import record as records
from golfcheck.submission.record import load
from golfcheck.trainlog import dialect_a, rawlines, runs
from tests.golfcheck import hostile_files as hostile


@dataclass(frozen=True)
class Limit:
    """A constant, a value that is no limit, and whether the case is stopped."""

    module: ModuleType
    name: str
    without: Any
    is_stopped: Callable[[Path], bool]


def says(words: str, files: dict[str, bytes]) -> Callable[[Path], bool]:
    def is_stopped(folder: Path) -> bool:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return any(words in item.problem.message for item in records.load(folder).problems)

    return is_stopped


def notes(words: str, script: bytes) -> Callable[[Path], bool]:
    def is_stopped(_: Path) -> bool:
        (source,) = reach.reached(["train.py"], {"train.py": script}.get)
        return words in source.note

    return is_stopped


def log_notes(words: str, data: bytes) -> Callable[[Path], bool]:
    return lambda _: any(words in note.value for note in trainlog.read("x", data).notes)


def refuses(words: str, data: bytes) -> Callable[[Path], bool]:
    def is_stopped(_: Path) -> bool:
        try:
            strictjson.parse(data)
        except strictjson.JsonError as error:
            return words in error.message
        return False

    return is_stopped


STEPS = b"".join(hostile.STEP % (n, n * 70) for n in range(1, 2_000))
CHAIN = (
    b"import zlib\na0 = 'x'\n"
    + b"".join(b"a%d = a%d\n" % (n, n - 1) for n in range(1, 80))
    + b"exec(zlib.decompress(a79))"
)
WIDE = b"import zlib\nexec(zlib.decompress(''.join([" + b"'x'," * 11_000 + b"])))"
IMPORTS = b"".join(b"import m%d\n" % n for n in range(80))
MODULES = {"train.py": IMPORTS} | {f"m{n}.py": b"#" * 70_000 for n in range(80)}
FEW_BYTES = {name: data[:5_000] for name, data in MODULES.items()}
LONG_LOG = b"\n" * (66 * 2**20)  # which ends after MAX_LINES

HALF = b"x = 1\n" * 45_000  # of the nodes that all sources may have
LIMITS = [
    Limit(bounded, "MAX_FILES", 10**6, says("more than", {f"{n}.md": b"" for n in range(600)})),
    Limit(bounded, "MAX_DEPTH", 100, says("nested more", {"/".join("abcdefghij") + "/x.md": b""})),
    Limit(bounded, "MAX_FOLDER_BYTES", 2**40, says("add up to", {"a.bin": b"0" * (65 * 2**20)})),
    Limit(bounded, "MAX_JSON_BYTES", 2**30, says("larger than", {"submission.json": b'{"a": 1}' + b" " * 300_000})),
    Limit(bounded, "MAX_SOURCE_BYTES", 2**30, says("larger than", {"train.py": b"#" * 2_200_000})),
    Limit(bounded, "MAX_LOG_BYTES", 2**30, says("of 69,206,016 bytes", {"x.log": LONG_LOG})),
    Limit(strictjson, "MAX_DEPTH", 100, refuses("nested", b"[" * 40 + b"]" * 40)),
    Limit(strictjson, "MAX_DIGITS", 100, refuses("digits", b"9" * 30)),
    Limit(rawlines, "MAX_LOG_BYTES", 2**30, log_notes("only the first", LONG_LOG)),
    Limit(rawlines, "MAX_LINES", 10**9, log_notes("too long", b"\n" * 600_000)),
    Limit(runs, "MAX_RUNS", 10**6, lambda _: len(trainlog.read("x", hostile.LOGS["70 runs"][0]).runs) < 70),
    Limit(
        dialect_a,
        "MAX_SETTINGS",
        10**6,
        lambda _: len(trainlog.read("x", hostile.LOGS["settings of 100,000 names"][0]).runs[0].settings) < 100_000,
    ),
    Limit(syntax, "MAX_DEPTH", 10**6, says("deep or has", {"train.py": b"(" * 600 + b"1" + b")" * 600})),
    Limit(syntax, "MAX_NODES", 10**9, says("deep or has", {"train.py": b"x = 1\n" * 90_000})),
    Limit(syntax, "MAX_NODES", 10**9, says("too intricate together", {"train.py": b"import a\n" + HALF, "a.py": HALF})),
    Limit(reach, "MAX_REACHED_BYTES", 2**30, says("of source are reached", MODULES)),
    Limit(reach, "MAX_SOURCES", 10**6, lambda _: len(reach.reached(list(FEW_BYTES), FEW_BYTES.get)) < 81),
    Limit(decoders, "MAX_UNPACKED_BYTES", 2**30, notes("unpacks to more", hostile.packed(b"0" * 17_000_000))),
    Limit(
        decoders,
        "_MAX_DICT_BYTES",
        2**40,
        notes("dictionary", hostile.raw_lzma(b"x", b"[{'id':33,'dict_size':99999999}]")),
    ),
    Limit(evaluate, "_MAX_NESTING", 10**6, notes("too complicated", CHAIN)),
    Limit(evaluate, "_MAX_STEPS", 10**9, notes("too complicated", WIDE)),
    Limit(unwrap, "MAX_LEVELS", 9, notes("still packed", hostile.nested_packs(6))),
]


@pytest.mark.parametrize(
    "limit", LIMITS, ids=lambda limit: f"{limit.module.__name__.removeprefix('golfcheck.')}.{limit.name}"
)
def test_removing_the_limit_lets_its_case_through(
    limit: Limit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "SECONDS" not in limit.name:  # a busy machine must not meet a limit of time before the one in question
        monkeypatch.setattr(reach, "REACH_SECONDS", 60.0)
        monkeypatch.setattr(syntax, "PARSE_SECONDS", 60.0)
    assert limit.is_stopped(tmp_path)
    monkeypatch.setattr(limit.module, limit.name, limit.without)
    syntax.parse.cache_clear()  # what was refused is remembered
    if (limit.module, limit.name) == (bounded, "MAX_LOG_BYTES"):
        monkeypatch.setattr(bounded, "MAX_FOLDER_BYTES", 2**40)
    assert not limit.is_stopped(tmp_path)


def test_the_lines_that_a_long_line_holds_are_counted() -> None:
    folded = b"x val_loss:2 val_bpb:1\r" * 700 + b"\n"
    assert trainlog.read("x", folded).lines > 700
    log = trainlog.read("x", folded * 100 + b"a\n" * 2**19 + STEPS, max_lines=70_000)
    assert [run.train for run in log.runs] == [[]]
    assert any("too long" in note.value for note in log.notes)


def test_all_logs_of_a_record_share_one_limit_of_lines(tmp_path: Path) -> None:
    for n in range(9):
        (tmp_path / f"{n}.log").write_bytes(STEPS + b"a\n" * 50_000)
    record = load(tmp_path)
    assert len(record.logs) == 2
    assert [problem.problem.path for problem in record.problems if "not read: the logs" in problem.problem.message] == [
        "2.log"
    ]
