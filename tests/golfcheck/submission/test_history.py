"""Git history of records, read without running any program that a repository's configuration names."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from golfcheck.core import gitprocess
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.submission.history import GitRepository, repository_of
from tests.golfcheck import folders
from tests.golfcheck.repositories import Repo
from tests.golfcheck.work import work_of


def git(repository: Path, *arguments: str, at: str = "2026-04-01T00:00:00Z") -> str:
    dated = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": os.devnull}
    who = {f"GIT_{role}_{what}": "t@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    command = ["git", *arguments]
    run = subprocess.run(
        command, cwd=repository, env=os.environ | dated | who, capture_output=True, text=True, check=True
    )
    return run.stdout


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A repository on `main` with one record."""
    git(tmp_path, "init", "-q", "-b", "main")
    folders.make(tmp_path, "2026-04-01_First")
    commit(tmp_path, "2026-04-01T12:00:00Z")
    return tmp_path


def commit(repository: Path, at: str) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "x", at=at)


def opened(path: Path) -> GitRepository:
    repository = repository_of(path)
    assert repository is not None
    return repository


def test_a_record_is_as_old_as_its_first_file(ours: Path):
    second = folders.make(ours, "2026-04-02_Second")
    commit(ours, "2026-04-05T00:00:00Z")
    (second / "extra.md").write_text("later\n")
    commit(ours, "2026-04-09T00:00:00Z")
    added = opened(ours).added(ours / "records")
    assert added[second.resolve()].time == datetime(2026, 4, 5, tzinfo=UTC)
    assert added[(second.parent / "2026-04-01_First").resolve()].time == datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("edited", [False, True])
def test_a_renamed_record_is_as_old_as_what_it_was_before(ours: Path, edited: bool):
    tree = ours / "records"
    git(ours, "mv", "records/track_10min_16mb/2026-04-01_First", "records/track_10min_16mb/2026-04-01_Better_name")
    if edited:
        (tree / "track_10min_16mb" / "2026-04-01_Better_name" / "README.md").write_text("another text\n")
    commit(ours, "2026-05-05T00:00:00Z")
    (ours / "records" / "track_old").mkdir()
    git(ours, "mv", "records/track_10min_16mb/2026-04-01_Better_name", "records/track_old/2026-04-01_Last_name")
    commit(ours, "2026-05-09T00:00:00Z")
    added = opened(ours).added(tree)
    assert added[(tree / "track_old" / "2026-04-01_Last_name").resolve()].time == datetime(2026, 4, 1, 12, tzinfo=UTC)


def test_a_shallow_clone_gives_no_dates(ours: Path, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "-q", "--depth", "1", f"file://{ours}", ".")
    with pytest.raises(GolfcheckError, match="shallow clone"):
        opened(clone).added(clone / "records")


def test_a_tree_at_the_top_of_its_repository_is_dated_by_its_commits(ours: Path):
    assert opened(ours).added(ours)[(ours / "records").resolve()]


def test_a_branch_is_what_changed_since_it_left_its_base(ours: Path):
    git(ours, "checkout", "-q", "-b", "mine")
    mine = folders.make(ours, "2026-04-03_Mine")
    (ours / "README.md").write_text("changed\n")
    commit(ours, "2026-04-03T00:00:00Z")
    git(ours, "checkout", "-q", "main")
    folders.make(ours, "2026-04-04_Theirs")
    commit(ours, "2026-04-04T00:00:00Z")
    git(ours, "checkout", "-q", "mine")
    branch = opened(ours).branch("main")
    assert {change.status for change in branch.changes} == {"A"}
    assert len(branch.inside(mine)) == 6
    assert [change.path for change in branch.outside(mine)] == ["README.md"]


def test_links_are_distinguished_from_files(ours: Path):
    git(ours, "checkout", "-q", "-b", "mine")
    (ours / "link").symlink_to("/etc/passwd")
    commit(ours, "2026-04-03T00:00:00Z")
    assert [change.special for change in opened(ours).branch("main").changes] == ["a symbolic link"]


def test_unusual_file_names_are_preserved(ours: Path):
    git(ours, "checkout", "-q", "-b", "mine")
    names = ["new\nline", "tab\there", "ü", '"quoted"', "-dash"]
    for name in names:
        (ours / name).write_text("x")
    commit(ours, "2026-04-03T00:00:00Z")
    assert sorted(change.path for change in opened(ours).branch("main").changes) == sorted(names)


@pytest.mark.parametrize(
    "base", ["nope", "--output=/tmp/golfcheck-owned", "-x", "main\n", "main:README.md", "", "@{99}"]
)
def test_an_invalid_revision_is_a_usage_error(base: str, ours: Path):
    with pytest.raises(UsageError, match="--base"):
        opened(ours).branch(base)
    assert not Path("/tmp/golfcheck-owned").exists()


def test_branches_without_a_common_commit_are_a_usage_error(ours: Path):
    git(ours, "checkout", "-q", "--orphan", "other")
    commit(ours, "2026-04-03T00:00:00Z")
    with pytest.raises(UsageError, match="no commit in common"):
        opened(ours).branch("main")


def test_a_repository_that_came_with_a_record_is_not_opened(tmp_path: Path):
    record = folders.make(tmp_path)
    git(record, "init", "-q")
    assert repository_of(record) is None
    (record / "sub").mkdir()
    git(record / "sub", "init", "-q")
    assert repository_of(record / "sub") is None


def test_our_repository_is_found_past_one_in_a_record(ours: Path):
    record = folders.make(ours, "2026-04-02_Hostile")
    git(record, "init", "-q")
    assert opened(record).root == ours


def test_nothing_that_a_configuration_names_is_run(ours: Path):
    git(ours, "checkout", "-q", "-b", "mine")
    folders.make(ours, "2026-04-03_Mine")
    (ours / ".gitattributes").write_text("* diff=evil filter=evil\n")
    commit(ours, "2026-04-03T00:00:00Z")
    trap, hooks = ours / "owned", ours / ".git" / "hooks"
    script = ours / ".git" / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\n")
    script.chmod(0o755)
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "fsmonitor-watchman", "post-index-change"):
        (hooks / hook).write_text(script.read_text())
        (hooks / hook).chmod(0o755)
    for key in (
        *("core.fsmonitor", "core.pager", "diff.external", "diff.evil.textconv", "diff.evil.command"),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "core.sshCommand", "gpg.program"),
    ):
        git(ours, "config", key, str(script))
    git(ours, "config", "log.showSignature", "true")
    trap.unlink(missing_ok=True)  # git itself may have run it while we set it
    branch = opened(ours).branch("main")
    added = opened(ours).added(ours / "records")
    assert branch.changes
    assert added
    assert not trap.exists()


def imported(path: Path, commits: int, files: int, depth: int) -> GitRepository:
    """Return a repository without a work tree, with commits that each add files; a thousand take no time."""
    git(path, "init", "-q", "-b", "main")
    lines = ["blob\nmark :1\ndata 1\nx\n"]
    for number in range(commits):
        lines.append(f"commit refs/heads/main\ncommitter A <a> {1_700_000_000 + number} +0000\ndata 1\nx\n")
        lines += [f"M 100644 :1 records/d{number}_{file}/{'a/' * depth}f\n" for file in range(files)]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=path, input="".join(lines).encode(), check=True)
    return GitRepository(path)


@pytest.mark.parametrize("what", ["commits", "files", "depth"])
def test_twice_the_history_takes_no_more_than_twice_the_work(what: str, tmp_path: Path) -> None:
    work = []
    for size in (40, 80):
        (tmp_path / str(size)).mkdir()
        repository = imported(tmp_path / str(size), **({"commits": 2, "files": 2, "depth": 2} | {what: size}))
        work.append(work_of(lambda repository=repository: repository.added(repository.root)))  # type: ignore[misc]
    assert work[1] < 2.2 * work[0], work


def test_a_path_of_a_thousand_folders_is_dated_as_deep_as_records_lie(tmp_path: Path) -> None:
    repository = imported(tmp_path, 1, 1, 1_000)
    assert len(repository.added(tmp_path)) == 33


def test_trees_that_hold_one_another_end_git_before_memory_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six trees of ten names stand for a million files, and twelve for more than git can list in any memory."""
    monkeypatch.setattr(gitprocess, "_MEMORY_BYTES", 24 * 2**20)
    repo = Repo(tmp_path / ".git")
    repo.ref("refs/heads/base", base := repo.commit({"a": b"x"}))
    tree = repo.tree({f"f{number}": b"x" for number in range(10)})
    for _ in range(6):
        tree = repo.tree({f"d{number}": ("40000", tree) for number in range(10)})
    repo.ref("refs/heads/main", repo.commit({"w": ("40000", tree)}, base))
    with pytest.raises(GolfcheckError, match=r"git diff-tree failed in .*memory"):
        GitRepository(tmp_path).branch("base")
