"""Nothing in a submission influences how it is judged: the table in docs/security.md, one test for each row."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from golfcheck.cli import main
from golfcheck.core.verdict import Severity
from golfcheck.submission.discover import record_folders
from golfcheck.submission.history import repository_of
from tests.golfcheck.valid_record import Draft

IGNORE = 'ignore = ["score-not-in-logs", "rounding-mismatch"]\nfail-on = "never"\n'


def false_record(root: Path, day: int = 1) -> Path:
    """Write a record that claims a better score than its logs say."""
    draft = Draft(folder=f"2026-06-{day:02}_False")
    draft.set(val_bpb=0.5)
    return draft.write(root)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def verify(*arguments: str) -> tuple[int, list[dict[str, object]]]:
    """Return the exit code of verify, and the errors of its first verdict."""
    output = Path(os.environ["XDG_CACHE_HOME"]).parent / "verdict.json"
    code = main(["verify", "--jobs", "1", "--format", "json", "--output", str(output), *arguments])
    verdicts = json.loads(output.read_text())["verdicts"]
    return code, [finding for finding in verdicts[0]["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize("inside", [".", "logs", "logs/deep"])
@pytest.mark.parametrize("name", ["golfcheck.toml", "pyproject.toml"])
def test_settings_in_a_record_are_not_obeyed_wherever_in_it_one_stands(
    inside: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = false_record(tmp_path)
    (record / inside).mkdir(parents=True, exist_ok=True)
    (record / inside / name).write_text(IGNORE if name == "golfcheck.toml" else f"[tool.golfcheck]\n{IGNORE}")
    monkeypatch.chdir(record / inside)
    code, errors = verify(str(record))
    assert code == 1 and errors
    assert name == "pyproject.toml" or "ignored: it is inside a record" in capsys.readouterr().err


def git(folder: Path, *arguments: str) -> None:
    who = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    identity = dict.fromkeys(who, "x")
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, env=os.environ | identity)


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """Return a repository whose base has settings, and whose branch adds a false record and settings of its own."""
    root = tmp_path / "repository"
    Draft(folder="2026-05-01_First").write(root / "records")
    (root / "golfcheck.toml").write_text('ignore = ["thin-margin"]\n')
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    git(root, "add", "-A")
    git(root, "commit", "-qm", "base")
    git(root, "checkout", "-qb", "theirs")
    false_record(root / "records")
    (root / "golfcheck.toml").write_text(IGNORE)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "theirs")
    return root


def test_a_branch_is_judged_by_the_settings_of_its_base(
    branch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(branch)
    code, errors = verify("--base", "main")
    assert code == 1 and errors
    assert "ignore = thin-margin" in capsys.readouterr().err
    monkeypatch.setenv("GOLFCHECK_BASE", "main")
    assert verify("records")[0] == 1


def test_restrictions_by_settings_are_reported(
    branch: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(branch)
    assert main(["verify", "--jobs", "1", "records"]) == 0
    said = capsys.readouterr().err
    assert "golfcheck.toml: ignore = score-not-in-logs, rounding-mismatch; fail-on = never" in said


@pytest.mark.parametrize("location", [".", "records", "records/track_10min_16mb"])
def test_a_submission_file_above_the_records_hides_none_and_keeps_the_settings_of_the_base(
    location: str, branch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(
        branch / "records/track_10min_16mb/2026-05-01_First/submission.json", branch / location / "submission.json"
    )
    git(branch, "add", "-A")
    git(branch, "commit", "-qm", "a submission file above the records")
    names = {folder.name for folder in record_folders([branch])}
    assert names >= {"2026-05-01_First", "2026-06-01_False"}
    assert repository_of(branch / "records" / "track_10min_16mb" / "2026-06-01_False") is not None
    monkeypatch.chdir(branch)
    assert main(["verify", "--jobs", "1", "--base", "main"]) == 1


def test_variables_that_name_another_repository_are_ignored(
    branch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "-q", str(other))
    for name, value in {
        "GIT_DIR": other / ".git", "GIT_WORK_TREE": other, "GIT_INDEX_FILE": other / "index",
        "GIT_OBJECT_DIRECTORY": other / ".git/objects", "GIT_CONFIG_GLOBAL": other / "config", "GIT_NAMESPACE": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(branch)
    assert verify("--base", "main")[0] == 1
    assert os.environ["GIT_DIR"] == str(other / ".git")
    repository = repository_of(branch)
    assert repository is not None and repository.added(branch / "records")


@pytest.mark.parametrize("seconds", ["99999999999999", "253402300800", "9223372036854775807"])
def test_a_commit_with_an_impossible_date_gives_no_date_and_no_crash(seconds: str, branch: Path) -> None:
    Draft(folder="2026-06-02_Later").write(branch / "records")
    git(branch, "add", "-A")
    tree = subprocess.run(["git", "write-tree"], cwd=branch, capture_output=True, text=True, check=True).stdout.strip()
    commit = f"tree {tree}\nparent {_head(branch)}\nauthor x <x> {seconds} +0000\ncommitter x <x> 1 +0000\n\nlater\n"
    completed = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
        cwd=branch, input=commit, capture_output=True, text=True, check=True,
    )  # fmt: skip
    git(branch, "reset", "-q", "--hard", completed.stdout.strip())
    repository = repository_of(branch)
    assert repository is not None
    dated = {folder.name for folder in repository.added(branch / "records")}
    assert "2026-05-01_First" in dated and "2026-06-02_Later" not in dated
    assert main(["verify", "--jobs", "1", str(branch)]) == 1
    assert main(["leaderboard", "--jobs", "1", str(branch)]) == 0


def _head(folder: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_repository_inside_a_record_is_not_opened(form: str, tmp_path: Path) -> None:
    record = false_record(tmp_path)
    if form == "file":
        (record / ".git").write_text("gitdir: /somewhere/else\n")
    else:
        git(tmp_path, "init", "-q", str(record))
    assert repository_of(record) is None and repository_of(record / "logs") is None
    assert verify(str(record))[0] == 1


@pytest.mark.parametrize(
    "name", [".gitattributes", ".gitignore", ".mailmap", ".gitmodules", "DECISIONS.toml", "decisions.toml"]
)
def test_git_and_ruling_files_inside_a_record_have_no_effect(
    name: str, branch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = branch / "records" / "track_10min_16mb" / "2026-06-01_False"
    text = "* -diff export-ignore\n[[ruling]]\nrecord = '2026-06-01_False'\nwaive = ['score-not-in-logs']\n"
    (record / name).write_text(text)
    git(branch, "add", "-Af")
    git(branch, "commit", "-qm", "steer")
    monkeypatch.chdir(branch)
    code, errors = verify("--base", "main")
    assert code == 1 and errors


def test_a_submission_waives_no_error_that_arithmetic_proves(tmp_path: Path) -> None:
    draft = Draft()
    draft.set(val_bpb=0.5, golfcheck={"ignore": {"score-not-in-logs": "trust me", "rounding-mismatch": "trust me"}})
    from golfcheck.judging.verify import verify as judged
    from golfcheck.submission.record import load

    verdict = judged(load(draft.write(tmp_path)))
    errors = [finding for finding in verdict.findings if finding.severity is Severity.ERROR]
    assert errors and all(finding.waived is None for finding in errors)
    messages = [finding.message for finding in verdict.findings if finding.rule == "waiver-unused"]
    assert any("only the maintainers can waive it" in message for message in messages)


def test_names_of_the_environment_are_read_from_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = false_record(tmp_path)
    for name in (".env", ".envrc", "GOLFCHECK_IGNORE", "GOLFCHECK_FAIL_ON"):
        (record / name).write_text("GOLFCHECK_IGNORE=score-not-in-logs\nGOLFCHECK_FAIL_ON=never\n")
    monkeypatch.chdir(record)
    assert verify(".")[0] == 1
