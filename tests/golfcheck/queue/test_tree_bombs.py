"""Git trees that name more paths than anybody can read: a few kilobytes of objects, and millions of paths."""

from pathlib import Path

import pytest

from golfcheck.queue import changes, objects
from golfcheck.queue.changes import Changes, Reader
from golfcheck.queue.objects import Objects
from tests.golfcheck.repositories import Repo
from tests.golfcheck.work import work_of

FILE = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # an empty one; nobody reads it


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "golf.git")


def tree(repo: Repo, names: int, inside: str = "") -> str:
    """Store a tree with this number of `names`, of empty files or of one tree."""
    entry = f"040000 tree {inside}" if inside else f"100644 blob {FILE}"
    return repo.git("mktree", "--missing", stdin="".join(f"{entry}\tn{n}\n" for n in range(names)).encode())


def nested(repo: Repo, width: int, depth: int) -> str:
    inside = tree(repo, width)
    for _ in range(depth):
        inside = tree(repo, width, inside)
    return inside


def compared(repo: Repo, root: str) -> Changes:
    with Objects(repo.path / "objects") as store:
        return Reader(store).changes(None, root)


@pytest.mark.parametrize(("width", "depth"), [(2, 35), (10, 9)])
def test_trees_that_hold_one_another_are_compared_up_to_a_number_of_names(
    width: int, depth: int, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_NAMES", 1_000)
    comparison = compared(repo, nested(repo, width, depth))
    assert len(comparison.outside) <= 1_000
    assert [problem.partition(": ")[2] for problem in comparison.problems if "nested" not in problem] == [
        "more than 1,000 names: the rest is not compared"
    ]


def test_record_folders_of_a_head_beyond_the_limit_are_reported_and_not_judged(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_FOLDERS", 20)
    folders = tree(repo, 100, tree(repo, 1))
    root = repo.git("mktree", stdin=f"040000 tree {folders}\ttrack_10min_16mb\n".encode())
    comparison = compared(repo, repo.git("mktree", stdin=f"040000 tree {root}\trecords\n".encode()))
    assert len(comparison.folders) == 20
    assert comparison.problems == ("records/track_10min_16mb/n27: more than 20 record folders: the rest is not judged",)


def test_twice_the_tree_takes_no_more_than_twice_the_work(repo: Repo) -> None:
    roots = [tree(repo, size, tree(repo, 4)) for size in (100, 200)]
    small, large = (work_of(lambda root=root: compared(repo, root)) for root in roots)  # type: ignore[misc]
    assert large < 2.2 * small, (small, large)


def test_large_trees_are_not_all_remembered(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_KEPT_NAMES", 50)
    with Objects(repo.path / "objects") as store:
        for size in (10, 20, 30, 40, 100):
            assert len(store.tree(tree(repo, size))) == size
            assert sum(map(len, store._trees.values())) <= 50
        assert store._num_names == sum(len(items) + 1 for items in store._trees.values())
