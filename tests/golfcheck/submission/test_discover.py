"""From the paths that a person types to record folders; a path that leads to none is an error."""

from pathlib import Path

import pytest

from golfcheck.core.errors import UsageError
from golfcheck.submission.discover import is_record, record_folders, tree_of
from tests.golfcheck import folders


def test_a_tree_gives_its_records_in_order_each_once(tmp_path: Path):
    one = folders.make(tmp_path, "2026-04-01_One")
    two = folders.make(tmp_path, "2026-04-02_Two")
    assert record_folders([tmp_path, one, tmp_path / "records"]) == [one, two]


def test_a_file_in_a_record_leads_to_it(tmp_path: Path, monkeypatch):
    record = folders.make(tmp_path)
    (record / "sub").mkdir()
    (record / "sub" / "model.py").write_text("")
    assert record_folders([record / "sub" / "model.py"]) == [record]
    monkeypatch.chdir(tmp_path)
    inside = record.relative_to(tmp_path)
    assert record_folders([inside / "README.md"]) == [inside]


def test_a_submission_inside_another_is_one_of_its_own(tmp_path: Path):
    record = folders.make(tmp_path)
    inner = folders.make(record, "2026-04-09_Inner")
    assert record_folders([tmp_path]) == [record, inner]


def test_other_folders_inside_a_record_are_not_records(tmp_path: Path):
    record = folders.make(tmp_path)
    inner = folders.make(record, "2026-04-09_Inner")
    (inner / "README.md").unlink()  # what a trainer writes for each seed: a submission file, and no page
    assert record_folders([tmp_path]) == [record]


def test_links_and_hidden_folders_are_not_searched(tmp_path: Path):
    record = folders.make(tmp_path / "real")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(record)
    folders.make(tmp_path / "tree" / ".hidden")
    with pytest.raises(UsageError, match="nothing to check here"):
        record_folders([tmp_path / "tree"])


@pytest.mark.parametrize("content", [(), ("notes.md",), ("README.md",), ("a/b/c.bin",)])
def test_a_folder_without_recognized_files_is_an_error(content: tuple[str, ...], tmp_path: Path):
    for name in content:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(UsageError, match="nothing to check here; expected a record folder"):
        record_folders([tmp_path])


def test_a_missing_path_is_an_error(tmp_path: Path):
    with pytest.raises(UsageError, match="no such file or folder"):
        record_folders([tmp_path / "none"])


def test_a_dated_folder_without_submission_is_a_record_that_lacks_one(tmp_path: Path):
    record = folders.make(tmp_path)
    (record / "submission.json").unlink()
    assert is_record(record)
    assert record_folders([tmp_path]) == [record]


@pytest.mark.parametrize("name", ["submission_final.json", "Submission.json", "submission.v2.json"])
def test_an_undated_folder_with_a_submission_file_is_a_record_in_a_tree_too(name: str, tmp_path: Path):
    folder = tmp_path / "track_10min_16mb" / "Mine"
    folder.mkdir(parents=True)
    (folder / name).write_text("{}")
    assert record_folders([tmp_path]) == record_folders([folder]) == [folder]


def test_a_schema_for_submissions_is_no_submission(tmp_path: Path):
    (tmp_path / "submission.schema.json").write_text("{}")
    assert not is_record(tmp_path)


def test_a_folder_named_outright_is_judged_with_what_it_has(tmp_path: Path):
    (tmp_path / "train_gpt.py").write_text("pass\n")
    assert not is_record(tmp_path)
    assert record_folders([tmp_path]) == [tmp_path]


def test_a_trees_top_is_above_its_tracks(tmp_path: Path):
    record = folders.make(tmp_path)
    assert tree_of(record) == tmp_path / "records"
    assert tree_of(tmp_path) is None
