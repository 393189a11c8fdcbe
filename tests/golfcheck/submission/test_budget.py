"""All readers of a record share one budget of counted work; what exceeds it is left out and reported."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from golfcheck import trainlog
from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.verdict import Severity
from golfcheck.core.work import BUDGET_US, TOO_COSTLY, Work
from golfcheck.judging.packing import packing_of
from golfcheck.judging.verify import refuted, verify
from golfcheck.source.reach import reached
from golfcheck.submission import record as records
from golfcheck.submission.record import Record, load, load_scores
from golfcheck.submission.strictjson import parse
from tests.golfcheck.costly_folders import CASES, STEP
from tests.golfcheck.valid_record import Draft
from tests.golfcheck.work import work_of

STEPS = "".join(STEP.replace("#", str(number)) for number in range(1, 48_000)).encode()


def left_out(record: Record) -> list[tuple[str | None, int | None]]:
    return [(item.problem.path, item.problem.line) for item in record.problems if item.rule == "costly-to-read"]


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).write_bytes(data)
    return folder


def with_lines(logs: tuple[str, ...]) -> dict[str, bytes]:
    """Return a valid record whose named logs have 48,000 steps more: four of them would be over the budget."""
    files = Draft().files
    files["train_seed7.log"] = files["train_seed42.log"].replace(b"seed:42", b"seed:7")
    return files | {path: files[path].replace(b"stopping_early:", STEPS + b"stopping_early:") for path in logs}


def test_a_valid_record_spends_a_small_part_and_nothing_is_left_out(tmp_path: Path) -> None:
    files = records._Folder(*opened(written(tmp_path, Draft().files)))
    record = files.load()
    assert not record.is_cut and left_out(record) == []
    assert files.work.left_us > 0.95 * BUDGET_US


def test_packing_is_tried_with_what_is_left_of_the_records_budget(tmp_path: Path) -> None:
    record = load(written(tmp_path, Draft(script=b"value = 1\n" * 200).files))
    assert packing_of(record).startswith("golfcheck pack makes it at most ")
    assert packing_of(replace(record, left_us=1_000.0)) == f"packing was not tried: {TOO_COSTLY}"


def test_lines_that_state_nothing_cost_less_than_those_searched_for_sizes() -> None:
    """Six logs of 2 MB full of warnings were once cut, though they took half a second."""
    plain, sized = Work(), Work()
    step = STEP.replace("#", "1").encode()
    trainlog.read("a.log", step + (b"w" * 300 + b"\n") * 100, plain)
    trainlog.read("a.log", step + (b"artifact " + b"w" * 291 + b"\n") * 100, sized)
    assert 2 * (BUDGET_US - plain.left_us) < BUDGET_US - sized.left_us


def opened(folder: Path) -> tuple[records.bounded.Files, Path]:
    import os

    return records.bounded.OpenFolder(os.open(folder, os.O_RDONLY)), folder


def test_logs_and_code_spend_from_one_budget(tmp_path: Path) -> None:
    """Each is within it, and so is each log; together they are not, and what comes last is left out."""
    logs = tuple(path for path in Draft().files if path.endswith(".log"))
    code = b"x = 1\n" * 20_000
    for name, files in {
        "logs": with_lines(logs),
        "code": Draft(script=code).files,
        "both": with_lines(logs) | {"train_gpt.py": code},
    }.items():
        (tmp_path / name).mkdir()
        record = load(written(tmp_path / name, files))
        assert left_out(record) == ([("train_gpt.py", None)] if name == "both" else []), name


def test_a_log_is_read_up_to_the_line_where_the_budget_ends_and_the_rest_is_named(tmp_path: Path) -> None:
    files = with_lines(tuple(path for path in with_lines(()) if path.endswith(".log")))
    record = load(written(tmp_path, files))
    (log, line), *rest = left_out(record)
    assert log == "train_seed7.log" and line is not None and 1_000 < line < 30_000
    assert {path for path, _ in rest} == {"README.md", "train_gpt.py"}
    cut = next(log for log in record.logs if log.path == "train_seed7.log")
    assert cut.unread_from == line and cut.runs[-1].train[-1].line == line - 1


def test_only_what_was_read_is_judged_and_a_warning_names_the_rest(tmp_path: Path) -> None:
    record = load(written(tmp_path, with_lines(tuple(path for path in with_lines(()) if path.endswith(".log")))))
    verdict = verify(record)
    assert verdict.score is not None  # of the three logs that were read to their end
    said = [finding for finding in verdict.findings if finding.rule == "costly-to-read"]
    assert {finding.path for finding in said} == {"train_seed7.log", "README.md", "train_gpt.py"}
    assert {finding.severity for finding in said} == {Severity.WARNING}
    reasons = {skipped.rule: skipped.reason for skipped in verdict.skipped}
    assert reasons["score-not-in-logs"].startswith("a part of the record was not read")


UNREAD = b"\n" * 230_000  # the budget ends among them
LOGS = tuple(path for path in Draft().files if path.endswith(".log"))


@pytest.mark.parametrize("position", ["before", "inside", "after"])
@pytest.mark.parametrize("log", LOGS)
def test_a_record_not_read_to_its_end_needs_review_and_gets_no_error(log: str, position: str, tmp_path: Path) -> None:
    files = Draft().files
    data = files[log]
    files[log] = {
        "before": UNREAD + data,
        "inside": data.replace(b"stopping_early:", UNREAD + b"stopping_early:"),
        "after": data + UNREAD,
    }[position]
    verdict = verify(load(written(tmp_path, files)))
    assert outcome(verdict) is Outcome.REVIEW
    warned = {finding.rule for finding in verdict.findings if finding.severity is Severity.WARNING}
    assert {"costly-to-read"} <= warned <= {"costly-to-read", "log-schema-violation", "folder-name"}


@pytest.mark.parametrize("how", ["waived", "ignored", "not selected"])
def test_a_record_not_read_to_its_end_is_never_valid(how: str, tmp_path: Path) -> None:
    draft = Draft()
    if how == "waived":
        draft.set(golfcheck={"ignore": {"costly-to-read": "our logs are long"}})
    last = LOGS[-1]
    draft.files[last] += UNREAD
    record = load(written(tmp_path, draft.files))
    ignored = ["costly-to-read", "files"] if how == "ignored" else []
    verdict = verify(record, ignore=ignored, select=["size"] if how == "not selected" else [])
    assert outcome(verdict) is Outcome.REVIEW
    assert "costly-to-read" in {finding.rule for finding in verdict.findings}


def test_an_error_in_the_part_that_was_read_counts(tmp_path: Path) -> None:
    draft = Draft(model_bytes=16_000_000)
    draft.files[LOGS[-1]] += UNREAD
    verdict = verify(load(written(tmp_path, draft.files)))
    assert outcome(verdict) is Outcome.INVALID and refuted(verdict) == ("bytes-over-cap",)


@pytest.mark.parametrize(
    "path, data",
    [
        ("train_gpt.py", b"#" * 3_000_000),
        ("train_gpt.py", b"x = " + b"1 + " * 130_000 + b"1"),
        ("submission.json", b" " * 300_000 + b"{}"),
    ],
    ids=["source of 3 MB", "tree of 260,000 nodes", "submission.json of 300 KB"],
)
def test_a_file_beyond_a_bound_is_no_proof_of_an_error(path: str, data: bytes, tmp_path: Path) -> None:
    verdict = verify(load(written(tmp_path, Draft().files | {path: data})))
    said = [finding for finding in verdict.findings if finding.rule in ("syntax-error", "json-invalid")]
    assert [finding.severity for finding in said] == [Severity.WARNING]


@pytest.mark.parametrize("folder", ["source", "submission", "trainlog", "rules", "core/work.py"])
def test_no_clock_decides_what_is_left_out(folder: str) -> None:
    root = Path(records.__file__).parents[1] / folder
    for path in root.rglob("*.py") if root.is_dir() else [root]:
        assert not re.search(r"^\s*(?:import time\b|from time import)", path.read_text(encoding="utf-8"), re.M), path


def test_a_record_to_beat_is_read_as_far_as_for_its_own_verdict(tmp_path: Path) -> None:
    files = with_lines(tuple(path for path in with_lines(()) if path.endswith(".log")))
    folder = written(tmp_path, files | {"train_gpt.py": b"x = 1\n" * 30_000})
    assert load_scores(folder).logs == load(folder).logs


def test_a_source_beyond_the_budget_is_not_examined_and_no_rule_passes_it(tmp_path: Path) -> None:
    logs = tuple(path for path in with_lines(()) if path.endswith(".log"))
    code = b"import requests\n" + b"x = 1\n" * 30_000
    verdict = verify(load(written(tmp_path, with_lines(logs[:3]) | {"train_gpt.py": code})))
    assert "network-import" in {skipped.rule for skipped in verdict.skipped}


def scores(count: int) -> str:
    return "".join(f"a{number} val_loss:2.1 val_bpb:1.2\n" for number in range(count))


SMALL, LARGE = 400, 800
README = "| [x](y) 1.1150 `z` **w** 1.1147 | "
READERS = {
    "log of steps": lambda n: trainlog.read("x", "".join(STEP.replace("#", str(i)) for i in range(n)).encode()),
    "log of scores": lambda n: trainlog.read("x", scores(n).encode()),
    "log of settings": lambda n: trainlog.read(
        "x", b"Hyperparameters:\n" + "".join(f"  name_{i}: [{i}]\n" for i in range(n)).encode()
    ),
    "log of runs": lambda n: trainlog.read(
        "x", "".join(f"seed:{i}\nstep:1/2 train_loss:6.9 train_time:1ms step_avg:1ms\n" for i in range(n)).encode()
    ),
    "log in one line": lambda n: trainlog.read("x", b"step:1/2 train_loss:1.0 train_time:1ms step_avg:1ms " * n),
    "log of carriage returns": lambda n: trainlog.read("x", b"step:1/2 train_loss:1.0\r" * n),
    "log in UTF-16": lambda n: trainlog.read("x", ("step:1/2 train_loss:1.0\n" * n).encode("utf-16")),
    "log of dumps": lambda n: trainlog.read("x", b"# file: a.py, 6 bytes\nx = 1\n" * (n // 2)),
    "log with prefixes": lambda n: trainlog.read(
        "x", "".join(f"[rank{i}] INFO step:{i}/9999 train_loss:1.0 train_time:1ms\n" for i in range(n)).encode()
    ),
    "JSON of keys": lambda n: parse(("{" + ",".join(f'"k{i}":{i}' for i in range(n)) + "}").encode()),
    "JSON of escapes": lambda n: parse(b'"' + rb"\u00e9\ud83d\ude00" * n + b'"'),
    "JSON of lists": lambda n: parse(b"[" + b"[[[]]]," * n + b"1]"),
    "JSON of strings": lambda n: parse(b"[" + b'"' + b"x" * 40 + b'",' * 1 + b'"a",' * n + b"1]"),
    "sources": lambda n: reached(
        ["train.py", *(f"m{i}.py" for i in range(n))],
        {"train.py": b"".join(b"import m%d\n" % i for i in range(n)), **{f"m{i}.py": b"x = 1\n" for i in range(n)}}.get,
    ),
}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_twice_the_input_takes_no_more_than_twice_the_work(reader: str) -> None:
    READERS[reader](10)  # what is loaded once
    small, large = (work_of(lambda size=size: READERS[reader](size)) for size in (SMALL, LARGE))  # type: ignore[misc]
    assert large < 2.2 * small, (small, large)


@pytest.mark.parametrize("kind", ["readme", "json", "log", "files", "readme and log", "readme and json", "table"])
def test_twice_the_folder_takes_no_more_than_twice_the_work_to_judge(kind: str, tmp_path: Path) -> None:
    def judged(size: int) -> int:
        draft = Draft()
        match kind:
            case "readme":
                draft.files["README.md"] = (README * 4 + "\n").encode() * size
            case "json":
                draft.set(**{f"k{number}": {"val_bpb": number} for number in range(size)})
            case "log":
                draft.edit("train_seed42.log", "stopping_early:", scores(size) + "stopping_early:")
            case "readme and log":
                draft.edit("train_seed42.log", "stopping_early:", scores(size) + "stopping_early:")
                draft.files["README.md"] = b"bpb 2.3456\n" * size
            case "readme and json":
                draft.set(blob=list(range(14_000_000, 14_000_000 + size)))
                draft.files["README.md"] = b"artifact 15,000,001 bytes\n" * size
            case "table":
                draft.files["notes.md"] = b"loss:1.1147 " * size
            case "files":
                draft.files |= {f"log{number}.txt": b"seed:1\n" for number in range(size // 2)}
        folder = tmp_path / str(size)
        folder.mkdir()
        written(folder, draft.files)
        return work_of(lambda: verify(load(folder)))

    judged(10)
    small, large = judged(SMALL), judged(LARGE)
    assert large < 2.2 * small, (small, large)


def test_each_run_is_paid_for_with_all_the_runs_that_it_is_compared_with(tmp_path: Path) -> None:
    """480 logs of 64 runs each, of a few lines, once took minutes: every pair of runs is compared."""
    run = "seed:1\n" + STEP.replace("#", "1") + STEP.replace("#", "2")
    record = load(written(tmp_path, Draft().files | {f"{n}.log": (run * 64).encode() for n in range(20)}))
    assert record.is_cut and sum(len(log.runs) for log in record.logs) < 1_000


def test_exhausted_work_stays_exhausted() -> None:
    work = Work(10)
    assert work.spend(2, 5.0) and not work.is_spent
    assert not work.spend(1, 0.5) and work.is_spent
    assert CASES  # the costliest inputs, which the prices were set by
