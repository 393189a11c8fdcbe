"""Each limit on a submission is what stops its case: without the limit, the case passes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from golfcheck import trainlog
from golfcheck.source import decoders, evaluate, parsing, reach, syntax, unwrap
from golfcheck.submission import bounded, strictjson
from golfcheck.submission import record as records
from golfcheck.trainlog import dialect_a, rawlines, runs
from tests.golfcheck import hostile_files as hostile


@dataclass(frozen=True)
class Limit:
    """A constant, a value that does not limit anything, and whether the case is stopped."""

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
LONG_LOG = b"\n" * (66 * 2**20)  # whose lines are not read to the end either

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
    Limit(runs, "MAX_RUNS", 10**6, lambda _: len(trainlog.read("x", hostile.LOGS["70 runs"][0]).runs) < 70),
    Limit(
        dialect_a,
        "MAX_SETTINGS",
        10**6,
        lambda _: len(trainlog.read("x", hostile.LOGS["settings of 100,000 names"][0]).runs[0].settings) < 100_000,
    ),
    Limit(syntax, "MAX_DEPTH", 10**6, says("deep or has", {"train.py": b"(" * 600 + b"1" + b")" * 600})),
    Limit(syntax, "MAX_NODES", 10**9, says("deep or has", {"train.py": b"x = " + b"1," * 130_000})),
    Limit(syntax, "MAX_PARSE_US", 10**9, says("deep or has", {"train.py": b"#\n".join([b"x"] * 2 + [b""] * 8_000)})),
    Limit(decoders, "MAX_UNPACKED_BYTES", 2**30, notes("unpacks to more", hostile.packed(b"0" * 17_000_000))),
    Limit(
        decoders,
        "_MAX_DICT_BYTES",
        2**40,
        notes("dictionary", hostile.raw_lzma(b"x", b"[{'id':33,'dict_size':99999999}]")),
    ),
    Limit(evaluate, "_MAX_NESTING", 10**6, notes("too complicated", CHAIN)),
    Limit(unwrap, "MAX_LEVELS", 9, notes("still packed", hostile.nested_packs(6))),
]


@pytest.mark.parametrize(
    "limit", LIMITS, ids=lambda limit: f"{limit.module.__name__.removeprefix('golfcheck.')}.{limit.name}"
)
def test_removing_the_limit_lets_its_case_through(
    limit: Limit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if limit.name == "MAX_NODES":
        monkeypatch.setattr(parsing, "PARSE_ERROR_CALL_US", 25.0)  # so large a tree may cost too much as well
    assert limit.is_stopped(tmp_path)
    monkeypatch.setattr(limit.module, limit.name, limit.without)
    syntax._parsing.cache_clear()  # what was refused is remembered
    if (limit.module, limit.name) == (bounded, "MAX_LOG_BYTES"):
        monkeypatch.setattr(bounded, "MAX_FOLDER_BYTES", 2**40)
    assert not limit.is_stopped(tmp_path)
