"""A folder becomes a record: which file is the submission, the logs, the script, the artifact."""

import json
from pathlib import Path

import pytest

from golfcheck.core.verdict import Severity
from golfcheck.submission.record import RecordFile, load
from tests.golfcheck.submission.test_claims import CANONICAL
from tests.golfcheck.trainlog.test_trainlog import A, B
from tests.golfcheck.valid_record import Draft


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_a_whole_record_is_read_without_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "track_non_record_16mb" / "2026-06-01_Valid"
    files: dict[str, str | bytes] = {
        "README.md": "# Valid\n",
        "submission.json": json.dumps({key: value for key, value in CANONICAL.items() if key != "track"}),
        "train_seed42.log": A,
        "logs/train_seed7.txt": A.replace("1339", "7"),
        "requirements.txt": "torch\n",
        "notes/idea.txt": "no log at all\n",
        "train_gpt.py": "import helper\n",
        "helper.py": "x = 1\n",
        "unused.py": "y = 1\n",
        "final_model.int8.ptz": b"\x78\x9c",
    }
    write(folder, files)
    record = load(folder)
    assert [item.rule for item in record.problems] == ["schema-violation"]  # the track, which the place tells
    assert record.submission and record.submission.track == "non_record_16mb"
    assert [log.path for log in record.logs] == ["logs/train_seed7.txt", "train_seed42.log"]
    assert [source.path for source in record.sources] == ["train_gpt.py", "helper.py"]
    assert record.artifacts == (RecordFile("final_model.int8.ptz", 2),)
    assert record.readme == "# Valid\n"
    assert {file.path for file in record.files} == set(files)


def test_each_kind_of_line_that_a_log_lacks_is_reported_once_with_an_example(tmp_path: Path) -> None:
    write(tmp_path, {"train.log": B.replace("model_params:35943512\n", "")})
    problems = [item for item in load(tmp_path).problems if item.rule == "log-schema-violation"]
    assert [item.problem.message for item in problems] == [
        "'params' is missing: The number of parameters: `model_params:N`"
    ]
    assert problems[0].problem.path == "train.log"


def test_the_run_that_lacks_a_line_is_named_and_a_log_without_runs_is_reported(tmp_path: Path) -> None:
    write(tmp_path, {"train.log": A + A.replace("model_params:17059912\n", ""), "empty.log": "nothing\n"})
    problems = [item.problem for item in load(tmp_path).problems if item.rule == "log-schema-violation"]
    assert [(problem.path, problem.message[:26]) for problem in problems] == [
        ("empty.log", "it has no line of a traini"),
        ("train.log", "runs/1: 'params' is missin"),
    ]


def test_a_submission_file_under_another_name_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"submission_ternary.json": json.dumps(CANONICAL)})
    record = load(tmp_path)
    assert record.submission and record.submission.path == "submission_ternary.json"


def test_a_schema_violation_stands_at_the_line_of_its_key(tmp_path: Path) -> None:
    write(tmp_path, {"submission.json": json.dumps(CANONICAL | {"bytes_code": -1}, indent=1)})
    (item,) = load(tmp_path).problems
    assert item.rule == "schema-violation"
    assert (item.problem.path, item.problem.message) == (
        "submission.json",
        "/bytes_code: -1 is less than the minimum of 0",
    )
    lines = (tmp_path / "submission.json").read_text().splitlines()
    assert item.problem.line and '"bytes_code"' in lines[item.problem.line - 1]


def test_a_byte_order_mark_is_reported_and_the_submission_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"submission.json": b"\xef\xbb\xbf" + json.dumps(CANONICAL).encode()})
    record = load(tmp_path)
    assert record.submission and record.submission.val_bpb == CANONICAL["val_bpb"]
    (item,) = record.problems
    assert (item.rule, item.problem.severity) == ("json-invalid", Severity.WARNING)


def test_files_equal_in_content_are_all_kept_and_share_their_digest(tmp_path: Path) -> None:
    write(tmp_path, {"train.log": A, "train_seed1339.log": A})
    assert len({log.sha256 for log in load(tmp_path).logs}) == 1


def test_an_empty_script_is_a_source_of_no_bytes(tmp_path: Path) -> None:
    write(tmp_path, {"train_gpt.py": b""})
    (source,) = load(tmp_path).sources
    assert (source.text, source.main, source.lines, source.problems) == (b"", True, 0, ())


def test_all_28_real_folders_load_with_problems_of_form_only(shared_data: Path) -> None:
    for folder in sorted(path for path in shared_data.glob("records/*/*") if path.is_dir()):
        record = load(folder)
        assert record.submission and record.logs and record.submission.track
        assert {item.rule for item in record.problems} <= {"schema-violation", "log-schema-violation"}


@pytest.mark.parametrize("name", ["train_seed42.log", "README.md", "submission.json", "train_gpt.py", "model.int8.ptz"])
def test_a_git_lfs_pointer_is_named_and_its_contents_are_ignored(tmp_path: Path, name: str) -> None:
    draft = Draft()
    draft.files[name] = b"version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 15800000\n" % 0
    record = load(draft.write(tmp_path))
    problems = [each.problem for each in record.problems if each.problem.path == name]
    assert [problem.message for problem in problems] == [
        "a Git LFS pointer, not the file itself (15,800,000 bytes): git lfs pull"
    ]
    assert name not in [log.path for log in record.logs]
